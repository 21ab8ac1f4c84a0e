"""A folder -> Articles: decoding, title, date, outlet; what was skipped and why.

What a file says is data: nothing in it is executed, fetched or followed. A path is opened folder
by folder without following links, so no file outside the corpus is ever read.
"""

from __future__ import annotations

import codecs
import datetime as dt
import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import charset_normalizer
import yaml

from rag.errors import CorpusError
from rag.schema import Article, Skipped, Span

Kind = Literal["text", "markdown", "html", "jsonl"]

KINDS: Final[Mapping[str, Kind]] = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "jsonl",
}
NOT_AN_ARTICLE: Final = "not an article: only .txt, .md, .html and .jsonl are read"
NOT_A_FILE: Final = "not a regular file"
NO_TEXT: Final = "no text"
CHANGED: Final = "changed while it was being read"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file of the corpus that may hold articles, found but not read.

    Attributes:
        path: Relative to the corpus, posix. ``os.fsencode`` gives the file's name back, byte by
            byte: a name that is not UTF-8 holds lone surrogates, so escape it before printing.
        size: In bytes.
        mtime_ns: Time of the last change, in nanoseconds since 1970.
    """

    path: str
    size: int
    mtime_ns: int


class UndecodableError(ValueError):
    """The bytes are not text in any encoding that could be told; the message says from where."""


# --- the folder -----------------------------------------------------------------------------


def list_files(corpus: Path, *, max_bytes: int) -> tuple[list[FileEntry], list[Skipped]]:
    """Return the files that may hold articles, and everything else with its reason.

    Both lists are sorted by path. Names that start with a dot are ignored without a word. Links
    are never followed.

    Args:
        corpus: The folder of articles.
        max_bytes: Larger files are skipped.

    Raises:
        CorpusError: If the folder is missing, is no folder, or cannot be read.
    """
    files: list[FileEntry] = []
    skipped: list[Skipped] = []
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            descriptor = _open_folder(corpus, folder)
        except OSError as error:
            if not folder:
                raise _corpus_error(corpus, error) from error
            skipped.append(Skipped(folder, _reason(error)))
            continue
        except ValueError as error:  # a null character in the folder's name
            raise _corpus_error(corpus, OSError(errno.ENOENT, str(error))) from error
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    found = _classify(corpus, path, entry, max_bytes=max_bytes)
                    if isinstance(found, FileEntry):
                        files.append(found)
                    elif isinstance(found, Skipped):
                        skipped.append(found)
                    else:
                        pending.append(path)
        except OSError as error:
            if not folder:
                raise _corpus_error(corpus, error) from error
            skipped.append(Skipped(folder, _reason(error)))
        finally:
            os.close(descriptor)
    files.sort(key=lambda file: file.path)
    skipped.sort(key=lambda skip: (skip.path, skip.reason))
    return files, skipped


def _classify(
    corpus: Path, path: str, entry: os.DirEntry[str], *, max_bytes: int
) -> FileEntry | Skipped | None:
    """Return what the entry is; None for a folder to enter."""
    try:
        if entry.is_symlink():
            return Skipped(path, _link_reason(corpus, path))
        if entry.is_dir(follow_symlinks=False):
            return None
        found = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Skipped(path, _reason(error))
    if not stat.S_ISREG(found.st_mode):
        return Skipped(path, NOT_A_FILE)
    if _kind(path) is None:
        return Skipped(path, NOT_AN_ARTICLE)
    if found.st_size > max_bytes:
        return Skipped(path, _too_large(found.st_size, max_bytes))
    return FileEntry(path, found.st_size, found.st_mtime_ns)


def _kind(path: str) -> Kind | None:
    """Return what the file's extension says it holds."""
    return KINDS.get(os.path.splitext(path)[1].lower())  # noqa: PTH122 - Path would alter names


def _link_reason(corpus: Path, path: str) -> str:
    """Say where a link leads: nothing behind it is read through it."""
    root = os.path.realpath(corpus)
    try:
        target = os.path.realpath(os.path.join(root, path), strict=True)  # noqa: PTH118
    except OSError:
        return "a link that leads nowhere"
    if target != root and os.path.commonpath([root, target]) != root:
        return "a link out of the corpus"
    if os.path.isdir(target):  # noqa: PTH112
        return "a link to another folder of the corpus"
    return "a link to another file of the corpus"


def _open_folder(corpus: Path, folder: str) -> int:
    """Open a folder below the corpus step by step, following no link.

    Step by step also because a deep path can be longer than the system takes in one call.
    """
    step = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(corpus, step)
    for part in folder.split("/") if folder else ():
        parent = descriptor
        try:
            descriptor = os.open(part, step | os.O_NOFOLLOW, dir_fd=parent)
        finally:
            os.close(parent)
    return descriptor


def _open_file(corpus: Path, path: str) -> int:
    """Open a file below the corpus; a pipe does not block and a link is refused."""
    folder, _, name = path.rpartition("/")
    descriptor = _open_folder(corpus, folder)
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.open(name, flags, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _corpus_error(corpus: Path, error: OSError) -> CorpusError:
    """Say why the corpus itself cannot be listed."""
    shown = _printable(str(corpus))
    if isinstance(error, FileNotFoundError):
        return CorpusError(
            f"There is no folder {shown}.", remedy="Name the folder that holds your articles."
        )
    if isinstance(error, NotADirectoryError):
        return CorpusError(
            f"{shown} is not a folder.", remedy="Name the folder that holds the file."
        )
    return CorpusError(
        f"The folder {shown} cannot be read: {_reason(error)}.",
        remedy="Check that you may read it.",
    )


def _reason(error: OSError) -> str:
    """Say in one line why a file or folder could not be opened or read."""
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, FileNotFoundError):
        return "it is no longer there"
    if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR):
        return "a link, or below one"
    if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP, errno.EISDIR):
        return NOT_A_FILE
    return f"cannot be read: {os.strerror(error.errno or errno.EIO)}"


def _too_large(size: int, max_bytes: int) -> str:
    """Name the size and the limit that it is over."""
    over = f"{size / 1e6:.1f} MB" if size - max_bytes >= 1e5 else f"{size:,} bytes"
    limit = f"{max_bytes / 1e6:g} MB" if size - max_bytes >= 1e5 else f"{max_bytes:,} bytes"
    return f"{over} is over the limit of {limit} (max_file_mb)"


def _printable(text: str) -> str:
    """Return the text with everything that a terminal must not get written as an escape."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


# --- one file -------------------------------------------------------------------------------


def read_articles(
    corpus: Path, path: str, *, max_bytes: int
) -> tuple[list[Article], list[Skipped]]:
    """Return the articles of one file, and what of it was skipped and why.

    A .txt, .md or .html file gives one article, a .jsonl file one per line (``news.jsonl#3`` is
    line 3). A file that cannot be opened, read or decoded is skipped, never an error.

    Args:
        corpus: The folder of articles.
        path: The file, as :func:`list_files` names it.
        max_bytes: A larger file is skipped.
    """
    kind = _kind(path)
    if kind is None:
        return [], [Skipped(path, NOT_AN_ARTICLE)]
    data = _read(corpus, path, max_bytes=max_bytes)
    if isinstance(data, Skipped):
        return [], [data]
    looks_like = _foreign_type(data)
    if looks_like:
        reason = f"content does not match its type: it looks like {looks_like}"
        return [], [Skipped(path, reason)]
    if kind == "jsonl":
        return _read_lines(path, data)
    try:
        text, encoding = _decode(data, declared=_declared(data) if kind == "html" else None)
    except UndecodableError as error:
        return [], [Skipped(path, str(error))]
    if kind == "html":
        text, found = _read_html(text)
        unquotable: list[Span] = _title_lines(text, found.title)
    elif kind == "markdown":
        found, unquotable = _read_markdown(text)
    else:
        found, unquotable = _Found(), []
    if not _has_text(text):
        return [], [Skipped(path, NO_TEXT)]
    return [_article(path, text, encoding, found, unquotable)], []


def file_sha256(corpus: Path, path: str, *, max_bytes: int) -> str | Skipped:
    """Return the hash of a file's bytes, hexadecimal, or why it cannot be read.

    Args:
        corpus: The folder of articles.
        path: The file, as :func:`list_files` names it.
        max_bytes: A larger file is skipped.
    """
    data = _read(corpus, path, max_bytes=max_bytes)
    return data if isinstance(data, Skipped) else hashlib.sha256(data).hexdigest()


def _read(corpus: Path, path: str, *, max_bytes: int) -> bytes | Skipped:
    """Return the file's bytes as they stood at one moment."""
    if "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        return Skipped(path, "not a path within the corpus")
    for _ in range(2):
        try:
            descriptor = _open_file(corpus, path)
            with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    return Skipped(path, NOT_A_FILE)
                if before.st_size > max_bytes:
                    return Skipped(path, _too_large(before.st_size, max_bytes))
                data = _read_bytes(file.read, before.st_size + 1)
                after = os.fstat(descriptor)
        except OSError as error:
            return Skipped(path, _reason(error))
        if len(data) == before.st_size == after.st_size and before.st_mtime_ns == after.st_mtime_ns:
            return data
    return Skipped(path, CHANGED)


def _read_bytes(read: Callable[[int], bytes | None], size: int) -> bytes:
    """Return up to ``size`` bytes; a raw file may give fewer than asked at a time."""
    chunks: list[bytes] = []
    while size > 0 and (chunk := read(size)):
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the metadata of an article says."""

    title: str | None = None
    published: dt.date | None = None
    outlet: str | None = None
    url: str | None = None


def _article(
    path: str, text: str, encoding: str, found: _Found, unquotable: Iterable[Span]
) -> Article:
    """Return the article, with what the metadata leaves open read from the top of the text."""
    known = _merged(unquotable)
    top = _read_top(text, known)
    return Article(
        path=path,
        text=text,
        title=_clean(found.title) or top.title or _file_title(path),
        published=found.published or top.published,
        outlet=_clean(found.outlet) or top.outlet,
        url=found.url,
        encoding=encoding,
        sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        unquotable=_merged([*known, *top.unquotable, *_stray_lines(text)]),
    )


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans ascending, those that overlap or touch as one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def _has_text(text: str) -> bool:
    """Say whether there is at least one letter or digit."""
    return re.search(r"[^\W_]", text) is not None


def _clean(value: str | None, *, max_chars: int = 300) -> str | None:
    """Return a title or a name on one line without control characters; None if nothing is left."""
    if not value:
        return None
    kept = "".join(
        char if char.isprintable() or "\ud800" <= char <= "\udfff" else " "
        for char in value[: 4 * max_chars]
    )
    line = " ".join(kept.split())
    return _shortened(line, max_chars) if _has_text(line) else None


def _file_title(path: str) -> str:
    """Return the file's name as a title of last resort."""
    name = path.rpartition("/")[2]
    readable = os.fsencode(name).decode("utf-8", "replace") if name.isascii() is False else name
    return _clean(readable) or "untitled"


# --- decoding -------------------------------------------------------------------------------

_BYTE_ORDER_MARKS: Final = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC: Final = (  # start of the file, name, whether text could start so by chance
    (b"%PDF-", "a PDF file", False),
    (b"{\\rtf", "an RTF file", False),
    (b"PK\x03\x04", "a ZIP file (or a .docx, .xlsx, .epub)", False),
    (b"\x89PNG", "a PNG image", False),
    (b"\xff\xd8\xff", "a JPEG image", False),
    (b"GIF8", "a GIF image", True),
    (b"RIFF", "a RIFF file (sound, video or WebP)", True),
    (b"\x7fELF", "an ELF program", False),
    (b"MZ", "a Windows program", True),
    (b"\xd0\xcf\x11\xe0", "an old Microsoft Office file", False),
    (b"\x1f\x8b", "a gzip file", False),
    (b"BZh", "a bzip2 file", True),
    (b"\xfd7zXZ\0", "an xz file", False),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file", False),
    (b"SQLite format 3\0", "an SQLite database", False),
    (b"ID3", "an MP3 file", True),
    (b"OggS", "an Ogg file", True),
)
_PUNCTUATION: Final = frozenset("‘’‚“”„«»‹›–—…•·€£¢¥©®™°§¶†‡‰½¼¾¡¿\u00a0\u00ad")
_WESTERN: Final = tuple(
    frozenset(letters) | frozenset(letters.upper())
    for letters in (
        "éèêëàâçîïôùûüœæ",  # French
        "äöüßéèà",  # German
        "áéíóúüñçªº",  # Spanish
        "ãõáâàçéêíóôúüªº",  # Portuguese
        "àèéìòùîªº",  # Italian
        "åäöæøéèüô",  # Nordic
        "éëïöüóáèê",  # Dutch
    )
)
_ANY_WESTERN: Final = frozenset().union(*_WESTERN)
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SAMPLE_BYTES: Final = 16_384


def decode(data: bytes) -> tuple[str, str]:
    """Return the text and the name of its encoding, so that ``data.decode(encoding) == text``.

    In this order: a byte order mark (not part of the text), UTF-16 without one (told by its
    NULs), strict UTF-8, Windows-1252 where the result reads as a Western European language, and
    what charset-normalizer tells from a sample. Newlines stay as they are. A few NUL or other
    control characters in otherwise fine text are kept, so that offsets stay true; more than four
    of them, when they are also more than one in a hundred, make the data binary. Text that is
    UTF-8 but for some damaged bytes is refused rather than read as something else.

    Raises:
        UndecodableError: If the data is binary or damaged; the message holds the byte offset.
    """
    return _decode(data, declared=None)


def _decode(data: bytes, *, declared: str | None) -> tuple[str, str]:
    """Decode as :func:`decode` does; ``declared`` (by an HTML page) goes before guessing."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        encoding = _utf16_by_nulls(data)
    if encoding is not None:
        return _strictly(data, encoding), encoding
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse_binary(data.decode("latin-1"), "latin-1")
        _refuse_damaged_utf8(data, error.start)
        encoding = declared or _guess(data, error.start)
        return _strictly(data, encoding), encoding
    _refuse_binary(text, "utf-8")
    return text, "utf-8"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UndecodableError(f"not valid {encoding} at byte {error.start:,}") from error
    _refuse_binary(text, encoding)
    return text


def _utf16_by_nulls(data: bytes) -> str | None:
    """Return which UTF-16 it is, when nearly all NULs stand in one half of the byte pairs."""
    if len(data) % 2:
        return None
    high, low = data[0::2].count(0), data[1::2].count(0)
    pairs = len(data) // 2
    if low > 20 * high and low * 20 >= pairs:
        return "utf-16-le"
    if high > 20 * low and high * 20 >= pairs:
        return "utf-16-be"
    return None


def _refuse_binary(text: str, encoding: str) -> None:
    allowed = max(4, len(text) // 100)
    for count, match in enumerate(_CONTROL.finditer(text), start=1):
        if count > allowed:
            raise UndecodableError(
                "content does not match its type: it looks binary "
                f"(control characters up to byte {len(text[: match.start()].encode(encoding)):,})"
            )


def _refuse_damaged_utf8(data: bytes, offset: int) -> None:
    """Refuse UTF-8 with a few bad bytes: read as anything else, every quotation mark is wrong."""
    sample = data[max(0, offset - 50_000) : offset + 50_000]
    lenient = sample.decode("utf-8", "surrogateescape")
    bad = len(re.findall("[\udc80-\udcff]", lenient))
    good = len(re.findall("[^\x00-\x7f\udc80-\udcff]", lenient))
    if good > bad:
        raise UndecodableError(f"damaged: it is UTF-8, but not valid at byte {offset:,}")


def _guess(data: bytes, offset: int) -> str:
    """Return the likeliest encoding of text that is not UTF-8 from byte ``offset`` on."""
    # From before the first telling byte, so that a long English start does not hide it.
    start = max(0, offset - _SAMPLE_BYTES // 4)
    sample = data[start : start + _SAMPLE_BYTES]
    if _reads_western(sample) and _decodes(data, "cp1252"):
        return "cp1252"
    best = charset_normalizer.from_bytes(
        sample, cp_exclusion=["utf_7", "utf_8", "utf_16", "utf_16_le", "utf_16_be", "utf_32"]
    ).best()
    if best is None:
        raise UndecodableError(f"its encoding cannot be told (not UTF-8 at byte {offset:,})")
    return best.encoding.replace("_", "-")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _reads_western(sample: bytes) -> bool:
    """Say whether Windows-1252 makes plausible words and punctuation of the sample."""
    text = sample.decode("cp1252", "replace")
    beyond_ascii = {char for char in text if char > "\x7f"} - _PUNCTUATION
    if any(beyond_ascii <= letters for letters in _WESTERN):
        return True
    foreign = sum(char in beyond_ascii for char in text)
    letters = sum(char.isalpha() for char in text)
    # Names from several languages in an English text: a few letters in a hundred at most.
    return beyond_ascii <= _ANY_WESTERN and foreign * 33 <= letters


def _declared(data: bytes) -> str | None:
    """Return the encoding that an HTML page names, where it is one that pages are written in."""
    found = re.search(
        rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{2,20})|^\s*<\?xml[^>]{0,80}?"""
        rb"""encoding\s*=\s*["']([\w-]{2,20})""",
        data[:4096],
        re.IGNORECASE,
    )
    if not found:
        return None
    name = (found[1] or found[2]).decode("ascii", "replace").lower()
    if name in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii", "windows-1252", "cp1252"):
        return "cp1252"  # what browsers take these names for
    pages = r"windows-\d{3,4}|iso-8859-\d+|koi8-[ru]|shift_jis|euc-(jp|kr)|gb\w+|big5|macintosh"
    if not re.fullmatch(pages, name):
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _foreign_type(data: bytes) -> str | None:
    """Return what other kind of file the first bytes announce."""
    for magic, name, by_chance in _MAGIC:
        if data.startswith(magic) and not (by_chance and not _CONTROL.search(_latin(data))):
            return name
    return None


def _latin(data: bytes) -> str:
    return data[:512].decode("latin-1")


# --- the top of the text --------------------------------------------------------------------

_TOP_LINES: Final = 15
_TOP_CHARS: Final = 20_000
_LINE: Final = re.compile(r"[^\r\n]+")
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_WEEKDAY: Final = (
    r"(?:Mon(?:day)?|Tue(?:s(?:day)?)?|Wed(?:nesday)?|Thu(?:rs?(?:day)?)?|Fri(?:day)?"
    r"|Sat(?:urday)?|Sun(?:day)?)\b\.?"
)
_DAY: Final = r"[0-3]?[0-9](?:st|nd|rd|th)?"
_DATE: Final = re.compile(
    rf"(?:(?P<m1>{_MONTH})\s{{0,3}}(?P<d1>{_DAY}),?\s{{1,3}}(?P<y1>[0-9]{{4}})"
    rf"|(?P<d2>{_DAY})[\s-]{{0,3}}(?P<m2>{_MONTH}),?[\s-]{{0,3}}(?P<y2>[0-9]{{4}})"
    r"|(?P<y3>[0-9]{4})(?P<s3>[-/.])(?P<m3>[0-9]{1,2})(?P=s3)(?P<d3>[0-9]{1,2})"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|(?P<a4>[0-9]{1,2})(?P<s4>[-/.])(?P<b4>[0-9]{1,2})(?P=s4)(?P<y4>[0-9]{4}))(?![0-9])",
    re.IGNORECASE,
)
_NAMES: Final = (
    r"Reuters|Associated Press|AP|AFP|Agence France-Presse|BBC|CNN|NPR|PBS|CBS|NBC|ABC|MSNBC|UPI"
    r"|Bloomberg|Axios|Politico|POLITICO|Al Jazeera|Haaretz|Ynet|Le Monde|El Pa[ií]s|Die Zeit"
    r"|Der Spiegel|Deutsche Welle|DW|dpa|DPA|ANSA|TASS|Tass|RIA Novosti|Xinhua|Kyodo|PTI|IANS|ANI"
    r"|Semafor|ProPublica|Vox|Slate|Forbes|Fortune|Newsweek|TIME|The Economist|The Atlantic"
    r"|The New Yorker|The Hill|Business Insider|The Verge|Wired|Ars Technica|The Intercept"
    r"|Euronews|Sky News|RFE/RL|Radio Free Europe|Voice of America|VOA|The Conversation"
    r"|The Independent|The Times|The Guardian|The Telegraph|Kyiv Independent|Times of Israel"
)
_OUTLET: Final = (
    rf"(?:The )?(?:(?:{_NAMES})(?: (?:News|Sport|World|Online|English|Arabic|Newshour))?"
    r"|(?:[A-Z][\w’'&.-]{0,20} ){1,4}(?:Times|Post|News|Press|Herald|Tribune|Journal|Gazette"
    r"|Chronicle|Observer|Guardian|Telegraph|Standard|Star|Globe|Mail|Monitor|Newspaper"
    r"|Independent|Broadcasting|Magazine|Examiner|Inquirer|Courier|Dispatch))"
)
_DATELINE: Final = re.compile(
    r"(?:[A-Z][A-Z .'’/-]{1,40}(?:,\s(?P<rest>[^()\r\n]{1,50}?))?,?\s)?"
    rf"\((?P<outlet>{_OUTLET})\)\s{{0,2}}(?:-{{1,2}}|–|—)(?=\s)"
)
_BYLINE: Final = re.compile(
    r"By (?P<names>[A-Z][\w.’'-]{0,24}(?:,? (?:and |& )?[A-Z][\w.’'-]{0,24}){0,11}?)"
    rf"(?:\s{{0,2}}(?:[,|•·–—]| for | of )\s{{0,2}}(?P<outlet>{_OUTLET}))?(?:,? Staff Writers?)?"
)
_STATED: Final = re.compile(
    rf"(?:Source|Publication|Published by|Publisher|Outlet): {{0,2}}(?P<a>{_OUTLET})\.?"
    rf"|(?:Copyright ?|\([cC]\) ?|© ?){{1,2}}(?:[12][0-9]{{3}}(?:[-–][0-9]{{2,4}})?,? )?"
    rf"(?P<b>{_OUTLET})(?:,? (?:Company|Co|Corporation|Ltd|Limited|Inc|LLC|plc|Group))?\.?"
    r"(?: All rights reserved\.?)?"
)
_DATE_WORD: Final = re.compile(
    r"(?P<label>first published|originally published|published|publication date|posted|issued"
    r"|last updated|last modified|updated|modified|edited|date)"
    r"|(?P<noise>[0-2]?[0-9][:.][0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?|[ap]\.?m\b\.?|at\b|on\b"
    r"|[0-9]{1,2} ?(?=[ap]\.?m\b)|noon\b|midnight\b|[0-9]{1,3} min(?:ute)?s? read\b|local time\b"
    r"|(?-i:(?:[ECMPA][SD]?T|GMT|UTC|BST|CEST|IDT|IST|MSK|JST|AE[SD]T|Z)(?![a-z]))"
    r"(?:[+-][0-9]{1,2}(?![0-9:]))?"
    r"|[+-][0-9]{2}:?[0-9]{2}\b|[\s,.:;|•·/*_()\[\]–—-])"
    rf"|(?P<weekday>{_WEEKDAY})",
    re.IGNORECASE,
)
_BYLINE_AND_DATE: Final = re.compile(
    rf"{_BYLINE.pattern}\s{{0,2}}[,|•·–—-]?\s{{0,2}}"
    rf"(?=(?i:{_WEEKDAY}|{_DATE.pattern}|published|posted|(?:last )?updated))"
)


@dataclass(frozen=True, slots=True)
class _Top:
    """What the text itself says above its prose."""

    title: str | None
    published: dt.date | None
    outlet: str | None
    unquotable: tuple[Span, ...]


def _lines(text: str, start: int, end: int, limit: int) -> Iterator[Span]:
    """Yield the lines that hold something, without the white space around them."""
    count = 0
    for match in _LINE.finditer(text, start, min(end, len(text))):
        line = match[0]
        stripped = line.strip()
        if stripped:
            at = match.start() + line.index(stripped[0])
            yield Span(at, at + len(stripped))
            count += 1
            if count == limit:
                return


def _read_top(text: str, known: tuple[Span, ...]) -> _Top:
    """Return title, date and outlet as the lines above the prose state them.

    Args:
        text: Of the article.
        known: Front matter and headings, which are not read again.
    """
    start = known[0].end if known and known[0].start == 0 else 0
    lines = list(_lines(text, start, start + _TOP_CHARS, _TOP_LINES))
    headings = [span for span in known if span.start < start + _TOP_CHARS]
    lines = [span for span in lines if not any(span.overlaps(each) for each in headings)]
    unquotable: list[Span] = []
    dates: list[_LineDate] = []
    outlet: str | None = None
    title: str | None = None
    prose: Span | None = None
    for number, span in enumerate(lines):
        # Cut: a line of the top is short, and prose may be one line of many megabytes.
        line = text[span.start : min(span.end, span.start + 400)]
        date = _line_date(line)
        if date is not None and _stands_alone(text, span, date):
            dates.append(date)
            unquotable.append(span)
        elif (byline := _BYLINE.fullmatch(line)) or (stated := _STATED.fullmatch(line)):
            unquotable.append(span)
            if byline:
                outlet = outlet or byline["outlet"]
            elif stated:
                outlet = outlet or stated["a"] or stated["b"]
        elif _STRAY.fullmatch("\n" + line):
            continue
        elif (dateline := _DATELINE.match(line)) and number < 5:
            outlet = outlet or dateline["outlet"]
            if found := _DATE.search(dateline["rest"] or ""):
                dates.append(_LineDate(_day(found), "bare", dateline=True))
            prose = prose or span
        elif prose is None and title is None and _is_headline(text, lines, number):
            unquotable.append(span)
            kicker = " " not in line and number + 1 < len(lines)
            if not (kicker and _is_headline(text, lines, number + 1)):
                title = _clean(line)
        else:
            prose = prose or span
    for span in _last_lines(text, 5):
        if stated := _STATED.fullmatch(text[span.start : min(span.end, span.start + 200)]):
            unquotable.append(span)
            outlet = outlet or stated["a"] or stated["b"]
    if title is None:
        title = _opening(text[prose.start : prose.start + 2_000]) if prose else None
    return _Top(title, _publication(text, dates), outlet, tuple(unquotable))


def _is_headline(text: str, lines: list[Span], number: int) -> bool:
    """Say whether the line stands like a headline: short, no full stop, something below it."""
    span = lines[number]
    line = span.within(text) if span.end - span.start <= 120 else ""
    if not line or len(line.split()) > 15 or not _has_text(line):
        return False
    bare = line.rstrip("\"'”’»)")
    if bare.endswith((",", ":", ";")) or (
        bare.endswith(".") and not re.search(r"\b[A-Z]\.[A-Z]\.$|\.\.\.$", bare)
    ):
        return False
    if number + 1 == len(lines):
        return False
    below = lines[number + 1]
    if len(re.findall(r"\r\n|\r|\n", text[span.end : below.start])) > 1:
        return True
    under = text[below.start : min(below.end, below.start + 400)]
    return _line_date(under) is not None or _BYLINE.fullmatch(under) is not None


_ABBREVIATED: Final = re.compile(
    r"(?:\b[A-Za-z]|\b(?:Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Prof|Rev|No|Jr|Sr|vs|Inc|Co"
    r"|Corp|Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec))$"
)


def _opening(text: str, *, max_chars: int = 80) -> str | None:
    """Return the beginning of the first sentence, which a reporter knows the article by."""
    lines = _LINE.findall(re.split(r"\n\s*\n|\r\s*\r|\r\n\s*\r\n", text, maxsplit=1)[0])
    if not lines:
        return None
    # A paragraph of short lines is one that was wrapped.
    is_wrapped = all(len(line) <= 100 for line in lines[:3])
    sentence = " ".join(line.strip() for line in lines) if is_wrapped else lines[0]
    dateline = re.match(r"[A-Z][A-Z .,'’/-]{2,40}(?:\([^()]{1,40}\))?\s?(?:--|–|—|-)\s", sentence)
    if dateline and len(sentence) > dateline.end() + 20:
        sentence = sentence[dateline.end() :]
    for stop in re.finditer(r"[.!?][\"'”’)]?\s", sentence):
        if stop.start() >= 25 and not _ABBREVIATED.search(sentence[: stop.start()]):
            sentence = sentence[: stop.end()]
            break
    cleaned = _clean(sentence)
    return _shortened(cleaned.removesuffix("."), max_chars) if cleaned else None


def _shortened(text: str, max_chars: int) -> str:
    """Return the text, cut at a word and marked so when it is longer."""
    if len(text) <= max_chars:
        return text
    cut = text.rfind(" ", max_chars // 2, max_chars + 1)
    kept = text[: cut if cut > 0 else max_chars]
    return kept.rstrip(" ,;:–—-“\"'‘(") + "…"


# --- dates ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _LineDate:
    """A date that stands on a line of its own, or in a dateline."""

    day: dt.date | None
    label: Literal["published", "updated", "bare"]
    dateline: bool = False


def _line_date(line: str) -> _LineDate | None:
    """Return the date that the line consists of; None when the line says anything else."""
    line = line.strip()
    if not 6 <= len(line) <= 200:
        return None
    byline = _BYLINE_AND_DATE.match(line)
    agency = _DATELINE.match(line)
    at = 0
    label: Literal["published", "updated", "bare"] = "bare"
    found: list[_LineDate] = []
    for prefix in (agency, byline):
        if prefix and prefix.end() < len(line):
            at = prefix.end()
            break
    while at < len(line):
        if date := _DATE.match(line, at):
            found.append(_LineDate(_day(date), label))
            at = date.end()
            label = "bare"
        elif word := _DATE_WORD.match(line, at):
            at = word.end()
            if word["label"]:
                updating = re.search("updated|modified|edited", word["label"], re.IGNORECASE)
                label = "updated" if updating else "published"
        else:
            return None
    return min(found, key=lambda each: _RANK[each.label]) if found else None


_OPEN_END: Final = re.compile(
    r"[,;(–—-]$|\b(?:on|in|of|by|until|till|since|from|and|or|the|to|before|after|dated|due|ended"
    r"|ending|through|at|for|as|is|was|between|effective|expires|expiring|maturing|about|around)$",
    re.IGNORECASE,
)


def _stands_alone(text: str, span: Span, date: _LineDate) -> bool:
    """Say whether a line that is a date is more than the rest of a sentence wrapped there."""
    line = span.within(text)
    if line.endswith((",", ";")):
        return False
    if date.label == "bare" and re.search(r"(?<![ap]\.m)\.$", line, re.IGNORECASE):
        return False
    above = re.search(
        r"([^\r\n]*)(?:\r\n|\r|\n)[^\S\r\n]*\Z", text[max(0, span.start - 300) : span.start]
    )
    if above and _OPEN_END.search(above[1].rstrip()):
        return False
    below = re.match(r"[^\S\r\n]*(?:\r\n|\r|\n)[^\S\r\n]*(\w+)", text[span.end : span.end + 300])
    return below is None or below[1] == "by" or not below[1][0].islower()


_RANK: Final = {"published": 0, "bare": 1, "updated": 2}


def _day(match: re.Match[str]) -> dt.date | None:
    """Return the day that was matched; None when it does not exist or could be two days."""
    if match["y3"]:
        year, month, day = int(match["y3"]), int(match["m3"]), int(match["d3"])
    elif match["y4"]:
        year, month, day = int(match["y4"]), int(match["a4"]), int(match["b4"])
        if month > 12:
            month, day = day, month
        elif day <= 12 and day != month:
            return None  # 3 April or March 4?
    else:
        name = (match["m1"] or match["m2"])[:3].lower()
        month = 1 + _MONTHS.index(name)
        day = int(re.sub(r"\D", "", match["d1"] or match["d2"]))
        year = int(match["y1"] or match["y2"])
    try:
        return _plausible(dt.date(year, month, day))
    except ValueError:
        return None


def _plausible(day: dt.date) -> dt.date | None:
    return day if 1700 <= day.year <= dt.date.today().year + 1 else None


_DATE_LINE: Final = re.compile(
    rf"[\r\n][^\S\r\n]{{0,20}}+(?:{_WEEKDAY},? )?{_DATE.pattern}[^\S\r\n]{{0,20}}+(?=[\r\n]|\Z)",
    re.IGNORECASE,
)


def _bare_date_lines(text: str) -> Iterator[Span]:
    """Yield every line that is a date and nothing else, wherever it stands."""
    for match in _DATE_LINE.finditer("\n" + text):
        lead = len(match[0]) - len(match[0].lstrip())
        span = Span(match.start() + lead - 1, match.start() + len(match[0].rstrip()) - 1)
        if _stands_alone(text, span, _LineDate(None, "bare")):
            yield span


def _publication(text: str, dates: list[_LineDate]) -> dt.date | None:
    """Return the publication date among the dates of the top, the most explicit first.

    A bare date counts only when no other stands alone on a line: several are a chronology.
    """
    standing = {span.within(text) for span in _bare_date_lines(text)}
    for date in sorted(dates, key=lambda each: _RANK[each.label]):
        if date.day is None:
            continue
        if date.label == "bare" and not date.dateline and len(standing) > 1:
            continue
        return date.day
    return None


def _stated_day(value: object) -> dt.date | None:
    """Return the day of a metadata value; None when it is no date or could be two."""
    if not isinstance(value, str) or not 6 <= len(value.strip()) <= 100:
        return None
    value = value.strip()
    try:
        return _plausible(dt.datetime.fromisoformat(value).date())
    except ValueError:
        pass
    line = _line_date(value)
    return line.day if line else None


# --- lines that are no prose ----------------------------------------------------------------

_STRAY: Final = re.compile(
    r"[\r\n][^\S\r\n]{0,40}+[*_]{0,3}("
    r"(?:Skip )?Advertisement|Images?|Photos?|Videos?|Audio|Gallery|Slideshow|Ad|Supported by"
    r"|(?:Photo(?:graph)?s?|Image|Video|Pictures?)(?: credits?)?:[^\r\n]{1,160}"
    r"|Photo(?:graph)?s? by [^\r\n.]{1,60}"
    r"|(?:Photo )?Credits?(?:\.\.\.|…|:)[^\r\n]{0,160}|Credits?"
    r"|Share(?: full article| this(?: article| story)?| on [A-Z]\w{1,20})?"
    r"|Listen(?: to this (?:article|story))?(?: ?[·•|-]? ?[0-9:]{1,6} ?(?:min|minutes)?)?"
    r"|Read (?:more|also|next|this next|the full (?:story|article))"
    r"(?::[^\r\n]{0,200}|\.{3}|…| ?[>»→])?"
    r"|(?:See|View) more|Show more|Related(?: (?:articles|stories|content|topics))?"
    r"(?::[^\r\n]{0,200})?|More on this story|Continue reading(?: the main story)?"
    r"|(?:Story|Article) continues (?:below|after)(?: this)? (?:the )?ad(?:vertisement)?"
    r"|Sign up (?:for|to) [^\r\n]{0,120}newsletters?[^\r\n]{0,40}|Subscribe(?: now)?|Newsletter"
    r"|Save(?: article)?|Print(?: article)?|Comments?|Getty Images|File photo|Follow us on \w{1,20}"
    r"|Leer en español|Download PDF"
    r")[*_]{0,3}[^\S\r\n]{0,40}+(?=[\r\n]|\Z)",
    re.IGNORECASE,
)
_CREDIT: Final = re.compile(
    r"(?:[A-Z][^.!?\r\n“”\"]{2,160}|[A-Z][^!?\r\n“”\"]{2,160}?) contributed"
    r"(?: (?:reporting|research|to this (?:report|article|story)))[^\r\n“”\"]{0,120}"
    r"|\(?(?:Additional )?(?:Reporting|Writing|Editing)(?: and (?:writing|editing))? by "
    r"[^\r\n“”\"]{3,240}"
    r"|This (?:article|story) was (?:originally|first) published (?:by|on|in|at) [^\r\n]{3,160}"
)
_BIOGRAPHY: Final = re.compile(
    r"[A-Z][\w.’'-]{0,24}(?: [A-Z][\w.’'-]{0,24}){1,3}"
    r" (?:covers|writes about|reports on|reports from|is an? [^.\r\n]{0,60}?"
    r"(?:reporter|correspondent|columnist|editor)s? (?:covering|based|for|at|in|who covers)) "
)
_JOURNALIST: Final = re.compile(
    r"\b(?:journalist|reporter|correspondent|editor|columnist|bureau|for The Times|newsroom)\b"
)


def _stray_lines(text: str) -> Iterator[Span]:
    """Yield the lines that a page leaves between the paragraphs, and the credits below them."""
    # The added newline makes the first line start like every other: one cheap pattern for all.
    for match in _STRAY.finditer("\n" + text):
        yield Span(match.start(1) - 1, match.start(1) + len(match[1].rstrip()) - 1)
    yield from _bare_date_lines(text)
    for span in _last_lines(text, 6):
        line = span.within(text) if span.end - span.start <= 600 else ""
        credit = len(line) <= 300 and _CREDIT.fullmatch(line)
        if credit or (_BIOGRAPHY.match(line) and _JOURNALIST.search(line)):
            yield span


def _last_lines(text: str, limit: int) -> list[Span]:
    """Return the last lines that hold something, last first, of the text's end."""
    start = max(0, len(text) - 4_000)
    lines = list(_lines(text, start, len(text), 4_000))
    if start and lines and text[start - 1] not in "\r\n":
        del lines[0]  # it may be the end of a longer line
    return lines[::-1][:limit]


# --- Markdown -------------------------------------------------------------------------------

_FRONT_MATTER: Final = re.compile(
    r"\A---[ \t]*\r?\n(?P<yaml>.{0,20000}?)^(?:---|\.\.\.)[ \t]*(?=\r?\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_KEY_LINE: Final = re.compile(r"(?P<key>[A-Za-z][\w -]{0,40}):[ \t]*(?P<value>.*)")
_HEADING: Final = re.compile(
    r"[\r\n] {0,3}+(?P<line>(?P<marks>#{1,6})[ \t]+(?P<words>[^\r\n]+))(?=[\r\n]|\Z)"
)
_UNDERLINED: Final = re.compile(
    r"(?:\n|\r(?!\n)) {0,3}+(?P<words>[^\s#>|-][^\r\n]{0,200})(?<![.])"
    r"(?:\r\n|\r|\n) {0,3}+(?P<rule>={3,}|-{3,})[ \t]*(?=[\r\n]|\Z)"
)
_PICTURE: Final = re.compile(
    r"[\r\n][ \t]{0,20}+(?P<line>\[?!\[[^\]\r\n]{0,500}\]\([^)\r\n]{0,2000}\))"
    r"[^\S\r\n]{0,9}+(?=[\r\n]|\Z)"
)


def _read_markdown(text: str) -> tuple[_Found, list[Span]]:
    """Return what the front matter and the headings say, and the spans of both."""
    unquotable: list[Span] = []
    values: Mapping[str, object] = {}
    body = 0
    if front := _FRONT_MATTER.match(text):
        values = _front_matter(front["yaml"])
        if values:
            body = front.end()
            unquotable.append(Span(0, body))
    title = _first_text(values, "title", "headline")
    padded = "\n" + text
    headings: list[tuple[int, str, bool]] = []  # start, words, whether of the first level
    for match in _HEADING.finditer(padded, body):
        unquotable.append(Span(match.start("line") - 1, match.end("line") - 1))
        headings.append((match.start("line") - 1, match["words"], match["marks"] == "#"))
    for match in _UNDERLINED.finditer(padded, body):
        unquotable.append(Span(match.start("words") - 1, match.end() - 1))
        headings.append((match.start("words") - 1, match["words"], match["rule"][0] == "="))
    for match in _PICTURE.finditer(padded, body):
        unquotable.append(Span(match.start("line") - 1, match.end("line") - 1))
    if not title:
        title = _heading_title(text, body, sorted(headings))
    found = _Found(
        title=title,
        published=next(
            filter(None, (_stated_day(values.get(key)) for key in ("date", "published"))), None
        ),
        outlet=_first_text(values, "outlet", "source", "publication", "publisher"),
        url=_web_address(values.get("url")),
    )
    return found, unquotable


def _heading_title(text: str, body: int, headings: list[tuple[int, str, bool]]) -> str | None:
    """Return the first heading of the first level, or any that stands above everything else."""
    first = [words for _, words, is_first_level in headings if is_first_level]
    if not first and headings and not text[body : headings[0][0]].strip():
        first = [headings[0][1]]
    if not first:
        return None
    return re.sub(r"\*\*|`|[ \t]+#+[ \t]*$|\[(?=[^\]]*\]\()|\]\([^)]*\)", "", first[0][:1_000])


def _front_matter(source: str) -> Mapping[str, object]:
    """Return the keys of the front matter in lower case; empty when it is none."""
    try:
        # Every value stays a string, and no key is merged: the full loader's dates raise on
        # 31 June, and its merge keys can grow without bound.
        loaded = yaml.load(source, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        # The commonest slip is an unquoted colon: "title: Gaza: what we know".
        lines = [line for line in source.splitlines() if line.strip()]
        if not lines or not _KEY_LINE.fullmatch(lines[0]):
            return {}
        pairs = [match for line in lines if (match := _KEY_LINE.fullmatch(line))]
        return {pair["key"].lower(): pair["value"].strip().strip("\"'") for pair in pairs}
    if not isinstance(loaded, dict):
        return {}
    return {key.lower(): value for key, value in loaded.items() if isinstance(key, str)}


def _first_text(values: Mapping[str, object], *keys: str) -> str | None:
    """Return the first of the values that is a text; of a ``{"name": ...}``, its name."""
    for key in keys:
        value = values.get(key)
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, str) and value.strip():
            return value
    return None


def _web_address(value: object) -> str | None:
    """Return the value if it is a plain http address."""
    if isinstance(value, str) and re.fullmatch(r"https?://[!-~]{1,2000}", value.strip()):
        return value.strip()
    return None


# --- HTML -----------------------------------------------------------------------------------

_BLOCK: Final = re.compile(
    r"address|article|aside|blockquote|br|d[dlt]|div|fig(?:caption|ure)|footer|form|h[1-6]|hr"
    r"|header|li|main|nav|[ou]l|option|p|pre|section|table|t[dhr]"
)
_NEVER_TEXT: Final = (
    *("script", "style", "noscript", "template", "head", "iframe", "object", "svg"),
    *("nav", "footer", "aside", "button", "select"),
)
_DOCUMENT_TYPE: Final = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE
)
_SHORTEST_EXTRACTION_CHARS: Final = 250  # below this, trafilatura itself calls its result short
# Its time grows with the square: 16,000 elements take one second, 400,000 over five minutes.
_LARGEST_PAGE_ELEMENTS: Final = 20_000


def _read_html(page: str) -> tuple[str, _Found]:
    """Return the text of the article on the page and what the page says about itself."""
    import trafilatura
    from trafilatura.metadata import extract_metadata

    page = page.replace("\0", "")  # older versions of libxml2 stop there
    page = _DOCUMENT_TYPE.sub("", page)  # whose entities the parser would leave in the text
    tree = trafilatura.load_html(page)
    if tree is None:
        tree = trafilatura.load_html(f"<html><body>{page}</body></html>")
    if tree is None:
        return "", _Found()
    # Only dates that the page marks as such: the extensive search takes any date in the text.
    dates = {"extensive_search": False, "original_date": True}
    document: Any = None
    about: Any = None
    is_large = sum(1 for _ in tree.iter()) > _LARGEST_PAGE_ELEMENTS
    try:
        if not is_large:
            document = trafilatura.bare_extraction(
                page, include_comments=False, with_metadata=True, date_extraction_params=dates
            )
        about = document or extract_metadata(tree, date_config=dates, extensive=False)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        # Its heuristics were written for real pages; a hostile one still has plain text.
        pass
    text = (document.text or "") if document else ""
    # Of a page this short it makes a line of each piece between two tags, or finds nothing; but
    # where most words are left out, they are menus.
    if len(text) < _SHORTEST_EXTRACTION_CHARS:
        plain = _plain_text(tree)
        text = plain if not _has_text(text) or len(plain) < 2 * len(text) else text
    if about is None:
        return text, _Found()
    outlet = about.sitename
    found = _Found(
        title=about.title,
        published=_stated_day(about.date),
        outlet=outlet.lstrip("@") if isinstance(outlet, str) else None,
        url=_web_address(about.url),
    )
    return text, found


def _plain_text(tree: Any) -> str:
    """Return the words of the page, a line per block."""
    for element in list(tree.iter(*_NEVER_TEXT)):
        if element.getparent() is not None:
            element.drop_tree()
    for element in tree.iter():
        if not isinstance(element.tag, str) or not _BLOCK.fullmatch(element.tag):
            continue
        element.text = "\n" + (element.text or "")
        element.tail = "\n" + (element.tail or "")
    lines = (" ".join(line.split()) for line in str(tree.text_content()).splitlines())
    return "\n".join(line for line in lines if line)


def _title_lines(text: str, title: str | None) -> list[Span]:
    """Return the line that repeats the title above the text."""
    wanted = _clean(title)
    top = list(_lines(text, 0, _TOP_CHARS, 3))
    return [s for s in top if wanted and s.end - s.start < 400 and _clean(s.within(text)) == wanted]


# --- JSON lines -----------------------------------------------------------------------------


def _read_lines(path: str, data: bytes) -> tuple[list[Article], list[Skipped]]:
    """Return an article for each line that holds one."""
    articles: list[Article] = []
    skipped: list[Skipped] = []
    damage: UndecodableError | None = None
    lines: Iterable[str | UndecodableError]
    try:
        whole, encoding = decode(data)
        # Only at line feeds: other separators may stand inside a JSON string.
        lines = whole.split("\n")
    except UndecodableError as error:
        damage, encoding = error, "utf-8"
        lines = _lines_by_themselves(data)
    for number, line in enumerate(lines, start=1):
        where = f"{path}#{number}"
        if isinstance(line, UndecodableError):
            skipped.append(Skipped(where, f"line {number:,}: {line}"))
            continue
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except RecursionError:
            skipped.append(Skipped(where, f"line {number:,}: nested too deep"))
            continue
        except json.JSONDecodeError as error:
            reason = f"line {number:,}: not JSON ({error.msg}, column {error.colno:,})"
            skipped.append(Skipped(where, reason))
            continue
        except ValueError:  # a number of thousands of digits
            skipped.append(Skipped(where, f"line {number:,}: not JSON that can be read"))
            continue
        text = record.get("text") if isinstance(record, dict) else None
        if not isinstance(text, str) or not _has_text(text):
            skipped.append(Skipped(where, f"line {number:,}: {NO_TEXT}"))
            continue
        days = (_stated_day(record.get(key)) for key in ("date", "published"))
        found = _Found(
            title=_first_text(record, "title"),
            published=next(filter(None, days), None),
            outlet=_first_text(record, "outlet", "source"),
            url=_web_address(record.get("url")),
        )
        unquotable = _title_lines(text, found.title)
        articles.append(_article(where, text, encoding, found, unquotable))
    if damage and not articles:
        return [], [Skipped(path, str(damage))]
    if not articles and not skipped:
        skipped.append(Skipped(path, NO_TEXT))
    return articles, skipped


def _lines_by_themselves(data: bytes) -> Iterator[str | UndecodableError]:
    """Yield each line, or what is wrong with it: a damaged line spoils no other."""
    at = 0
    for raw in data.split(b"\n"):
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            yield UndecodableError(f"not valid utf-8 at byte {at + error.start:,}")
        at += len(raw) + 1


__all__ = ["FileEntry", "UndecodableError", "decode", "file_sha256", "list_files", "read_articles"]
