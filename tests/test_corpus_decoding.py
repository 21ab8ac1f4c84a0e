"""Bytes -> text: the encoding is told, what is no text is refused."""

from __future__ import annotations

import hashlib
import time

import pytest
from article_files import LIMIT, PROSE, one, why_skipped, write
from hypothesis import given
from hypothesis import strategies as st

from rag.corpus import (
    UndecodableError,
    decode,
    file_sha256,
    read_articles,
)
from rag.schema import Skipped

QUOTED = "“We didn’t,” said the café’s owner — naïvely. Élysée, Müller, Señor."


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (QUOTED.encode(), "utf-8"),
        (QUOTED.encode("utf-8-sig"), "utf-8-sig"),
        (QUOTED.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + QUOTED.encode("utf-16-be"), "utf-16"),
        (QUOTED.encode("utf-32"), "utf-32"),
        (QUOTED.encode("utf-16-le"), "utf-16-le"),
        (QUOTED.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_unicode_files_are_read_to_the_letter_without_their_byte_order_mark(data, encoding):
    assert decode(data) == (QUOTED, encoding)


@pytest.mark.parametrize(
    "text",
    [
        "“Hamas is the obstacle,” he said — the café’s owner didn’t mince words.",
        "He said: “Yes.”",
        "Façade",
        "El Niño struck.",
        "L’élève a été très à l’aise. Où ça? À l’œuvre, cœur.",
        "Müller sagte, die Straße sei größer. Für Übung wäre schön.",
        "“¡Señor!” said Sánchez — “mañana.”",
        "Prices rose to €5 – or £4 – in São Paulo, said the Malmö office’s naïve clerk. " * 5,
        "Plain English for a long while. " * 20_000 + "Then “quotes” and an é.",
    ],
)
def test_windows_1252_news_text_comes_out_right(text):
    assert decode(text.encode("cp1252")) == (text, "cp1252")


def test_an_old_russian_file_comes_out_right():
    text = "Премьер-министр заявил сегодня, что переговоры прекращены. Делегация вернулась домой."

    assert decode(text.encode("cp1251"))[0] == text
    assert decode(text.encode("koi8-r"))[0] == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_what_was_decoded_can_be_decoded_again_by_its_encoding(text):
    data = text.encode()
    decoded, encoding = decode(data)

    assert data.decode(encoding) == decoded


def test_newlines_stay_as_they_are(tmp_path):
    text = "Line one.\r\nLine two.\rLine three.\n\r\n\u2028Four.\x0bFive."

    assert one(tmp_path, "a.txt", text).text == text


def test_a_few_null_characters_are_kept_so_that_offsets_stay_true(tmp_path):
    text = f"Before\0after. {PROSE}"

    assert one(tmp_path, "a.txt", text).text == text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 stream", "it looks like a PDF file"),
        (b"PK\x03\x04" + b"x" * 50, "it looks like a ZIP file"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "it looks like a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "it looks like a JPEG image"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "it looks like an ELF program"),
        (bytes(range(256)) * 20, "it looks binary"),
        (b"\0" * 5_000, "it looks binary"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.jsonl"])
def test_a_file_that_is_something_else_is_skipped_with_what_it_looks_like(
    tmp_path, name, data, words
):
    articles, skipped = read_articles(tmp_path, write(tmp_path, name, data), max_bytes=LIMIT)

    assert articles == []
    assert len(skipped) == 1
    assert skipped[0].reason.startswith("content does not match its type: ")
    assert words in skipped[0].reason


def test_an_article_that_begins_like_a_magic_number_is_an_article(tmp_path):
    assert one(tmp_path, "a.txt", f"MZ Bank fails. {PROSE}").title.startswith("MZ Bank fails")
    assert one(tmp_path, "b.txt", f"RIFF is a format. {PROSE}").text.startswith("RIFF")


def test_damaged_unicode_is_refused_with_the_place_rather_than_misread(tmp_path):
    good = "“One” and “two” and “three”. ".encode()

    with pytest.raises(UndecodableError, match=f"byte {len(good)}"):
        decode(good + b"\xff" + good)
    with pytest.raises(UndecodableError, match="byte"):
        decode("text".encode("utf-16") + b"\0")
    write(tmp_path, "a.txt", good + b"\xff" + good)
    assert f"byte {len(good)}" in why_skipped(tmp_path, "a.txt")


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"--- ... !", b"\xff\xfe"])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.jsonl"])
def test_an_empty_file_is_skipped_as_having_no_text(tmp_path, name, content):
    write(tmp_path, name, content)
    if name == "a.jsonl" and b"!" in content:
        content = b"\n\n"
        write(tmp_path, name, content)

    assert why_skipped(tmp_path, name) == "no text"


def test_the_hash_is_that_of_the_text(tmp_path):
    text = "“We didn’t,” said the café’s owner."
    article = one(tmp_path, "a.txt", text.encode("cp1252"))

    assert article.encoding == "cp1252"
    assert article.sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "data",
    [
        b"word " * 3_000_000,
        b"x" * 15_000_000,
        b"\n" + b" " * 15_000_000 + b"x",
        b"By A " * 3_000_000,
        "é".encode("cp1252") * 15_000_000,
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_a_line_of_fifteen_megabytes_is_read_quickly(tmp_path, name, data):
    write(tmp_path, name, data)
    before = time.process_time()

    articles, _ = read_articles(tmp_path, name, max_bytes=LIMIT)

    assert len(articles) == 1
    assert time.process_time() - before < 2


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    write(tmp_path, "a.txt", QUOTED.encode("utf-16"))

    found = file_sha256(tmp_path, "a.txt", max_bytes=LIMIT)

    assert found == hashlib.sha256(QUOTED.encode("utf-16")).hexdigest()
    gone = Skipped("b.txt", "it is no longer there")
    assert file_sha256(tmp_path, "b.txt", max_bytes=LIMIT) == gone
