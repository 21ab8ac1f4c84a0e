"""Article -> sentences and passages, each an exact span of the article's text.

A passage is what is embedded and retrieved: neighbouring sentences, at most as many as fit the
embedding model's window. Every character that is not white space and not marked unquotable lies in
exactly one sentence, and every sentence in exactly one passage.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

import sentencex

from rag.schema import Article, Passage, Span

PieceCounter = Callable[[str], int]

_LINE = re.compile(r"[^\n\r\f\v\x1c-\x1e\x85\u2028\u2029]+")
_WRAP_COLUMNS = 45
_SENTENCE_END = re.compile(r"[.!?…:][\"'”’»)\]]*\s*$")
_CLOSERS = re.compile(r"[\"”’»)\]]+(?=\s|$)")
_CHUNK = re.compile(r"\S+\s*")
_PIECE = re.compile(r"[A-Za-z]+|[0-9]|[^\sA-Za-z0-9]")
_WORD = re.compile(r"\w+")
_ABBREVIATION = re.compile(r"\b(?:a\.m\.|p\.m\.|[A-Z]\.(?:[A-Z]\.)+)\s*$")
# The sentence goes on after an abbreviation: "5 p.m. ET", "the U.S. envoy".
_GOES_ON = re.compile(r"\s*(?:(?:E[SD]?T|P[SD]?T|C[SD]?T|M[SD]?T|GMT|UTC|BST)\b|[a-z])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_WORD = 400


def estimate_pieces(text: str) -> int:
    """Return how many word pieces ``text`` may have, rather more than less, without a tokenizer."""
    return sum(1 + (len(piece) - 1) // 6 for piece in _PIECE.findall(text))


def split_sentences(text: str, *, language: str = "en", skip: Sequence[Span] = ()) -> list[Span]:
    """Return the spans of the sentences of ``text``, ascending, without surrounding white space.

    Args:
        text: An article's text, or any other.
        language: ISO 639 code, as the sentence splitter knows it.
        skip: Spans that belong to no sentence (headlines, stray lines).
    """
    sentences: list[Span] = []
    for block in _blocks(text, skip):
        sentences.extend(_split_block(text, block, language))
    return sentences


def split_passages(
    article: Article,
    *,
    passage_words: int = 110,
    max_pieces: int = 200,
    count_pieces: PieceCounter = estimate_pieces,
    language: str = "en",
) -> list[Passage]:
    """Return the passages of an article, in order.

    Args:
        article: What to split.
        passage_words: Words a passage aims at; paragraphs are kept whole where they are near it.
        max_pieces: Word pieces that a passage has at most, by ``count_pieces``.
        count_pieces: How the embedding model counts.
        language: ISO 639 code of the text.
    """
    text = article.text
    paragraphs: list[list[_Measured]] = []
    for block in _blocks(text, article.unquotable):
        measured = [
            _Measured(span, len(_WORD.findall(span.within(text))), count_pieces(span.within(text)))
            for sentence in _split_block(text, block, language)
            for span in _fit(text, sentence, max_pieces, count_pieces)
        ]
        if measured:
            paragraphs.append(measured)
    return [
        _passage(article, [item.span for item in group])
        for group in _pack(paragraphs, passage_words, max_pieces)
    ]


def context_line(article: Article | Passage) -> str:
    """Return the title and date that are embedded before a passage, and never quoted."""
    if article.published is None:
        return article.title
    day = article.published
    return f"{article.title} ({day:%B} {day.day}, {day.year})"


def embedded_text(
    article: Article, passage: Passage, *, context_pieces: int, count_pieces: PieceCounter
) -> str:
    """Return what is embedded of a passage: title and date, then its sentences.

    Args:
        article: Where it stands.
        passage: Its sentences; what lies between them and is unquotable is left out.
        context_pieces: Word pieces that title and date have at most; a longer title is cut.
        count_pieces: How the embedding model counts.
    """
    context = context_line(article)
    while context and (pieces := count_pieces(context)) > context_pieces:
        context = context[: min(len(context) - 1, len(context) * context_pieces // pieces)]
    parts = [context, "\n"]
    at = passage.start
    for span in passage.sentences:
        gap = article.text[at : span.start]
        parts += [gap if gap.isspace() or not gap else "\n", span.within(article.text)]
        at = span.end
    return "".join(parts)


class _Measured:
    """A sentence with its length in words and in word pieces."""

    __slots__ = ("pieces", "span", "words")

    def __init__(self, span: Span, words: int, pieces: int) -> None:
        self.span = span
        self.words = words
        self.pieces = pieces


def _blocks(text: str, skip: Sequence[Span]) -> Iterator[Span]:
    """Yield paragraphs: lines, with the lines of hard-wrapped text joined again."""
    pending: Span | None = None
    for line in _lines(text, skip):
        if pending is not None and _is_wrapped(text, pending, line):
            pending = Span(pending.start, line.end)
            continue
        if pending is not None:
            yield pending
        pending = line
    if pending is not None:
        yield pending


def _is_wrapped(text: str, block: Span, line: Span) -> bool:
    gap = text[block.end : line.start]
    if gap.strip() or gap.replace("\r\n", "\n").count("\n") != 1:
        return False
    last_line = text[max(block.start, text.rfind("\n", block.start, block.end) + 1) : block.end]
    return len(last_line) >= _WRAP_COLUMNS and not _SENTENCE_END.search(last_line)


def _lines(text: str, skip: Sequence[Span]) -> Iterator[Span]:
    starts = [span.start for span in skip]
    for match in _LINE.finditer(text):
        at, end = match.span()
        # Cut the unquotable stretches out of the line.
        index = max(bisect_left(starts, at) - 1, 0)
        while index < len(skip) and skip[index].start < end:
            hole = skip[index]
            if hole.end > at:
                yield from _trimmed(text, at, min(hole.start, end))
                at = max(at, hole.end)
            index += 1
        yield from _trimmed(text, at, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the span without surrounding white space, or nothing if there is only that."""
    if start >= end:
        return
    words = text[start:end]
    left = len(words) - len(words.lstrip())
    right = len(words.rstrip())
    if left < right:
        yield Span(start + left, start + right)


def _split_block(text: str, block: Span, language: str) -> Iterator[Span]:
    words = block.within(text)
    cuts = _cuts(words, language)
    for start, end in zip([0, *cuts], [*cuts, len(words)], strict=True):
        yield from _trimmed(text, block.start + start, block.start + end)


def _cuts(words: str, language: str) -> list[int]:
    """Return where sentences begin inside a paragraph, ascending, without 0."""
    # The splitter takes no lone surrogates.
    words = _SURROGATE.sub("\ufffd", words)
    found: list[int] = []
    cursor = 0
    for piece in sentencex.segment(language, words):
        # The splitter returns text only; an own cursor keeps repeated sentences apart.
        at = words.find(piece, cursor) if piece else -1
        if at < 0:
            continue
        if at > 0:
            found.append(at)
        cursor = at + len(piece)
    cuts: list[int] = []
    for cut in found:
        moved = cut
        closer = _CLOSERS.match(words, cut)
        if closer:  # a closing quote belongs to the sentence that it closes
            moved = closer.end()
        if _ABBREVIATION.search(words[max(0, moved - 12) : moved]) and _GOES_ON.match(words, moved):
            continue
        if cuts and moved <= cuts[-1]:
            continue
        cuts.append(moved)
    return cuts


def _fit(text: str, sentence: Span, max_pieces: int, count_pieces: PieceCounter) -> Iterator[Span]:
    """Yield the sentence, or parts that fit the window, cut between words if there are any."""
    # Counting the pieces of a line of 50 MB would take as long as embedding it.
    if len(sentence.within(text)) <= 20 * max_pieces:
        yield from _halved(text, sentence, max_pieces, count_pieces)
        return
    start = at = sentence.start
    budget = 0
    for chunk in _CHUNK.finditer(text, sentence.start, sentence.end):
        for end in _word_ends(text, chunk.start(), chunk.end()):
            cost = estimate_pieces(text[at:end])
            if budget and budget + cost > max_pieces:
                for part in _trimmed(text, start, at):
                    yield from _halved(text, part, max_pieces, count_pieces)
                start, budget = at, 0
            budget += cost
            at = end
    for part in _trimmed(text, start, sentence.end):
        yield from _halved(text, part, max_pieces, count_pieces)


def _halved(text: str, span: Span, max_pieces: int, count_pieces: PieceCounter) -> Iterator[Span]:
    """Yield the span, cut in two until every part fits by the model's own count."""
    if count_pieces(span.within(text)) <= max_pieces:
        yield span
        return
    middle = (span.start + span.end) // 2
    words = list(_CHUNK.finditer(text, span.start, span.end))
    if len(words) > 1:
        cut = min((word.start() for word in words[1:]), key=lambda start: abs(start - middle))
    else:
        cut = _whole(text, middle, span.end)
    if cut >= span.end:  # one letter with all its accents: the model truncates it
        yield span
        return
    for start, end in ((span.start, cut), (cut, span.end)):
        for part in _trimmed(text, start, end):
            yield from _halved(text, part, max_pieces, count_pieces)


def _word_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield where a word may be cut: its end, and inside one of absurd length every so often."""
    at = start
    while end - at > _LONGEST_WORD:
        at = _whole(text, at + _LONGEST_WORD // 4, end)
        yield at
    if at < end:
        yield end


def _whole(text: str, at: int, end: int) -> int:
    """Return the first place from ``at`` on where a cut parts no letter from its accents."""
    while at < end and (_joins(text[at]) or text[at - 1] == "\u200d"):
        at += 1
    return at


def _joins(character: str) -> bool:
    """Say whether a character belongs to the one before it (accents, joiners, skin tones)."""
    return (
        unicodedata.combining(character) != 0
        or character in "\u200d\ufe0e\ufe0f"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _pack(
    paragraphs: Iterable[list[_Measured]], passage_words: int, max_pieces: int
) -> Iterator[list[_Measured]]:
    """Group sentences into passages: whole paragraphs where possible, long ones cut evenly."""
    group: list[_Measured] = []
    for paragraph in paragraphs:
        words = sum(item.words for item in paragraph)
        held = sum(item.words for item in group)
        pieces = sum(item.pieces for item in group) + sum(item.pieces for item in paragraph)
        if group and (held + words > passage_words or pieces > max_pieces):
            yield group
            group = []
        if words <= passage_words * 1.25 and sum(i.pieces for i in paragraph) <= max_pieces:
            group = group + paragraph
            continue
        *whole, group = _even_parts(paragraph, passage_words, max_pieces)
        yield from whole
    if group:
        yield group


def _even_parts(
    paragraph: list[_Measured], passage_words: int, max_pieces: int
) -> list[list[_Measured]]:
    words = sum(item.words for item in paragraph)
    share = words / max(1, round(words / passage_words))
    parts: list[list[_Measured]] = [[]]
    for item in paragraph:
        part = parts[-1]
        full = sum(i.words for i in part) + item.words / 2 > share
        if part and (full or sum(i.pieces for i in part) + item.pieces > max_pieces):
            parts.append([])
        parts[-1].append(item)
    return parts


def _passage(article: Article, sentences: list[Span]) -> Passage:
    start, end = sentences[0].start, sentences[-1].end
    key = f"{article.path}\0{article.sha256}\0{start}\0{end}"
    return Passage(
        passage_id=hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        path=article.path,
        start=start,
        end=end,
        text=article.text[start:end],
        title=article.title,
        published=article.published,
        outlet=article.outlet,
        sentences=tuple(sentences),
    )
