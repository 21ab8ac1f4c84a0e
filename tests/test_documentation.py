"""What can be set and called is in the README, by its name."""

from __future__ import annotations

import re

import pytest
import typer
from conftest import ROOT

import rag
from rag.cli import app
from rag.settings import Settings

README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else ""
_GROUP = typer.main.get_command(app)
_COMMANDS = sorted(_GROUP.commands)  # type: ignore[attr-defined]
_OPTIONS = sorted(
    {
        (name, option)
        for name, command in _GROUP.commands.items()  # type: ignore[attr-defined]
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    }
)


def _mentions(words: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(words)}(?![\w-])", README) is not None


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_explained(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_is_explained(name: str) -> None:
    assert _mentions(f"rag {name}")


@pytest.mark.parametrize(("command", "option"), _OPTIONS)
def test_every_option_is_explained(command: str, option: str) -> None:
    assert _mentions(option), f"rag {command} {option}"


@pytest.mark.parametrize(
    "name", [name for name in rag.__all__ if name in ("build", "open_archive", "load_settings")]
)
def test_the_ways_into_the_library_are_explained(name: str) -> None:
    assert _mentions(name)


def test_every_exit_code_is_explained() -> None:
    for code in range(8):
        assert re.search(rf"(?m)(^\|\s*`?{code}`?\s*\||\b{code}\b)", README), code


def test_no_setting_is_explained_that_does_not_exist() -> None:
    named = set(re.findall(r"RAG_([A-Z_]+[A-Z])", README))

    assert {name.lower() for name in named} <= set(Settings.model_fields)
