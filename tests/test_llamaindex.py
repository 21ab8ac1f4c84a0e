"""The parts as a plain LlamaIndex program uses them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from indexing_fakes import HashingEmbedder, article_text, write_articles

import rag

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from llama_index.core import MockEmbedding, VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
    from llama_index.core.node_parser import NodeParser
    from llama_index.core.query_engine import BaseQueryEngine, RetrieverQueryEngine
    from llama_index.core.response_synthesizers import get_response_synthesizer
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import Document, MetadataMode, NodeRelationship

    from rag.llamaindex import ArchiveQueryEngine, ArchiveRetriever, PassageNodeParser

REPEATED = "\n\n".join(["The same line comes again and again in this text."] * 40)


class WordsEmbedding(BaseEmbedding):
    """A LlamaIndex embedding of somebody else's, not of unit length."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [3 * float(value) for value in HashingEmbedder().embed_passages([text])[0]]

    def _get_query_embedding(self, query: str) -> list[float]:
        return [3 * float(value) for value in HashingEmbedder().embed_questions([query])[0]]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


@pytest.fixture
def archive(seeds_archive: rag.Archive) -> rag.Archive:
    return seeds_archive


# --- node parser ------------------------------------------------------------------------------


def test_the_splitter_works_in_an_ingestion_pipeline_with_exact_offsets() -> None:
    documents = [
        Document(text=REPEATED, metadata={"file_path": "a.txt", "title": "Repeated"}),
        Document(text=article_text(3), metadata={"file_path": "b.txt"}),
    ]
    texts = {document.node_id: document.text for document in documents}
    parser = PassageNodeParser(passage_words=30)
    assert isinstance(parser, NodeParser)

    nodes = IngestionPipeline(transformations=[parser, MockEmbedding(embed_dim=4)]).run(
        documents=documents
    )

    assert len(nodes) > 10
    covered: dict[str, list[int]] = {document.node_id: [] for document in documents}
    for node in nodes:
        text = texts[node.ref_doc_id]
        assert text[node.start_char_idx : node.end_char_idx] == node.text
        covered[node.ref_doc_id].extend(range(node.start_char_idx, node.end_char_idx))
        assert node.metadata["file_path"] in ("a.txt", "b.txt")
        assert len(node.embedding) == 4
    for name, places in covered.items():
        assert len(places) == len(set(places))
        assert {at for at, c in enumerate(texts[name]) if not c.isspace()} <= set(places)


def test_node_ids_are_the_same_in_every_run_and_no_two_are_alike() -> None:
    documents = [
        Document(text=f"Page {n} is here.", metadata={"file_path": "one.pdf"}, id_=f"page {n}")
        for n in range(3)
    ]

    first, again = (PassageNodeParser().get_nodes_from_documents(documents) for _ in range(2))

    assert [node.node_id for node in first] == [node.node_id for node in again]
    assert len({node.node_id for node in first}) == len(first), "pages of one file share a path"


def test_nodes_know_their_document_and_their_neighbours() -> None:
    documents = [Document(text=REPEATED, id_="a"), Document(text=REPEATED, id_="b")]

    nodes = PassageNodeParser(passage_words=30).get_nodes_from_documents(documents)

    assert [node.ref_doc_id for node in nodes] == sorted(node.ref_doc_id for node in nodes)
    for before, after in pairwise(nodes):
        linked = NodeRelationship.NEXT in before.relationships
        assert linked == (before.ref_doc_id == after.ref_doc_id)
        if linked:
            assert before.relationships[NodeRelationship.NEXT].node_id == after.node_id
            assert after.relationships[NodeRelationship.PREVIOUS].node_id == before.node_id


def test_long_metadata_does_not_move_a_boundary() -> None:
    short = Document(text=REPEATED, metadata={"file_path": "a.txt"})
    long = Document(text=REPEATED, metadata={"file_path": "a.txt", "note": "word " * 150})

    places = [
        [
            (n.start_char_idx, n.end_char_idx)
            for n in PassageNodeParser().get_nodes_from_documents([d])
        ]
        for d in (short, long)
    ]

    assert places[0] == places[1]


def test_a_vector_store_index_can_be_made_of_our_nodes() -> None:
    nodes = PassageNodeParser().get_nodes_from_documents([Document(text=article_text(5))])

    index = VectorStoreIndex(nodes, embed_model=WordsEmbedding())

    (best, *_) = index.as_retriever(similarity_top_k=2).retrieve("boats on pier 1")
    assert "pier 1" in best.node.get_content()


# --- retriever --------------------------------------------------------------------------------


def test_the_retriever_gives_passages_with_offsets_and_relevance(archive: rag.Archive) -> None:
    retriever = ArchiveRetriever(archive, limit=4)
    assert isinstance(retriever, BaseRetriever)

    found = retriever.retrieve("How many hostages remain?")

    assert len(found) == 4
    assert [item.score for item in found] == sorted((i.score for i in found), reverse=True)
    for item in found:
        text = (ROOT / "seeds" / item.metadata["path"]).read_bytes().decode("utf-8-sig")
        assert text[item.node.start_char_idx : item.node.end_char_idx] == item.text
        assert text[item.metadata["start"] : item.metadata["end"]] == item.text
        seen = item.node.get_content(metadata_mode=MetadataMode.LLM)
        assert item.metadata["title"] in seen
        assert item.metadata["passage_id"] not in seen


def test_the_retriever_keeps_to_its_filters(archive: rag.Archive) -> None:
    path = archive.articles()[0].path

    found = ArchiveRetriever(archive, paths=[path]).retrieve("hostages")
    none = ArchiveRetriever(archive, paths=["nowhere"]).retrieve("hostages")

    assert {item.metadata["path"] for item in found} == {path}
    assert none == []


def test_the_retriever_fits_into_an_engine_of_the_framework(archive: rag.Archive) -> None:
    from llama_index.core.llms import MockLLM

    engine = RetrieverQueryEngine(
        ArchiveRetriever(archive, limit=2),
        get_response_synthesizer(llm=MockLLM(), response_mode="compact"),
    )

    response = engine.query("How many hostages remain?")

    assert len(response.source_nodes) == 2


# --- query engine -----------------------------------------------------------------------------


def test_the_query_engine_answers_with_its_citations_as_source_nodes(
    archive: rag.Archive,
) -> None:
    engine = ArchiveQueryEngine(archive)
    assert isinstance(engine, BaseQueryEngine)

    response = engine.query("How many hostages remain?")

    answer = archive.ask("How many hostages remain?")
    assert str(response) == answer.text
    assert len(response.source_nodes) == len(answer.citations) > 0
    for item, citation in zip(response.source_nodes, answer.citations, strict=True):
        text = (ROOT / "seeds" / item.metadata["path"]).read_bytes().decode("utf-8-sig")
        assert text[item.metadata["start"] : item.metadata["end"]] == item.metadata["quote"]
        assert item.text == citation.quote
        assert item.metadata["number"] == citation.number
    told = {**response.metadata["answer"], "timings_ms": 0}
    assert told == {**answer.to_dict(), "timings_ms": 0}


def test_the_query_engine_abstains_with_no_source_nodes(archive: rag.Archive) -> None:
    response = ArchiveQueryEngine(archive, paths=["nowhere"]).query("How many hostages remain?")

    assert response.metadata["answer"]["abstained"] is True
    assert response.source_nodes == []


# --- embedding --------------------------------------------------------------------------------


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[rag.Archive]:
    write_articles(tmp_path / "corpus", 4)
    with rag.build(
        tmp_path / "corpus", tmp_path / "index", embedding=WordsEmbedding(model_name="words")
    ) as archive:
        yield archive


def test_an_archive_can_be_made_with_any_embedding_of_the_framework(theirs: rag.Archive) -> None:
    hits = theirs.search("boats counted in town 2")

    assert hits[0].passage.path == "article_0002.txt"
    assert all(-1.001 <= hit.similarity <= 1.001 for hit in hits)
    with rag.open_archive(theirs.index, embedding=WordsEmbedding(model_name="words")) as again:
        assert again.search("boats counted in town 2") == hits


def test_an_archive_made_with_another_embedding_is_refused(theirs: rag.Archive) -> None:
    for other in (None, WordsEmbedding(model_name="other"), MockEmbedding(embed_dim=4)):
        with pytest.raises(rag.errors.IndexStaleError):
            rag.open_archive(theirs.index, embedding=other)


def test_an_embedding_of_another_length_is_told_apart(tmp_path: Path) -> None:
    write_articles(tmp_path / "corpus", 2)
    for length in (4, 8):
        embedding = MockEmbedding(embed_dim=length)
        with rag.build(tmp_path / "corpus", tmp_path / "index", embedding=embedding) as archive:
            assert archive.search("boats")
            assert archive.verify() == []


# --- what it costs those who do not use it ----------------------------------------------------


def test_asking_imports_neither_the_framework_nor_torch_nor_the_page(tmp_path: Path) -> None:
    code = (
        "import sys; import rag\n"
        "archive = rag.build(sys.argv[1], sys.argv[2])\n"
        "assert archive.ask('How many hostages remain?').statements\n"
        "heavy = {'llama_index', 'llama_index.core', 'torch', 'transformers',\n"
        "         'sentence_transformers', 'gradio', 'pandas', 'trafilatura', 'fastapi'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "seeds"), str(tmp_path / "index")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# --- engines of an archive --------------------------------------------------------------------


def test_an_archive_is_a_query_engine(archive: rag.Archive) -> None:
    engine = archive.as_query_engine(as_of="2024")

    response = engine.query("How many hostages remain?")

    assert isinstance(engine, BaseQueryEngine)
    expected = archive.ask("How many hostages remain?", as_of="2024")
    assert str(response) == expected.text
    assert response.source_nodes[0].metadata["quote"] == expected.citations[0].quote


def test_an_archive_is_a_chat_engine_that_remembers(archive: rag.Archive) -> None:
    engine = archive.as_chat_engine()

    first = engine.chat("How many hostages remain?")
    second = engine.chat("How many of them are alive?")

    assert first.source_nodes[0].metadata["quote"]
    assert "hostages" in second.metadata["answer"]["standalone_question"]
    assert [message.role.value for message in engine.chat_history] == ["user", "assistant"] * 2
    engine.reset()
    assert engine.chat_history == []


def test_a_chat_engine_streams_the_same_answer(archive: rag.Archive) -> None:
    engine = archive.as_chat_engine()
    expected = archive.ask("How many hostages remain?")

    streamed = engine.stream_chat("How many hostages remain?")
    pieces = list(streamed.response_gen)

    assert len(pieces) == len(expected.statements) > 1
    assert "".join(pieces) == str(streamed) == expected.text
    assert len(streamed.source_nodes) == len(expected.citations)
    assert engine.chat_history[-1].content == expected.text


def test_a_chat_engine_works_asynchronously_too(archive: rag.Archive) -> None:
    async def both() -> tuple[str, str]:
        engine = archive.as_chat_engine()
        whole = await engine.achat("How many hostages remain?")
        engine.reset()
        streamed = await engine.astream_chat("How many hostages remain?")
        return str(whole), "".join([piece async for piece in streamed.async_response_gen()])

    whole, streamed = asyncio.run(both())

    assert whole == streamed == archive.ask("How many hostages remain?").text


def test_a_language_model_writes_under_the_same_checks(archive: rag.Archive) -> None:
    class Inventive(CustomLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(model_name="inventive")

        def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
            return CompletionResponse(text="The moon is made of green cheese [1].")

        def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            yield CompletionResponse(text=SAID, delta=SAID)

    engines = (archive.as_query_engine(llm=Inventive()), archive.as_chat_engine(llm=Inventive()))
    responses = (
        engines[0].query("How many hostages remain?"),
        engines[1].chat("How many hostages remain?"),
    )

    for response in responses:
        answer = response.metadata["answer"]
        standing = [s for s in answer["statements"] if s["verdict"] != "unsupported"]
        assert not any("cheese" in statement["text"] for statement in standing)
        assert any("inventive" in note.casefold() for note in answer["notes"])


SAID = "The moon is made of green cheese [1]."
