"""Files that visitors add: checked by content, written under a safe name, never over another."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import UsageError
from ui.uploads import remove_file, save_file, save_text

LIMIT = 1000


def save(corpus: Path, name: str, data: bytes) -> Path:
    return save_file(corpus, name, data, max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("News of today.txt", b"Hello.", "News-of-today.txt"),
        ("notes.md", b"# Hello", "notes.md"),
        ("page.txt", b"<!DOCTYPE html><p>Hello", "page.html"),
        ("lines.jsonl", b'{"text": "a"}\n\n{"text": "b"}\n', "lines.jsonl"),
        ("program.exe", b"Really only text.", "program.txt"),
        ("../../etc/cron.d/x", b"Hello.", "x.txt"),
        ("C:\\Users\\me\\a.txt", b"Hello.", "a.txt"),
        (".hidden", b"Hello.", "hidden.txt"),
        ("\u202egpj.txt", b"Hello.", "gpj.txt"),
        ("חדשות.txt", b"Hello.", "article.txt"),
        ("a\x00b.txt", b"Hello.", "ab.txt"),
        ("x" * 500 + ".txt", b"Hello.", "x" * 60 + ".txt"),
        ("utf16.txt", "Hello.".encode("utf-16"), "utf16.txt"),
        ("old.txt", "Café".encode("latin-1"), "old.txt"),
    ],
)
def test_an_article_is_written_under_a_safe_name_that_suits_its_content(
    tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    corpus = tmp_path / "corpus"

    saved = save(corpus, name, data)

    assert saved == corpus / expected
    assert saved.read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"%PDF-1.4", "is a PDF"),
        ("a.txt", b"PK\x03\x04xx", "office document"),
        ("a.html", b"\x89PNG\r\n", "is an image"),
        ("a.txt", b"abc\x00def", "is not text"),
        ("a.txt", b" \n ", "is empty"),
        ("a.txt", b"x" * (LIMIT + 1), "larger than 0.001 MB"),
        ("a.jsonl", b'{"text": "a"}\n[1]\n', "Line 2 of a.jsonl"),
        ("a.jsonl", b"[" * 900, "Line 1 of a.jsonl"),
    ],
)
def test_what_is_no_article_is_refused_with_the_reason(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        save(tmp_path, name, data)
    assert list(tmp_path.iterdir()) == []


def test_another_file_of_that_name_is_never_overwritten(tmp_path: Path) -> None:
    first, second = save(tmp_path, "a.txt", b"one"), save(tmp_path, "a.txt", b"two")

    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    with pytest.raises(UsageError, match="in the archive already"):
        save(tmp_path, "a.txt", b"one")


def test_pasted_text_is_an_article_with_its_title(tmp_path: Path) -> None:
    saved = save_text(tmp_path, "A bridge / opens", " It opened. ", max_bytes=LIMIT)

    assert saved.name == "A-bridge-opens.txt"
    assert saved.read_text("utf-8") == "A bridge / opens\n\nIt opened.\n"
    with pytest.raises(UsageError, match="no text"):
        save_text(tmp_path, "Title", " ", max_bytes=LIMIT)


def test_a_removed_file_is_kept_aside(tmp_path: Path) -> None:
    saved = save(tmp_path / "corpus", "a.txt", b"one")

    kept = remove_file(tmp_path / "corpus", "a.txt", into=tmp_path / "removed")

    assert not saved.exists()
    assert kept.read_bytes() == b"one"


@pytest.mark.parametrize("path", ["../secret.txt", "link.txt", "absent.txt", "/etc/hostname", "."])
def test_nothing_outside_the_folder_is_removed(tmp_path: Path, path: str) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    secret = tmp_path / "secret.txt"
    secret.write_text("kept")
    (corpus / "link.txt").symlink_to(secret)

    with pytest.raises(UsageError, match="There is no file"):
        remove_file(corpus, path, into=tmp_path / "removed")
    assert secret.read_text() == "kept"


def test_a_line_of_a_larger_file_is_not_removed_alone(tmp_path: Path) -> None:
    (tmp_path / "news.jsonl").write_text('{"text": "a"}\n')

    with pytest.raises(UsageError, match="one line of a larger file"):
        remove_file(tmp_path, "news.jsonl#1", into=tmp_path / "removed")
