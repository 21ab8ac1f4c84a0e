"""Folder -> Articles: what is read, how it is decoded, what is skipped and why."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.corpus import folder as folder_room
from rag.corpus import markdown, reading
from rag.corpus import UndecodableError, decode, file_sha256, list_files, read_articles
from rag.errors import CorpusError
from rag.schema import Article, Skipped

LIMIT = 20_000_000
SEEDS = Path(__file__).parent.parent / "seeds"
PROSE = "The minister said on Monday that the talks had ended without any agreement at all."


def write(folder: Path, name: str, content: str | bytes) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return name


def one(folder: Path, name: str, content: str | bytes) -> Article:
    articles, skipped = read_articles(folder, write(folder, name, content), max_bytes=LIMIT)
    assert skipped == []
    assert len(articles) == 1
    return articles[0]


def why_skipped(folder: Path, name: str, *, max_bytes: int = LIMIT) -> str:
    articles, skipped = read_articles(folder, name, max_bytes=max_bytes)
    assert articles == []
    assert len(skipped) == 1
    assert skipped[0].reason.isprintable()
    return skipped[0].reason


def unquotable(article: Article) -> list[str]:
    return [span.within(article.text) for span in article.unquotable]


# --- the articles shipped with the project ---------------------------------------------------


@pytest.mark.parametrize(
    ("number", "title", "published"),
    [
        (0, "Israeli Prime Minister Benjamin Netanyahu has recalled senior members of…", None),
        (
            1,
            "The ongoing war between Israel and Hamas remains locked in a cycle of violence…",
            None,
        ),
        (
            2,
            "Negotiations over the release of Israeli hostages held in Gaza by Hamas remain…",
            None,
        ),
        (
            3,
            "President Trump’s special envoy said that “we will now consider alternative…",
            dt.date(2025, 7, 24),
        ),
        (4, "Peace Talks Collapse—Is WW3 Next?", None),
    ],
)
def test_the_shipped_articles_have_the_title_and_date_that_they_state(number, title, published):
    files, skipped = list_files(SEEDS, max_bytes=LIMIT)
    articles, _ = read_articles(SEEDS, files[number].path, max_bytes=LIMIT)

    assert skipped == []
    assert (articles[0].title, articles[0].published) == (title, published)
    assert articles[0].outlet is None
    assert articles[0].text == (SEEDS / files[number].path).read_bytes().decode("utf-8")


def test_stray_lines_and_credits_of_a_shipped_article_are_never_quoted():
    path = list_files(SEEDS, max_bytes=LIMIT)[0][3].path
    articles, _ = read_articles(SEEDS, path, max_bytes=LIMIT)

    date, image, image_again, credit, biography = unquotable(articles[0])
    assert date == "July 24, 2025Updated 5:02 p.m. ET"
    assert image == image_again == "Image"
    assert credit == "Aaron Boxerman and Natan Odenheimer contributed reporting from Jerusalem."
    assert biography.startswith("David E. Sanger covers the Trump administration")


# --- the folder ------------------------------------------------------------------------------


def test_every_article_file_is_found_in_order_and_everything_else_is_listed(tmp_path):
    for name in ("b.txt", "a/z.MD", "a/b/c.htm", "n.jsonl", "README.md", "e.markdown", "f.html"):
        write(tmp_path, name, PROSE)
    write(tmp_path, "photo.jpg", b"x")
    write(tmp_path, "noextension", b"x")
    for hidden in (".hidden.txt", ".git/x.txt", "a/.DS_Store"):
        write(tmp_path, hidden, PROSE)

    files, skipped = list_files(tmp_path, max_bytes=LIMIT)

    assert [file.path for file in files] == [
        "README.md",
        "a/b/c.htm",
        "a/z.MD",
        "b.txt",
        "e.markdown",
        "f.html",
        "n.jsonl",
    ]
    assert [skip.path for skip in skipped] == ["noextension", "photo.jpg"]
    assert skipped[0].reason == "not an article: only .txt, .md, .html and .jsonl are read"
    status = (tmp_path / "b.txt").stat()
    assert (files[3].size, files[3].mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_a_missing_folder_and_a_file_in_its_place_are_refused_with_a_remedy(tmp_path):
    write(tmp_path, "file.txt", PROSE)

    for wrong in (tmp_path / "absent", tmp_path / "file.txt", tmp_path / "nul\0"):
        with pytest.raises(CorpusError) as caught:
            list_files(wrong, max_bytes=LIMIT)
        assert caught.value.problem.isprintable()
        assert caught.value.remedy


def test_pipes_sockets_and_folders_named_like_articles_do_not_block(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    write(tmp_path, "folder.txt/inside.txt", PROSE)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.txt")

        files, skipped = list_files(tmp_path, max_bytes=LIMIT)

        assert [file.path for file in files] == ["folder.txt/inside.txt"]
        assert [skip.path for skip in skipped] == ["pipe.txt", "socket.txt"]
        for name in ("pipe.txt", "socket.txt", "folder.txt"):
            assert why_skipped(tmp_path, name) == "not a regular file"


def test_links_are_listed_with_where_they_lead_and_never_followed(tmp_path):
    corpus = tmp_path / "corpus"
    write(corpus, "real.txt", PROSE)
    write(corpus, "sub/deep.txt", PROSE)
    secret = tmp_path / "corpus-secret"
    write(secret, "secret.txt", PROSE)
    (corpus / "inside.txt").symlink_to("real.txt")
    (corpus / "outside.txt").symlink_to(secret / "secret.txt")
    (corpus / "outfolder").symlink_to(secret)
    (corpus / "sub" / "up").symlink_to("..")
    (corpus / "loop.txt").symlink_to("loop.txt")
    (corpus / "broken.txt").symlink_to("absent.txt")

    files, skipped = list_files(corpus, max_bytes=LIMIT)

    assert [file.path for file in files] == ["real.txt", "sub/deep.txt"]
    assert {skip.path: skip.reason for skip in skipped} == {
        "broken.txt": "a link that leads nowhere",
        "inside.txt": "a link to another file of the corpus",
        "loop.txt": "a link that leads nowhere",
        "outfolder": "a link out of the corpus",
        "outside.txt": "a link out of the corpus",
        "sub/up": "a link to another folder of the corpus",
    }
    for through in ("outside.txt", "outfolder/secret.txt", "inside.txt"):
        assert "link" in why_skipped(corpus, through)


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/x.txt", "a/../../x.txt", "nul\0.txt"])
def test_a_path_out_of_the_corpus_is_never_opened(tmp_path, path):
    write(tmp_path, "secret.txt", PROSE)
    (tmp_path / "corpus" / "a").mkdir(parents=True)

    reason = "not a path within the corpus"
    assert why_skipped(tmp_path / "corpus", path) == reason
    assert file_sha256(tmp_path / "corpus", path, max_bytes=LIMIT) == Skipped(path, reason)


def test_a_thousand_folders_deep_is_read(tmp_path):
    depth, name = 1_000, "folder-name"
    step = tmp_path / "corpus"
    step.mkdir()
    descriptor = os.open(step, os.O_RDONLY)
    try:
        for _ in range(depth):
            os.mkdir(name, dir_fd=descriptor)
            below = os.open(name, os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        handle = os.open("deep.txt", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=descriptor)
        os.write(handle, PROSE.encode())
        os.close(handle)

        files, skipped = list_files(step, max_bytes=LIMIT)

        assert skipped == []
        assert [file.path for file in files] == [f"{name}/" * depth + "deep.txt"]
        articles, _ = read_articles(step, files[0].path, max_bytes=LIMIT)
        assert articles[0].text == PROSE
    finally:
        os.close(descriptor)
        subprocess.run(["rm", "-rf", str(step)], check=True)  # shutil recurses


@pytest.mark.parametrize(
    "name",
    [
        b"line\nbreak.txt",
        b"-rf.txt",
        b"<img src=x onerror=alert(1)>.txt",
        b"caf\xe9.txt",
        "naïve “quotes”.txt".encode(),
        b"\x1b[31mred.txt",
    ],
)
def test_any_file_name_leads_back_to_its_file(tmp_path, name):
    with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
        file.write(b"123 \xe2\x80\xa6")

    files, skipped = list_files(tmp_path, max_bytes=LIMIT)
    articles, _ = read_articles(tmp_path, files[0].path, max_bytes=LIMIT)

    assert skipped == []
    assert os.fsencode(files[0].path) == name
    assert articles[0].path == files[0].path
    assert articles[0].title.isprintable()


def test_a_file_that_may_not_be_read_or_is_gone_is_skipped(tmp_path, monkeypatch):
    write(tmp_path, "locked.txt", PROSE)
    write(tmp_path, "sealed/x.txt", PROSE)
    real_open = os.open

    def forbidding(path, flags, mode=0o777, *, dir_fd=None):
        if path in ("locked.txt", "sealed"):
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", forbidding)

    _, skipped = list_files(tmp_path, max_bytes=LIMIT)
    assert [(skip.path, skip.reason) for skip in skipped] == [("sealed", "permission denied")]
    assert why_skipped(tmp_path, "locked.txt") == "permission denied"
    assert why_skipped(tmp_path, "gone.txt") == "it is no longer there"


def test_a_file_over_the_limit_is_skipped_with_both_sizes_and_the_setting(tmp_path):
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(52_400_000)
    write(tmp_path, "near.txt", b"x" * 1001)

    files, skipped = list_files(tmp_path, max_bytes=LIMIT)

    expected = "52.4 MB is over the limit of 20 MB a file; to read it, raise max_file_mb"
    assert [file.path for file in files] == ["near.txt"]
    assert [skip.reason for skip in skipped] == [expected]
    assert why_skipped(tmp_path, "huge.txt") == expected
    assert "1,001 bytes is over the limit of 1,000 bytes" in why_skipped(
        tmp_path, "near.txt", max_bytes=1_000
    )


def test_a_line_of_fifty_megabytes_in_a_jsonl_file_is_over_the_limit(tmp_path):
    write(tmp_path, "one.jsonl", b'{"text": "' + b"word " * 10_000_000 + b'"}')

    assert "over the limit" in why_skipped(tmp_path, "one.jsonl")


def test_a_file_that_grows_once_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / write(tmp_path, "live.txt", PROSE)
    real_read, times = folder_room._read_bytes, []

    def growing(read, size):
        data = real_read(read, size)
        if not times:
            path.write_text(PROSE + " More.")
        times.append(1)
        return data

    monkeypatch.setattr(folder_room, "_read_bytes", growing)

    articles, _ = read_articles(tmp_path, "live.txt", max_bytes=LIMIT)

    assert articles[0].text == PROSE + " More."
    assert len(times) == 2


def test_a_file_rewritten_at_the_same_size_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / write(tmp_path, "live.txt", PROSE)
    real_read, times = folder_room._read_bytes, []

    def rewriting(read, size):
        data = real_read(read, size)
        if not times:
            path.write_text(PROSE.replace("Monday", "Friday"))
            os.utime(path, ns=(1, 1))
        times.append(1)
        return data

    monkeypatch.setattr(folder_room, "_read_bytes", rewriting)

    articles, _ = read_articles(tmp_path, "live.txt", max_bytes=LIMIT)

    assert "Friday" in articles[0].text


def test_a_file_that_keeps_changing_is_skipped(tmp_path, monkeypatch):
    path = tmp_path / write(tmp_path, "live.txt", PROSE)
    real_read = folder_room._read_bytes

    def growing(read, size):
        data = real_read(read, size)
        with path.open("a") as file:
            file.write("more")
        return data

    monkeypatch.setattr(folder_room, "_read_bytes", growing)

    assert why_skipped(tmp_path, "live.txt") == "changed while it was being read"


# --- decoding --------------------------------------------------------------------------------

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


# --- title -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"Talks collapse in Doha\n\n{PROSE}", "Talks collapse in Doha"),
        (f"Talks collapse in Doha\r\n\r\n{PROSE}", "Talks collapse in Doha"),
        (f"Tariffs hit the U.S.\n\n{PROSE}", "Tariffs hit the U.S."),
        (f"Talks collapse\nBy Jane Doe\n{PROSE}", "Talks collapse"),
        (f"Talks collapse\nMarch 3, 2024\n{PROSE}", "Talks collapse"),
        (f"WORLD\n\nTalks collapse in Doha\n\n{PROSE}", "Talks collapse in Doha"),
        (f"March 3, 2024\n\nTalks collapse\n\n{PROSE}", "Talks collapse"),
        (f"Advertisement\n\nTalks collapse\n\n{PROSE}", "Talks collapse"),
        (f"Mr. Jones of the U.S. won the vote. {PROSE}", "Mr. Jones of the U.S. won the vote"),
        (f"It rained all day long.\n\n{PROSE}", "It rained all day long"),
        ("LONDON (AP) — " + PROSE, PROSE[:80].rsplit(" ", 1)[0] + "…"),
        ("x" * 500, "x" * 80 + "…"),
        (
            "Standard Oil Co and BP\nAmerica Inc said they\nwill merge.\n",
            "Standard Oil Co and BP America Inc said they will merge",
        ),
        ("Image\nAdvertisement\n", "a.txt"),
    ],
)
def test_an_article_is_known_by_its_headline_or_by_how_it_begins(tmp_path, text, title):
    assert one(tmp_path, "a.txt", text).title == title


def test_a_headline_is_not_quoted_but_a_first_sentence_is(tmp_path):
    assert unquotable(one(tmp_path, "a.txt", f"Talks collapse\n\n{PROSE}")) == ["Talks collapse"]
    assert unquotable(one(tmp_path, "b.txt", f"{PROSE}\n\n{PROSE}")) == []


# --- publication date ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "published"),
    [
        ("July 24, 2025Updated 5:02 p.m. ET", "2025-07-24"),
        ("Published 3 March 2024", "2024-03-03"),
        ("Published: 10:30 GMT, 3rd March 2024", "2024-03-03"),
        ("2024-03-03", "2024-03-03"),
        ("2024-03-03T23:30:00-05:00", "2024-03-03"),
        ("(Reuters) - Jan 5, 2023", "2023-01-05"),
        ("LONDON, March 3, 2024 (Reuters) - The talks went on", "2024-03-03"),
        ("24 July 2025", "2025-07-24"),
        ("Thu 24 Jul 2025 10.30 BSTLast modified on Fri 25 Jul 2025 11.00 BST", "2025-07-24"),
        ("Updated July 25, 2025", "2025-07-25"),
        ("Updated July 25, 2025 | Published July 24, 2025", "2025-07-24"),
        ("Thursday, July 24, 2025 at 5 p.m.", "2025-07-24"),
        ("By Jane Doe | Sept. 3, 2024", "2024-09-03"),
        ("25/12/2024", "2024-12-25"),
        ("26-FEB-1987 15:01:01.79", "1987-02-26"),
        ("*July 24, 2025* · 5 min read", "2025-07-24"),
        ("03/04/2024", None),
        ("February 30, 2024", None),
        ("July 24, 1025", None),
        ("July 24, 2999", None),
        ("July 24", None),
        ("On October 7, 2023, Hamas attacked.", None),
        ("October 7, 2023, was the day", None),
        ("5:02 p.m. ET", None),
    ],
)
def test_only_a_line_that_is_a_date_dates_an_article(tmp_path, line, published):
    article = one(tmp_path, "a.txt", f"{PROSE}\n\n{line}\n{PROSE}")

    assert article.published == (dt.date.fromisoformat(published) if published else None)


def test_a_publication_line_goes_before_an_update_line(tmp_path):
    text = f"Talks collapse\n\nUpdated March 5, 2024\nPublished March 3, 2024\n\n{PROSE}"

    assert one(tmp_path, "a.txt", text).published == dt.date(2024, 3, 3)


def test_a_chronology_and_a_date_far_down_do_not_date_an_article(tmp_path):
    chronology = f"October 7, 2023\n{PROSE}\nNovember 24, 2023\n{PROSE}"
    far_down = f"{PROSE}\n" * 20 + "October 7, 2023\n"

    assert one(tmp_path, "a.txt", chronology).published is None
    assert one(tmp_path, "b.txt", far_down).published is None


@pytest.mark.parametrize(
    "wrapped",
    [
        "The bank is issuing a bond of\n100 million due on\nMarch 30, 1990\nand priced at par.",
        "The company said that it completed the offering on\nFeb 26, 1992.\n",
        "The offering, which the company announced in\nMarch 12, 1987, was a success.",
        "It was announced on Monday,\nMarch 12, 1987,\nby the bank.",
    ],
)
def test_a_date_in_wrapped_prose_is_prose(tmp_path, wrapped):
    article = one(tmp_path, "a.txt", f"{PROSE}\n\n{wrapped}\n")

    assert article.published is None
    assert unquotable(article) == []


# --- outlet ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "outlet"),
    [
        ("By Jane Doe, Reuters", "Reuters"),
        ("By Jane Doe and John Roe | BBC News", "BBC News"),
        ("(Reuters) - The talks ended.", "Reuters"),
        ("LONDON (AP) — The talks ended.", "AP"),
        ("Source: BBC News", "BBC News"),
        ("© 2025 The New York Times Company", "The New York Times"),
        ("Copyright 2024 The Kansas City Star. All rights reserved.", "The Kansas City Star"),
        ("By Jane Doe", None),
        ("By Jane Doe, London", None),
        ("By Jane Doe in Jerusalem, Chief Correspondent", None),
        ("Source: Ministry of Health", None),
        ("The minister told Reuters (AP) — the agency — nothing.", None),
        ("(Analysis) - The talks ended.", None),
        ("© 2024 Jane Doe", None),
    ],
)
def test_an_outlet_is_named_only_where_it_is_stated(tmp_path, line, outlet):
    assert one(tmp_path, "a.txt", f"Talks collapse\n\n{line}\n\n{PROSE}").outlet == outlet


# --- lines that are no prose -----------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Image",
        "Advertisement",
        "Photo",
        "Video",
        "Credit...Amir Cohen/Reuters",
        "Photo: Amir Cohen",
        "Share full article",
        "Listen to this article",
        "Listen · 5:02 min",
        "Read more: Ten things to know",
        "Continue reading the main story",
        "July 24, 2025",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_stray_line_between_paragraphs_is_never_quoted(tmp_path, line, newline):
    text = newline.join([PROSE, line, PROSE, f"  {line} ", PROSE])

    assert unquotable(one(tmp_path, "a.txt", text)) == [line, line]


@pytest.mark.parametrize(
    "line",
    [
        "Image rights are disputed.",
        "Video by the army showed troops entering the city.",
        "Photos by the agency show the damage.",
        "Steve Witkoff is a real estate developer.",
        "She covers the war for nobody.",
        "“We contributed reporting,” he said.",
        "On July 24, 2025, the talks ended.",
    ],
)
def test_prose_stays_quotable(tmp_path, line):
    assert unquotable(one(tmp_path, "a.txt", f"{PROSE}\n{line}\n{PROSE}\n{line}")) == []


@given(
    st.lists(
        st.sampled_from(
            ["# Head", "Image", "July 24, 2025", "By A B", PROSE, "", "---", "===", " ", "title: x"]
        )
    )
)
def test_unquotable_spans_ascend_and_never_overlap(lines):
    text = "\n".join(lines)
    found, spans = markdown.read_markdown(text)
    article = reading._article("a.md", text, "utf-8", found, spans)

    ends = [0]
    for span in article.unquotable:
        assert span.start >= ends[-1]
        ends.append(span.end)
    assert ends[-1] <= len(text)
    assert article.title


# --- Markdown --------------------------------------------------------------------------------


def test_front_matter_is_understood_and_never_quoted(tmp_path):
    front = (
        "---\ntitle: Gaza, what we know\ndate: 2024-03-03\npublication: BBC News\n"
        "url: https://example.org/a\n---"
    )
    text = f"{front}\n\n# Another title\n\n{PROSE}\n\n## A section\n\n![map](map.png)\n{PROSE}\n"

    article = one(tmp_path, "a.md", text)

    assert article.text == text
    assert article.title == "Gaza, what we know"
    assert article.published == dt.date(2024, 3, 3)
    assert article.outlet == "BBC News"
    assert article.url == "https://example.org/a"
    assert unquotable(article) == [front, "# Another title", "## A section", "![map](map.png)"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"# **Talks** collapse #\n\n{PROSE}", "Talks collapse"),
        (f"{PROSE}\n\n# Talks collapse\n", "Talks collapse"),
        (f"Talks collapse\n==============\n\n{PROSE}", "Talks collapse"),
        (f"## Talks collapse\n\n{PROSE}", "Talks collapse"),
        (f"# [Talks](https://example.org) collapse\n\n{PROSE}", "Talks collapse"),
        (f"---\ntitle: Gaza: what we know\n---\n{PROSE}", "Gaza: what we know"),
    ],
)
def test_the_first_heading_names_a_markdown_article(tmp_path, text, title):
    assert one(tmp_path, "a.md", text).title == title


@pytest.mark.parametrize(
    "front",
    [
        "title: [a, b]\ndate: 2024-13-45",
        "title: !!python/object/apply:os.system [id]",
        "a: &a [x,x]\nb: &b [*a,*a]\n" + "c: {<<: [*b, *b]}",
        "[" * 3_000,
        "date: 03/04/2024",
    ],
)
def test_hostile_front_matter_is_harmless(tmp_path, front):
    article = one(tmp_path, "a.md", f"---\n{front}\n---\n\n{PROSE}")

    assert article.published is None
    assert article.text.endswith(PROSE)


# --- HTML ------------------------------------------------------------------------------------

PARAGRAPHS = "".join(f"<p>{PROSE} &ldquo;Number {i}&rdquo; &amp; more.</p>" for i in range(9))
PAGE = f"""<!DOCTYPE html><html><head><title>Talks collapse | BBC News</title>
<meta property="og:site_name" content="BBC News"><meta property="og:title" content="Talks collapse">
<meta property="article:published_time" content="2024-03-03T10:00:00Z">
<link rel="canonical" href="https://example.org/talks"><style>.evil {{}}</style>
<script>var evil = 1;</script></head><body><nav><a href="/">Home</a></nav>
<article><h1>Talks collapse</h1>{PARAGRAPHS}<script>evil()</script></article></body></html>"""


def test_a_page_gives_its_text_and_what_it_says_about_itself(tmp_path):
    article = one(tmp_path, "a.html", PAGE)

    assert article.title == "Talks collapse"
    assert article.published == dt.date(2024, 3, 3)
    assert article.outlet == "BBC News"
    assert article.url == "https://example.org/talks"
    assert "“Number 8” & more." in article.text
    assert "evil" not in article.text
    assert "<" not in article.text
    assert unquotable(article) in ([], ["Talks collapse"])
    assert one(tmp_path, "b.html", PAGE).text == article.text


def test_a_short_page_still_gives_its_words(tmp_path):
    page = (
        "<html><head><title>Note</title><script>evil()</script></head><body><p>Talks &amp; more "
        "ended.</p><style>evil</style><p>A second <b>line</b>.</p></body></html>"
    )

    article = one(tmp_path, "a.html", page)

    assert article.text == "Talks & more ended.\nA second line."
    assert article.title == "Note"


def test_a_page_of_many_megabytes_is_read_in_seconds(tmp_path):
    page = "<title>Long</title>" + "".join(
        f"<p>Number {i} said <b>the talks</b> had <i>ended</i>.</p>" for i in range(100_000)
    )
    before = time.process_time()

    article = one(tmp_path, "a.html", page)

    assert time.process_time() - before < 15
    assert article.text.endswith("Number 99999 said the talks had ended.")
    assert article.title == "Long"


def test_a_short_article_is_not_drowned_by_the_menus_around_it(tmp_path):
    menu = "".join(f"<div><a href='/{i}'>Menu entry {i}</a></div>" for i in range(99))
    page = f"<html><body><div>{menu}</div><article><p>{PROSE}</p><p>Then: {PROSE}</p></article>"

    assert one(tmp_path, "a.html", page).text == f"{PROSE}\nThen: {PROSE}"


def test_a_page_of_plain_words_is_read(tmp_path):
    assert one(tmp_path, "a.html", "Only plain words here.").text == "Only plain words here."


def test_a_page_is_decoded_as_it_declares(tmp_path):
    page = f'<html><head><meta charset="koi8-r"></head><body><p>Переговоры. {PROSE}</p></body>'

    article = one(tmp_path, "a.html", page.encode("koi8-r"))

    assert "Переговоры" in article.text
    assert article.encoding == "koi8-r"


@pytest.mark.parametrize(
    "page",
    [
        '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "'
        + "&a;" * 50
        + '"><!ENTITY c "'
        + "&b;" * 50
        + '">]>'
        + "<html><body><p>Fine words. &c;</p></body></html>",
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><p>Fine words. &f;</p>',
        '<?xml version="1.0" encoding="utf-8"?><html><body><p>Fine words.</p></body></html>',
        "<div>" * 100_000 + "Fine words.",
        "<p>Fine words.</p>" + "<a" * 50_000,
        "<p>Fine words.</p><iframe src='http://192.0.2.1/'></iframe><img src='http://192.0.2.1/x'>",
        "<p>Fine words.\0 And more.</p>",
    ],
)
def test_a_hostile_page_is_harmless(tmp_path, page):
    before = time.process_time()
    articles, _ = read_articles(tmp_path, write(tmp_path, "a.html", page), max_bytes=LIMIT)

    assert time.process_time() - before < 10
    for article in articles:
        assert article.text.startswith("Fine words.")
        assert "root:" not in article.text
        assert len(article.text) < 100
    assert articles or page.startswith("<div>")  # the parser gives up on the deepest one


# --- JSON lines ------------------------------------------------------------------------------


def test_each_line_of_a_jsonl_file_is_an_article(tmp_path):
    lines = [
        {"title": "One", "text": PROSE, "date": "2024-03-03T10:00:00Z", "outlet": "BBC News"},
        {"text": "Second\u2028text. " + PROSE, "published": "March 4, 2024", "source": "Reuters"},
        {"text": PROSE, "date": "03/04/2024", "source": {"name": "AP"}, "url": "javascript:x()"},
    ]
    text = "\r\n".join(json.dumps(line, ensure_ascii=False) for line in lines[:2])
    write(tmp_path, "news.jsonl", text + "\n\n" + json.dumps(lines[2]) + "\n")

    articles, skipped = read_articles(tmp_path, "news.jsonl", max_bytes=LIMIT)

    assert skipped == []
    assert [a.path for a in articles] == ["news.jsonl#1", "news.jsonl#2", "news.jsonl#4"]
    assert [a.text for a in articles] == [line["text"] for line in lines]
    assert [a.published for a in articles] == [dt.date(2024, 3, 3), dt.date(2024, 3, 4), None]
    assert [a.outlet for a in articles] == ["BBC News", "Reuters", "AP"]
    assert articles[0].title == "One"
    assert articles[1].title.startswith("Second")
    assert articles[2].url is None


def test_a_bad_line_is_skipped_with_its_number_and_spoils_no_other(tmp_path):
    good = json.dumps({"text": PROSE}).encode()
    bad = [
        b"[" * 100_000,
        b"{not json}",
        b'{"text": ""}',
        b'{"text": 5}',
        b'["text"]',
        b"\xff\xfe\xfd",
        b'{"text": ' + b"1" * 10_000 + b"}",
        b'{"a":' * 100_000,
    ]
    write(tmp_path, "news.jsonl", b"\n".join([good, *bad, good]))

    articles, skipped = read_articles(tmp_path, "news.jsonl", max_bytes=LIMIT)

    assert [article.path for article in articles] == ["news.jsonl#1", "news.jsonl#10"]
    assert [skip.path for skip in skipped] == [f"news.jsonl#{n}" for n in range(2, 10)]
    assert all(skip.reason.isprintable() and "line" in skip.reason for skip in skipped)
    assert "nested too deep" in skipped[0].reason
    assert "no text" in skipped[2].reason


def test_a_lone_surrogate_in_a_jsonl_text_is_kept_and_hashed(tmp_path):
    article = one(tmp_path, "a.jsonl", json.dumps({"text": "Broken \ud83d emoji. " + PROSE}))

    assert "\ud83d" in article.text
    assert (
        article.sha256 == hashlib.sha256(article.text.encode("utf-8", "surrogatepass")).hexdigest()
    )
