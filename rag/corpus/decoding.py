"""Bytes -> text and the name of its encoding, by rule rather than by guess where one applies."""

from __future__ import annotations

import codecs
import re
from typing import Final

import charset_normalizer

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


class UndecodableError(ValueError):
    """The bytes are not text in any encoding that could be told; the message says from where."""


def decode(data: bytes, *, declared: str | None = None) -> tuple[str, str]:
    """Return the text and the name of its encoding, so that ``data.decode(encoding) == text``.

    In this order: a byte order mark (not part of the text), UTF-16 without one (told by its
    NULs), strict UTF-8, Windows-1252 where the result reads as a Western European language, and
    what charset-normalizer tells from a sample. Newlines stay as they are. A few NUL or other
    control characters in otherwise fine text are kept, so that offsets stay true; more than four
    of them, when they are also more than one in a hundred, make the data binary. Text that is
    UTF-8 but for some damaged bytes is refused rather than read as something else.

    Args:
        data: Of the whole file.
        declared: What an HTML page says its encoding is; goes before Windows-1252 and guessing.

    Raises:
        UndecodableError: If the data is binary or damaged; the message holds the byte offset.
    """
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


def declared_encoding(data: bytes) -> str | None:
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


def foreign_type(data: bytes) -> str | None:
    """Return what other kind of file the first bytes announce."""
    for magic, name, by_chance in _MAGIC:
        if data.startswith(magic) and not (by_chance and not _CONTROL.search(_latin(data))):
            return name
    return None


def _latin(data: bytes) -> str:
    return data[:512].decode("latin-1")
