"""`rag mcp` as an agent uses it, through the SDK's own client."""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import rag

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    mcp = pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

from rag.mcp_server import build_mcp_server

QUESTION = "How many hostages remain?"


def talk(server: Any, conversation: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    async def connected() -> Any:
        async with mcp.Client(server) as client:
            return await conversation(client)

    return asyncio.run(connected())


def call(archive: rag.Archive, tool: str, **arguments: Any) -> Any:
    return talk(build_mcp_server(archive), lambda client: client.call_tool(tool, arguments))


def test_the_tools_say_what_they_are_for(seeds_archive: rag.Archive) -> None:
    listed = talk(build_mcp_server(seeds_archive), lambda client: client.list_tools())

    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {"ask", "search", "read_article", "list_articles"}
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    assert tools["ask"].input_schema["required"] == ["question"]


def test_an_agents_answer_is_the_archives(seeds_archive: rag.Archive) -> None:
    result = call(seeds_archive, "ask", question=QUESTION)

    assert not result.is_error
    expected = json.loads(json.dumps(seeds_archive.ask(QUESTION).to_dict()))
    for name in ("text", "statements", "citations", "readings"):
        assert result.structured_content[name] == expected[name]
    assert json.loads(result.content[0].text)["text"] == expected["text"]


def test_every_result_carries_path_offsets_quote_and_date(seeds_archive: rag.Archive) -> None:
    hit = call(seeds_archive, "search", query="cease-fire", limit=1).structured_content["hits"][0]
    article = call(seeds_archive, "read_article", path=hit["path"]).structured_content
    part = call(
        seeds_archive, "read_article", path=hit["path"], start=hit["start"], max_characters=40
    ).structured_content

    assert hit["quote"] == article["quote"][hit["start"] : hit["end"]]
    assert part["quote"] == hit["quote"][:40]
    assert (part["start"], part["end"]) == (hit["start"], hit["start"] + 40)
    assert hit["published"] == article["published"]
    assert article["end"] == article["characters"]


def test_articles_are_listed_page_by_page(seeds_archive: rag.Archive) -> None:
    everything = call(seeds_archive, "list_articles").structured_content
    second = call(seeds_archive, "list_articles", offset=1, limit=1).structured_content
    some = call(seeds_archive, "list_articles", containing="003_").structured_content

    assert everything["total"] == 5
    assert second["articles"] == everything["articles"][1:2]
    assert [item["path"][:4] for item in some["articles"]] == ["003_"]


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("read_article", {"path": "../../etc/passwd"}, "No indexed article"),
        ("read_article", {"path": "/etc/passwd"}, "No indexed article"),
        ("ask", {"question": " "}, "empty"),
        ("ask", {"question": "Why?", "as_of": "soon"}, "2025-07"),
        ("search", {"query": "x", "limit": 0}, "greater than or equal to 1"),
        ("ask", {}, "question"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_remedy(
    seeds_archive: rag.Archive, tool: str, arguments: dict[str, Any], told: str
) -> None:
    result = call(seeds_archive, tool, **arguments)

    assert result.is_error
    assert told in result.content[0].text


@pytest.mark.slow
def test_an_agent_talks_to_the_command_over_standard_input(seeds_archive: rag.Archive) -> None:
    server = mcp.stdio_client(
        mcp.StdioServerParameters(
            command=sys.executable,
            args=["-m", "rag.cli", "mcp", "--index", str(Path(seeds_archive.index).absolute())],
            cwd=str(ROOT),
        )
    )

    async def conversation(client: Any) -> tuple[Any, Any]:
        answer = await client.call_tool("ask", {"question": QUESTION})
        refused = await client.call_tool("read_article", {"path": "nothing.txt"})
        return answer, refused

    answer, refused = talk(server, conversation)

    assert answer.structured_content["citations"][0]["quote"]
    assert refused.is_error
