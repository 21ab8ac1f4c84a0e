"""The reader as torch knows it: one small encoder with four heads.

Question or statement, and words -> where the answer stands, whether the words answer, whether they
are about what is asked, whether they support the statement. :mod:`rag.reader` runs the same model,
exported, without torch.
"""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertModel

from rag.embedder import packaged_model_folder

HIDDEN = 384
MAX_PIECES = 256
SUPPORT_LABELS = ("supported", "not told", "contradicted")


class ReaderModel(nn.Module):
    """An encoder of pairs of texts with four heads on it.

    Args:
        encoder: Hidden size :data:`HIDDEN`.
    """

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.span = nn.Linear(HIDDEN, 2)
        self.answers = nn.Linear(HIDDEN, 1)
        self.relevant = nn.Linear(HIDDEN, 1)
        self.support = nn.Linear(HIDDEN, len(SUPPORT_LABELS))

    @classmethod
    def untrained(cls) -> ReaderModel:
        """Return a reader with new heads over the packaged embedding model's encoder."""
        encoder = BertModel.from_pretrained(
            packaged_model_folder(),
            add_pooling_layer=False,
            attn_implementation="eager",
            local_files_only=True,
            # Drawing its masks costs a processor more than the layers themselves; a pass or two
            # over this much data does without.
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        return cls(encoder)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return logits: span (batch, pieces, 2), answers, relevant (batch,), support (batch, 3).

        Args:
            input_ids: Word pieces of ``[CLS] question [SEP] words [SEP]``: (batch, pieces).
            attention_mask: 1 for a piece, 0 for padding.
            token_type_ids: 0 for the question or statement, 1 for the words.
        """
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        first = states[:, 0]
        return (
            self.span(states),
            self.answers(first).squeeze(-1),
            self.relevant(first).squeeze(-1),
            self.support(first),
        )


def save_weights(model: ReaderModel, path: Path) -> None:
    """Write the weights as half-precision safetensors."""
    tensors = {
        name: value.detach().half().contiguous() for name, value in model.state_dict().items()
    }
    save_file(tensors, path)


def load_weights(path: Path) -> ReaderModel:
    """Return a reader with saved weights, ready to read, in single precision."""
    model = ReaderModel.untrained()
    model.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return model.eval()
