"""The packaged embedding model's graph, without its weights -> rag/graphs/minilm.onnx.

Needs the extra ``training``. The weights stay in their own package, where their hash is checked;
at run time onnxruntime takes them from there, so that a question needs neither torch nor
sentence-transformers. Run: ``python -m training.export_encoder``.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from transformers import AutoModel

from rag.embedder import packaged_model_folder

GRAPH = Path(__file__).resolve().parent.parent / "rag" / "graphs" / "minilm.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class LastHiddenState(torch.nn.Module):
    """The encoder with one plain tensor as its output: one row per word piece."""

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Return float32 of shape (batch, pieces, 384)."""
        return self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state


def main() -> None:
    """Write the graph."""
    encoder = AutoModel.from_pretrained(packaged_model_folder(), attn_implementation="eager")
    ids = torch.randint(5, 1000, (3, 17))
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    sizes = {0: torch.export.Dim("batch", max=4096), 1: torch.export.Dim("pieces", min=2, max=512)}
    program = torch.onnx.export(
        LastHiddenState(encoder.eval()),
        (ids, mask, torch.zeros_like(ids)),
        dynamo=True,
        # Unoptimised, so that every weight keeps the name it has in the weights file.
        optimize=False,
        input_names=list(INPUTS),
        output_names=["last_hidden_state"],
        dynamic_shapes=(sizes, sizes, sizes),
    )
    folder = GRAPH.parent
    folder.mkdir(exist_ok=True)
    program.save(str(GRAPH), external_data=True)
    GRAPH.with_suffix(".onnx.data").unlink()
    model = onnx.load(str(GRAPH), load_external_data=False)
    renamed = {}
    for weight in model.graph.initializer:
        renamed[weight.name] = weight.name.removeprefix("encoder.")
        weight.name = renamed[weight.name]
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    model.graph.ClearField("value_info")
    onnx.save(model, str(GRAPH))


if __name__ == "__main__":
    main()
