"""Every knob: flag > variable > rag.toml > default; nothing unknown, nothing out of bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from annotated_types import Ge, Gt, Le, Lt

from rag.errors import UsageError
from rag.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)


def test_without_any_word_the_defaults_hold() -> None:
    settings = load_settings()

    assert settings.corpus == Path("seeds")
    assert settings.index == Path("index")
    assert settings.embedding_model == "packaged"


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().passage_words == 110

    (tmp_path / "rag.toml").write_text("passage_words = 90\ncandidates = 7\n")
    assert load_settings().passage_words == 90

    monkeypatch.setenv("RAG_PASSAGE_WORDS", "80")
    assert load_settings().passage_words == 80

    assert load_settings(passage_words=70).passage_words == 70
    assert load_settings(passage_words=None).passage_words == 80, "None is no flag"
    assert load_settings(passage_words=70).candidates == 7, "the file still speaks for the rest"


def test_an_unknown_key_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(passage_word=70)

    assert "passage_word" in caught.value.problem
    assert "passage_words" in caught.value.remedy


def test_an_unknown_key_in_the_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text("chunk_size = 90\n")

    with pytest.raises(UsageError, match="chunk_size"):
        load_settings()


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    for content in (b"passage_words == 90", b"\xff\xfe\x00"):
        (tmp_path / "rag.toml").write_bytes(content)
        with pytest.raises(UsageError, match=r"rag\.toml"):
            load_settings()


def test_a_variable_that_is_no_number_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CANDIDATES", "many")

    with pytest.raises(UsageError, match="candidates"):
        load_settings()


_NUMBERS = [
    (name, mark)
    for name, field in Settings.model_fields.items()
    if field.annotation in (int, float)
    for mark in field.metadata
    if isinstance(mark, Ge | Gt | Le | Lt)
]


@pytest.mark.parametrize(
    ("name", "mark"), _NUMBERS, ids=[f"{name}-{type(mark).__name__}" for name, mark in _NUMBERS]
)
def test_a_number_beyond_its_bounds_is_refused(name: str, mark: Ge | Gt | Le | Lt) -> None:
    beyond = {
        Ge: lambda: mark.ge - 1,  # type: ignore[union-attr]
        Gt: lambda: mark.gt,  # type: ignore[union-attr]
        Le: lambda: mark.le + 1,  # type: ignore[union-attr]
        Lt: lambda: mark.lt,  # type: ignore[union-attr]
    }[type(mark)]()

    with pytest.raises(UsageError, match=name):
        load_settings(**{name: beyond})


def test_every_number_has_two_bounds_and_every_setting_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        if field.annotation in (int, float):
            assert len([m for m in field.metadata if isinstance(m, Ge | Gt | Le | Lt)]) == 2, name


def test_settings_cannot_be_altered_after_they_were_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().candidates = 3  # type: ignore[misc]
