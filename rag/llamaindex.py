"""The parts as LlamaIndex parts: node parser, retriever, query engine, chat engine.

Only programs that use LlamaIndex import this room; a question to the archive does not need it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.chat_engine.types import (
    AgentChatResponse,
    BaseChatEngine,
    StreamingAgentChatResponse,
)
from llama_index.core.node_parser import NodeParser
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.schema import (
    BaseNode,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)
from pydantic import Field, PrivateAttr

from rag.archive import Archive
from rag.passages import estimate_pieces, split_passages
from rag.schema import (
    Answer,
    Article,
    Finished,
    History,
    Passage,
    StatementWritten,
    Turn,
    iso,
)

# What a language model or an embedding sees of a node's metadata; the rest is for programs.
_HIDDEN = ["path", "start", "end", "quote", "passage_id", "number", "sentences", "outlet"]


class PassageNodeParser(NodeParser):
    """Splits documents into passages whose ``start_char_idx`` and ``end_char_idx`` are exact.

    For every node, ``document.text[node.start_char_idx:node.end_char_idx] == node.text``, also when
    the text repeats itself. Works in any ``IngestionPipeline``; title and date are taken from the
    document's metadata (``title``, ``date``), the path from ``file_path`` or the document's id.
    """

    passage_words: int = Field(default=110, ge=20, description="Words a passage aims at.")
    max_pieces: int = Field(default=200, ge=16, description="Word pieces it has at most.")
    language: str = Field(default="en", description="ISO 639 code of the text.")

    @classmethod
    def class_name(cls) -> str:
        """Return the name that a serialised pipeline carries."""
        return "PassageNodeParser"

    def _parse_nodes(
        self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any
    ) -> list[BaseNode]:
        return [part for node in nodes for part in self._parts(node)]

    def _parts(self, node: BaseNode) -> list[BaseNode]:
        metadata = node.metadata
        article = Article(
            path=str(metadata.get("file_path") or node.node_id),
            text=node.get_content(),
            title=str(metadata.get("title") or ""),
        )
        # The pages of one file share its path; what tells their passages apart is the text.
        article = replace(article, sha256=article.text_sha256())
        passages = split_passages(
            article,
            passage_words=self.passage_words,
            max_pieces=self.max_pieces,
            count_pieces=estimate_pieces,
            language=self.language,
        )
        return [
            TextNode(
                id_=passage.passage_id,
                text=passage.text,
                start_char_idx=passage.start,
                end_char_idx=passage.end,
                metadata=dict(metadata),
                excluded_embed_metadata_keys=list(node.excluded_embed_metadata_keys),
                excluded_llm_metadata_keys=list(node.excluded_llm_metadata_keys),
                relationships={
                    NodeRelationship.SOURCE: RelatedNodeInfo(
                        node_id=node.node_id, metadata=dict(metadata), hash=node.hash
                    )
                },
            )
            for passage in passages
        ]

    def _postprocess_parsed_nodes(
        self, nodes: list[BaseNode], parent_doc_map: dict[str, Any]
    ) -> list[BaseNode]:
        # The framework's own version searches the text for each node, and is wrong where it
        # repeats; only its links between neighbours are wanted.
        for before, after in pairwise(nodes):
            if before.ref_doc_id == after.ref_doc_id:
                before.relationships[NodeRelationship.NEXT] = after.as_related_node_info()
                after.relationships[NodeRelationship.PREVIOUS] = before.as_related_node_info()
        return nodes


class ArchiveRetriever(BaseRetriever):
    """An archive's hybrid search as a LlamaIndex retriever.

    Args:
        archive: The archive.
        limit: How many passages at most.
        as_of: Only what was published by then counts.
        paths: Only these articles, files or folders count.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        limit: int = 10,
        as_of: dt.date | str | None = None,
        paths: Sequence[str] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self._archive = archive
        self._limit = limit
        self._as_of = as_of
        self._paths = paths
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._archive.search(query_bundle.query_str, self._limit, self._as_of, self._paths)
        return [NodeWithScore(node=_node(hit.passage), score=hit.relevance) for hit in hits]


class ArchiveQueryEngine(CustomQueryEngine):
    """An archive's answers as a LlamaIndex query engine.

    The response's text is the answer's; ``source_nodes`` are its citations, each with path, start,
    end and quote in its metadata; ``metadata["answer"]`` is the whole answer as JSON values.

    Args:
        archive: The archive.
        llm: Writes the answers, each sentence checked; by default what the settings say.
        as_of: Only what was published by then counts.
        paths: Only these articles, files or folders count.
    """

    as_of: str | None = None
    paths: list[str] | None = None
    _archive: Archive = PrivateAttr()
    _llm: Any = PrivateAttr()

    def __init__(
        self,
        archive: Archive,
        *,
        llm: Any = None,
        as_of: str | None = None,
        paths: Sequence[str] | None = None,
    ) -> None:
        super().__init__(as_of=as_of, paths=None if paths is None else list(paths))  # type: ignore[call-arg]
        self._archive = archive
        self._llm = llm

    def custom_query(self, query_str: str) -> Response:
        """Answer a question."""
        answer = self._archive.ask(query_str, as_of=self.as_of, paths=self.paths, model=self._llm)
        return Response(
            response=answer.text,
            source_nodes=_cited_nodes(answer),
            metadata={"answer": answer.to_dict()},
        )


class ArchiveChatEngine(BaseChatEngine):
    """An archive's answers as a LlamaIndex chat engine: follow-ups lean on what came before.

    Responses are like those of :class:`ArchiveQueryEngine`; a streamed one has its ``source_nodes``
    once it has been read to its end.

    Args:
        archive: The archive.
        llm: Writes the answers, each sentence checked; by default what the settings say.
        as_of: Only what was published by then counts.
        paths: Only these articles, files or folders count.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        llm: Any = None,
        as_of: dt.date | str | None = None,
        paths: Sequence[str] | None = None,
    ) -> None:
        self._archive = archive
        self._llm = llm
        self._as_of = as_of
        self._paths = paths
        self._messages: list[ChatMessage] = []

    @property
    def chat_history(self) -> list[ChatMessage]:
        """The conversation so far."""
        return list(self._messages)

    def reset(self) -> None:
        """Forget the conversation."""
        self._messages = []

    def chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> AgentChatResponse:
        """Answer a message.

        Args:
            message: The question.
            chat_history: The conversation before it, instead of the one that is remembered.
        """
        history = self._history(chat_history)
        answer = self._archive.ask(message, history, self._as_of, self._paths, self._llm)
        self._remember(message, answer)
        return AgentChatResponse(
            response=answer.text,
            source_nodes=_cited_nodes(answer),
            metadata={"answer": answer.to_dict()},
        )

    def stream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """Answer a message as the answer is made; takes what :meth:`chat` does."""
        response = StreamingAgentChatResponse(is_writing_to_memory=False)
        response.chat_stream = self._pieces(message, self._history(chat_history), response)
        return response

    async def achat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> AgentChatResponse:
        """Answer a message; takes what :meth:`chat` does."""
        return await asyncio.to_thread(self.chat, message, chat_history)

    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """Answer a message as the answer is made; takes what :meth:`chat` does."""
        response = StreamingAgentChatResponse(is_writing_to_memory=False)
        pieces = self._pieces(message, self._history(chat_history), response)

        async def from_thread() -> AsyncGenerator[ChatResponse]:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece

        response.achat_stream = from_thread()
        return response

    def _pieces(
        self, message: str, history: History, response: StreamingAgentChatResponse
    ) -> Generator[ChatResponse]:
        written = ""

        def said(text: str) -> ChatResponse:
            nonlocal written
            written += text
            spoken = ChatMessage(role=MessageRole.ASSISTANT, content=written)
            return ChatResponse(message=spoken, delta=text)

        for event in self._archive.stream(message, history, self._as_of, self._paths, self._llm):
            if isinstance(event, StatementWritten):
                gap = "\n" if written else ""
                yield said(gap + event.statement.marked)
            elif isinstance(event, Finished):
                response.source_nodes = _cited_nodes(event.answer)
                self._remember(message, event.answer)
                whole = event.answer.text
                if not whole.startswith(written):
                    yield said(f"\n\n{whole}")  # the checks came to another answer
                elif whole != written:
                    yield said(whole[len(written) :])

    def _history(self, chat_history: list[ChatMessage] | None) -> list[Turn]:
        if chat_history is not None:
            self._messages = list(chat_history)
        turns: list[Turn] = []
        for message in self._messages:
            if message.role == MessageRole.USER:
                turns.append(Turn(message.content or ""))
            elif message.role == MessageRole.ASSISTANT and turns and not turns[-1].answer:
                turns[-1] = Turn(turns[-1].question, message.content or "")
        return turns

    def _remember(self, message: str, answer: Answer) -> None:
        self._messages += [
            ChatMessage(role=MessageRole.USER, content=message),
            ChatMessage(role=MessageRole.ASSISTANT, content=answer.text),
        ]


def _node(passage: Passage) -> TextNode:
    return TextNode(
        id_=passage.passage_id,
        text=passage.text,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        metadata={
            "title": passage.title,
            "published": iso(passage.published),
            "outlet": passage.outlet,
            "path": passage.path,
            "start": passage.start,
            "end": passage.end,
            "passage_id": passage.passage_id,
        },
        excluded_embed_metadata_keys=_HIDDEN,
        excluded_llm_metadata_keys=_HIDDEN,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=passage.path)},
    )


def _cited_nodes(answer: Answer) -> list[NodeWithScore]:
    relevance = {hit.passage.passage_id: hit.relevance for hit in answer.hits}
    return [
        NodeWithScore(
            node=TextNode(
                id_=f"{citation.passage_id}:{citation.start}",
                text=citation.quote,
                start_char_idx=citation.start,
                end_char_idx=citation.end,
                metadata=citation.to_dict(),
                excluded_embed_metadata_keys=_HIDDEN,
                excluded_llm_metadata_keys=_HIDDEN,
                relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=citation.path)},
            ),
            score=relevance.get(citation.passage_id),
        )
        for citation in answer.citations
    ]
