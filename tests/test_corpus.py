"""A folder -> its files: what is found and read, what is skipped and why."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from article_files import LIMIT, PROSE, unquotable, why_skipped, write

from rag.corpus import (
    file_sha256,
    list_files,
    read_articles,
)
from rag.corpus import folder as folder_room
from rag.corpus.no_links import is_link
from rag.errors import CorpusError
from rag.schema import Skipped

SEEDS = Path(__file__).parent.parent / "seeds"


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


# --- systems without POSIX's own calls -------------------------------------------------------


@pytest.fixture
def plain_system(monkeypatch):
    """Take away what only POSIX systems have; asking for it all the same is an error."""
    for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_NONBLOCK", "mkfifo"):
        monkeypatch.delattr(os, name, raising=False)
    real_open, real_scandir = os.open, os.scandir

    def opening(path, flags, mode=0o777):
        return real_open(path, flags, mode)

    def scanning(path="."):
        assert not isinstance(path, int)
        return real_scandir(path)

    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(os, "scandir", scanning)
    monkeypatch.setattr(os, "supports_dir_fd", set())
    monkeypatch.setattr(os, "supports_fd", set())


def everything(corpus: Path) -> list[object]:
    files, skipped = list_files(corpus, max_bytes=LIMIT)
    # A link's target is named by path too: nothing is ever read through it.
    paths = [file.path for file in files] + [skip.path for skip in skipped] + ["gone.txt"]
    read = [read_articles(corpus, path, max_bytes=LIMIT) for path in paths]
    return [files, skipped, read, [file_sha256(corpus, p, max_bytes=LIMIT) for p in paths]]


@pytest.fixture
def mixed_corpus(tmp_path) -> Path:
    corpus = tmp_path / "corpus"
    write(corpus, "a.txt", PROSE + "\r\nIt ended.\r\n")
    write(corpus, "sub/deep/b.md", f"# Talks collapse\n\n{PROSE}")
    write(corpus, "sub/news.jsonl", json.dumps({"text": PROSE, "date": "2024-03-03"}))
    write(corpus, "folder.txt/inside.html", f"<p>{PROSE}</p>")
    write(corpus, "photo.jpg", b"x")
    return corpus


def test_a_corpus_reads_the_same_on_a_system_without_posix_calls(mixed_corpus, request):
    expected = everything(mixed_corpus)

    request.getfixturevalue("plain_system")

    assert everything(mixed_corpus) == expected
    assert why_skipped(mixed_corpus, "folder.txt") == "not a regular file"


def test_links_are_not_followed_on_a_system_without_posix_calls(mixed_corpus, request):
    secret = mixed_corpus.parent / "secret"
    write(secret, "secret.txt", PROSE)
    (mixed_corpus / "out.txt").symlink_to(secret / "secret.txt")
    (mixed_corpus / "outfolder").symlink_to(secret)
    expected = everything(mixed_corpus)

    request.getfixturevalue("plain_system")

    assert everything(mixed_corpus) == expected
    for through in ("out.txt", "outfolder/secret.txt"):
        assert why_skipped(mixed_corpus, through) == "a link, or below one"


def test_a_missing_folder_is_refused_on_a_system_without_posix_calls(plain_system, tmp_path):
    write(tmp_path, "file.txt", PROSE)

    for wrong in (tmp_path / "absent", tmp_path / "file.txt", tmp_path / "nul\0"):
        with pytest.raises(CorpusError):
            list_files(wrong, max_bytes=LIMIT)


@pytest.mark.parametrize("path", ["..\\secret.txt", "C:secret.txt", "a.txt:stream.txt"])
def test_a_windows_path_out_of_the_corpus_is_never_opened(mixed_corpus, monkeypatch, path):
    monkeypatch.setattr(os, "sep", "\\")

    assert why_skipped(mixed_corpus, path) == "not a path within the corpus"


def test_a_windows_junction_is_a_link_and_a_cloud_folder_is_none():
    junction = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=0xA0000003)
    cloud = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=0x9000001A)

    assert is_link(junction)
    assert not is_link(cloud)
