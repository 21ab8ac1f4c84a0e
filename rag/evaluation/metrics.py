"""Gold and what was found -> figures: the formulas, pure, each with its source.

A *chunk* is what was retrieved or cited, *evidence* what the gold names; both are places in an
article, so gold survives another way of cutting passages. A metric without meaning for its input
(nothing relevant, no quote shown) raises ValueError; the caller decides that it is not applicable.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag.evaluation.text import (
    content_tokens,
    holds,
    loosely,
    names,
    normalise,
    numbers,
    quantities,
    tokens,
    words_of,
)

MAX_CONTAINS_TOKENS = 60
RELATIVE_TOLERANCE = 0.005
SUPPORT_RECALL = 0.7
OVERLAP = 0.5


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stretch of an article, or (without offsets) the whole article.

    Attributes:
        start, end: Code points into the article's text, ``end`` exclusive; both None for the
            whole article, which gold without a quote names.
    """

    path: str
    start: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        if (self.start is None) != (self.end is None):
            raise ValueError("a place has both offsets or none")
        if self.start is not None and self.end is not None and not 0 <= self.start < self.end:
            raise ValueError(f"not a place: {self.path} {self.start} to {self.end}")

    @property
    def whole(self) -> bool:
        """Whether this is the whole article."""
        return self.start is None

    def shared(self, other: Place) -> int:
        """Return how many code points two places with offsets share."""
        if self.path != other.path:
            return 0
        (start, end), (other_start, other_end) = self.span, other.span
        return max(0, min(end, other_end) - max(start, other_start))

    @property
    def span(self) -> tuple[int, int]:
        """Both offsets; (0, 0) for a whole article, whose length the place does not know."""
        return (0, 0) if self.start is None or self.end is None else (self.start, self.end)

    @property
    def length(self) -> int:
        """Code points covered; 0 for a whole article."""
        return self.span[1] - self.span[0]


# --- retrieval ------------------------------------------------------------------------------


def relevant(chunk: Place, evidence: Place, *, strict: bool = False) -> bool:
    """Say whether the chunk holds the evidence: at least half of it, or (strict) all of it.

    Evidence that names a whole article is held by every chunk of that article.
    """
    if chunk.path != evidence.path:
        return False
    if evidence.whole or chunk.whole:
        return True
    shared = chunk.shared(evidence)
    return shared == evidence.length if strict else shared >= OVERLAP * evidence.length


def hit_at(
    chunks: Sequence[Place], evidence: Sequence[Place], k: int, *, strict: bool = False
) -> float:
    """Return 1 if one of the first ``k`` chunks is relevant to one piece of evidence, else 0.

    Source: Success@k in trec_eval and ir-measures.
    """
    _needs(evidence, k)
    return float(any(relevant(c, e, strict=strict) for c in chunks[:k] for e in evidence))


def mrr_at(chunks: Sequence[Place], evidence: Sequence[Place], k: int) -> float:
    """Return 1 / rank of the first relevant chunk, 0 if the first ``k`` hold none.

    Source: RR@k in trec_eval and ir-measures.
    """
    _needs(evidence, k)
    for rank, chunk in enumerate(chunks[:k], start=1):
        if any(relevant(chunk, e) for e in evidence):
            return 1 / rank
    return 0.0


def ndcg_at(chunks: Sequence[Place], evidence: Sequence[Place], k: int) -> float:
    """Return the normalised discounted cumulative gain of the first ``k`` chunks, 0 to 1.

    Gain is binary and each piece of evidence is credited once, to the first chunk that holds it,
    so overlapping chunks cannot inflate the figure. Pieces that one chunk brings together are one
    gain, and count as one in the ideal order too.

    Source: Jarvelin & Kekalainen, ACM TOIS 20(4), 2002; discount log2(rank + 1) as in trec_eval.
    """
    _needs(evidence, k)
    open_evidence = list(dict.fromkeys(evidence))
    together, gain = 0, 0.0
    for rank, chunk in enumerate(chunks[:k], start=1):
        left = [e for e in open_evidence if not relevant(chunk, e)]
        credited = len(open_evidence) - len(left)
        if credited:
            gain += 1 / math.log2(rank + 1)
            together += credited - 1
        open_evidence = left
    best = min(k, len(set(evidence)) - together)
    return gain / math.fsum(1 / math.log2(rank + 1) for rank in range(1, best + 1))


def all_evidence_at(chunks: Sequence[Place], evidence: Sequence[Place], k: int) -> float:
    """Return 1 if the first ``k`` chunks hold every piece of evidence, else 0."""
    _needs(evidence, k)
    return float(all(any(relevant(c, e) for c in chunks[:k]) for e in evidence))


def evidence_recall_at(chunks: Sequence[Place], evidence: Sequence[Place], k: int) -> float:
    """Return the share of the evidence's characters that the first ``k`` chunks cover.

    Source: ALCE's retrieval recall (Gao et al., EMNLP 2023), on spans.

    Raises:
        ValueError: If the evidence names whole articles: it has no characters to count.
    """
    _needs(evidence, k)
    gold = _union([e for e in evidence if not e.whole])
    if not gold:
        raise ValueError("evidence without offsets has no characters to count")
    return _shared(_union(chunks[:k]), gold) / _size(gold)


def context_precision_at(chunks: Sequence[Place], evidence: Sequence[Place], k: int) -> float:
    """Return the share of the first ``k`` chunks' characters that are evidence."""
    _needs(evidence, k)
    found, gold = _union(chunks[:k]), _union([e for e in evidence if not e.whole])
    if not gold:
        raise ValueError("evidence without offsets has no characters to count")
    return _shared(found, gold) / _size(found) if found else 0.0


def graded_ndcg_at(ranked: Sequence[str], gains: Mapping[str, float], k: int) -> float:
    """Return nDCG of ranked articles with judged gains, linear gain as in trec_eval.

    Args:
        ranked: Ids, best first, no id twice.
        gains: Judged gain of each id; an absent id counts 0.
        k: Cut-off rank, at least 1.
    """
    if k < 1 or not any(gain > 0 for gain in gains.values()):
        raise ValueError("nothing is relevant, or the cut-off is below 1")
    if len(set(ranked)) != len(ranked):
        raise ValueError("an id is ranked twice")
    above = math.fsum(
        max(0.0, gains.get(name, 0.0)) / math.log2(rank + 1)
        for rank, name in enumerate(ranked[:k], start=1)
    )
    ideal = sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:k]
    return above / math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(ideal, 1))


def _needs(evidence: Sequence[Place], k: int) -> None:
    if not evidence or k < 1:
        raise ValueError("retrieval figures need evidence and a cut-off of at least 1")


Spans = dict[str, list[tuple[int, int]]]


def _union(places: Sequence[Place]) -> Spans:
    """Return the covered stretches per article, merged."""
    by_path: Spans = {}
    for place in places:
        if place.start is not None and place.end is not None:
            by_path.setdefault(place.path, []).append((place.start, place.end))
    merged: Spans = {}
    for path, spans in by_path.items():
        out: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if out and start <= out[-1][1]:
                out[-1] = (out[-1][0], max(end, out[-1][1]))
            else:
                out.append((start, end))
        merged[path] = out
    return merged


def _size(spans: Spans) -> int:
    return sum(end - start for stretches in spans.values() for start, end in stretches)


def _shared(first: Spans, second: Spans) -> int:
    return sum(
        max(0, min(e1, e2) - max(s1, s2))
        for path, stretches in first.items()
        for s1, e1 in stretches
        for s2, e2 in second.get(path, [])
    )


def coverage(cited: Sequence[Place], evidence: Sequence[Place]) -> float:
    """Return the share of the evidence that the cited places cover, in characters.

    Evidence that names a whole article counts as covered by any citation from it; it weighs as
    much as a piece of average length.
    """
    if not evidence:
        raise ValueError("no evidence")
    shares = []
    for piece in evidence:
        if piece.whole:
            shares.append(float(any(place.path == piece.path for place in cited)))
        else:
            shares.append(_shared(_union(cited), _union([piece])) / piece.length)
    return math.fsum(shares) / len(shares)


# --- answers --------------------------------------------------------------------------------


def exact_match(answer: str, aliases: Sequence[str]) -> float:
    """Return 1 if the normalised answer equals a normalised alias, else 0.

    Source: the SQuAD evaluation script; no alias means that only an empty answer is right.
    """
    return float(normalise(answer) in {normalise(alias) for alias in aliases or [""]})


def token_f1(answer: str, aliases: Sequence[str]) -> float:
    """Return the best harmonic mean of token precision and recall over the aliases.

    Source: the SQuAD evaluation script.
    """
    return max(_f1(tokens(answer), tokens(alias)) for alias in aliases or [""])


def _f1(found: list[str], gold: list[str]) -> float:
    if not found or not gold:
        return float(found == gold)
    common = sum((Counter(found) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(found), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def contains(answer: str, aliases: Sequence[str], *, short_answer: str | None = None) -> float:
    """Return 1 if an alias stands in the answer as a run of tokens, else 0.

    ``1`` does not stand in ``2019``. An answer of more than 60 tokens counts only if it comes
    with a short-answer line; a long text would hold almost anything.

    Source: ALCE's str_em and DPR's has_answer, on tokens.
    """
    words = tokens(answer)
    if len(words) > MAX_CONTAINS_TOKENS and not short_answer:
        return 0.0
    short = tokens(short_answer or "")
    return float(
        any(holds(words, tokens(alias)) or holds(short, tokens(alias)) for alias in aliases)
    )


def numeric_match(
    answer: str,
    aliases: Sequence[str],
    *,
    absolute: float = 0.0,
    relative: float = RELATIVE_TOLERANCE,
) -> float:
    """Return 1 if the answer's first number with a compatible unit is the gold number, else 0.

    Right means within ``max(absolute, relative x gold)``. Units are compatible if equal or if one
    side states none.

    Raises:
        ValueError: If no alias holds a number.
    """
    golds = [found[0] for found in map(quantities, aliases) if found]
    if not golds:
        raise ValueError("no alias holds a number")
    stated = quantities(answer)
    for gold in golds:
        for quantity in stated:
            if gold.unit and quantity.unit and gold.unit != quantity.unit:
                continue
            if abs(quantity.value - gold.value) <= max(absolute, relative * abs(gold.value)):
                return 1.0
            break
    return 0.0


@dataclass(frozen=True, slots=True)
class ListScore:
    """Precision, recall and F1 of a list of items."""

    precision: float
    recall: float
    f1: float


def list_score(items: Sequence[str], gold: Sequence[Sequence[str]]) -> ListScore:
    """Return how well the items match the gold groups of aliases (any alias of a group counts).

    Source: QAMPARI (Amouyal et al., 2023).
    """
    if not gold:
        raise ValueError("no gold items")
    words = [tokens(item) for item in items]
    groups = [[tokens(alias) for alias in group] for group in gold]
    right = sum(any(holds(w, alias) for group in groups for alias in group) for w in words)
    met = sum(any(holds(w, alias) for w in words for alias in group) for group in groups)
    precision, recall = (right / len(items) if items else 0.0), met / len(gold)
    both = precision + recall
    return ListScore(precision, recall, 2 * precision * recall / both if both else 0.0)


def groups_met(answer: str, groups: Sequence[Sequence[str]]) -> float:
    """Return the share of the groups of which the answer holds an alias, at any length."""
    if not groups:
        raise ValueError("no groups")
    words = tokens(answer)
    return sum(any(holds(words, tokens(alias)) for alias in group) for group in groups) / len(
        groups
    )


def chosen(choices: Sequence[str], texts: Sequence[str]) -> int | None:
    """Return which of the choices a system's words speak for, or None if they leave it open.

    The first text in which one choice stands alone, as a run of tokens, decides; choices that it
    lacks are out once it holds another. Where that leaves several, the one of whose content words
    the texts hold most, if it is one.

    Args:
        choices: Different answers.
        texts: What counts most first: a short answer, statements, passages.
    """
    left = list(range(len(choices)))
    for text in texts:
        words = tokens(text)
        held = [number for number in left if holds(words, tokens(choices[number]))]
        if len(held) == 1:
            return held[0]
        left = held or left
    known = set(tokens(" ".join(texts)))
    shares = {}
    for number in left:
        wanted = content_tokens(choices[number]) or tokens(choices[number])
        shares[number] = sum(word in known for word in wanted) / max(1, len(wanted))
    best = [number for number in left if shares[number] == max(shares.values()) > 0]
    return best[0] if len(best) == 1 else None


# --- citations ------------------------------------------------------------------------------

SupportTest = Literal["gold", "lexical"]


def supports(statement: str, words: str) -> bool:
    """Say whether the words support the statement by the lexical test.

    Every number, date and capitalised name of the statement occurs in the words, and so do at
    least 70 % of the statement's other content tokens.
    """
    said, stated = tokens(words), tokens(statement)
    if holds(said, stated):
        return True  # word for word
    have = {*said, *words_of(words)}
    written = set(numbers(words))
    if any(number not in written for number in numbers(statement)):
        return False
    if any(not set(name.split()) <= have for name in names(statement)):
        return False
    need = content_tokens(statement)
    if not need:
        return False
    return sum(word in have for word in need) / len(need) >= SUPPORT_RECALL


@dataclass(frozen=True, slots=True)
class CitedStatement:
    """A sentence of an answer with what it cites.

    Attributes:
        quotes: The cited words, one per citation.
        by_gold: Per citation, whether its span overlaps gold evidence by half *and* the sentence
            holds a right answer: the strongest support there is.
    """

    text: str
    quotes: tuple[str, ...]
    by_gold: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class CitationScore:
    """Counts behind the citation figures of one answer.

    Attributes:
        statements: Sentences with content.
        supported: Of those, fully supported by what they cite (recall = supported / statements).
        citations: Citations on those sentences.
        needed: Of those, not irrelevant (precision = needed / citations).
        cited: Sentences with at least one citation (coverage = cited / statements).
        by_test: How many sentences each support test decided for.
    """

    statements: int
    supported: int
    citations: int
    needed: int
    cited: int
    by_test: Mapping[str, int]


def citation_score(statements: Sequence[CitedStatement]) -> CitationScore:
    """Return citation recall and precision in counts.

    A citation is irrelevant if it does not support the sentence alone while the other citations
    do without it; the citations of an unsupported sentence are all irrelevant.

    Source: ALCE (Gao et al., EMNLP 2023); its support test is a language model, ours is published
    in :func:`supports`.
    """
    counts: Counter[str] = Counter()
    by_test: Counter[str] = Counter()
    for statement in statements:
        if not content_tokens(statement.text):
            continue
        gold = statement.by_gold or (False,) * len(statement.quotes)
        counts["statements"] += 1
        counts["citations"] += len(statement.quotes)
        counts["cited"] += bool(statement.quotes)
        if any(gold):
            test: SupportTest = "gold"
        elif statement.quotes and supports(statement.text, "\n".join(statement.quotes)):
            test = "lexical"
        else:
            continue
        counts["supported"] += 1
        by_test[test] += 1
        for at, quote in enumerate(statement.quotes):
            alone = gold[at] or supports(statement.text, quote)
            others = [q for other, q in enumerate(statement.quotes) if other != at]
            rest = any(g for other, g in enumerate(gold) if other != at) or (
                bool(others) and supports(statement.text, "\n".join(others))
            )
            counts["needed"] += alone or not rest
    return CitationScore(
        counts["statements"],
        counts["supported"],
        counts["citations"],
        counts["needed"],
        counts["cited"],
        dict(by_test),
    )


def faithful(quote: str, found: str | None) -> bool:
    """Say whether the words at a citation's offsets are its quote, to the letter."""
    return found is not None and found == quote


def loosely_faithful(quote: str, found: str | None) -> bool:
    """Say the same up to NFKC, white space, the kind of quotation marks and hyphenation."""
    return found is not None and loosely(found) == loosely(quote)


def stands_in_one(quote: str, texts: Collection[str], *, loose: bool = False) -> bool:
    """Say whether the quoted words stand in one of the texts; sources are never joined."""
    if loose:
        return any(loosely(quote) in loosely(text) for text in texts)
    return any(quote in text for text in texts)


# --- abstention and confidence --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """One answered question: how sure the answer was, and whether it was right."""

    confidence: float
    right: bool


def risk_coverage(answers: Sequence[Judged], asked: int) -> list[tuple[float, float]]:
    """Return (coverage, risk) after each distinct confidence, most confident first.

    Args:
        answers: The questions that were answered.
        asked: All questions, so that coverage counts the abstentions.

    Source: El-Yaniv & Wiener, JMLR 11, 2010.
    """
    if not answers or asked < len(answers):
        raise ValueError("no answers, or more answers than questions")
    curve, done, wrong = [], 0, 0
    for confidence in sorted({answer.confidence for answer in answers}, reverse=True):
        level = [answer for answer in answers if answer.confidence == confidence]
        done += len(level)
        wrong += sum(not answer.right for answer in level)
        curve.append((done / asked, wrong / done))
    return curve


def aurc(answers: Sequence[Judged]) -> float:
    """Return the area under the risk-coverage curve: the mean risk over all coverages, 0 best.

    Answers of equal confidence count in no order: each takes the expected risk of a random one.

    Source: Geifman, Uziel & El-Yaniv, ICLR 2019.
    """
    if not answers:
        raise ValueError("no answers")
    risks, done, wrong = [], 0, 0
    for confidence in sorted({answer.confidence for answer in answers}, reverse=True):
        level = [answer for answer in answers if answer.confidence == confidence]
        mistakes = sum(not answer.right for answer in level)
        for step in range(1, len(level) + 1):
            risks.append((wrong + mistakes * step / len(level)) / (done + step))
        done, wrong = done + len(level), wrong + mistakes
    return math.fsum(risks) / len(risks)


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers of one confidence band: how sure, how often right, how many."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


def _band(confidence: float, bins: int) -> int:
    """Return the number of the band that a confidence belongs to; it includes its upper bound."""
    return next((at for at in range(bins) if confidence <= (at + 1) / bins), bins - 1)


def calibration_bins(answers: Sequence[Judged], *, bins: int = 10) -> list[Bin]:
    """Return the bands of equal width that hold answers, lowest first."""
    out = []
    for at in range(bins):
        low, high = at / bins, (at + 1) / bins
        held = [a for a in answers if _band(a.confidence, bins) == at]
        if held:
            mean = math.fsum(a.confidence for a in held) / len(held)
            out.append(Bin(low, high, mean, sum(a.right for a in held) / len(held), len(held)))
    return out


def calibration_error(answers: Sequence[Judged], *, bins: int = 10) -> float:
    """Return how far confidence is from being right, on average: 0 is calibrated.

    Source: expected calibration error, Naeini et al., AAAI 2015; ten bands of equal width.
    """
    if not answers:
        raise ValueError("no answers")
    held = calibration_bins(answers, bins=bins)
    return math.fsum(b.count * abs(b.accuracy - b.confidence) for b in held) / len(answers)


def calibration_error_by_chance(answers: Sequence[Judged], *, bins: int = 10) -> float:
    """Return what :func:`calibration_error` comes to when every confidence is exactly right.

    Few answers leave a gap in every band by chance alone (60 answers: about 0.12), which says
    nothing against the confidences. The mean over 400 drawn outcomes, from a fixed seed.

    Source: the bias of the plug-in estimator, Kumar, Liang & Ma, NeurIPS 2019.
    """
    if not answers:
        raise ValueError("no answers")
    surely = np.array([answer.confidence for answer in answers])
    right = np.random.default_rng(0).random((400, len(surely))) < surely
    band = np.array([_band(answer.confidence, bins) for answer in answers])
    gaps = [np.abs((right - surely)[:, band == at].sum(axis=1)) for at in range(bins)]
    return float(np.sum(gaps, axis=0).mean() / len(surely))


# --- readings -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """A reading, gold or shown, as the conflict figures compare it.

    Attributes:
        as_of: ISO 8601 day, month or year, or None.
        place: What it is cited to.
    """

    value: str
    as_of: str | None
    place: Place | None


def same_value(first: str, second: str) -> bool:
    """Say whether two wordings state one value: equal numbers, else equal normalised words.

    ``more than 120`` and ``120`` are one value; ``120`` and ``121`` are not.
    """
    one, two = quantities(first), quantities(second)
    if one and two:
        units = {one[0].unit, two[0].unit} - {None}
        return math.isclose(one[0].value, two[0].value, rel_tol=1e-9) and len(units) < 2
    if one or two:
        return False
    a, b = tokens(first), tokens(second)
    return bool(a) and (a == b or holds(a, b) or holds(b, a))


def same_time(gold: str | None, shown: str | None) -> bool:
    """Say whether the shown date is the gold date, at the coarser precision of the two."""
    if gold is None:
        return True
    if shown is None:
        return False
    width = min(len(gold), len(shown))
    return width >= len("2024") and gold[:width] == shown[:width]


def reading_matches(gold: Value, shown: Value) -> bool:
    """Say whether a shown reading has the gold one's value, date and citation."""
    if not (same_value(gold.value, shown.value) and same_time(gold.as_of, shown.as_of)):
        return False
    if gold.place is None:
        return True
    return shown.place is not None and (
        gold.place.path == shown.place.path
        and (gold.place.whole or shown.place.whole or gold.place.shared(shown.place) > 0)
    )


@dataclass(frozen=True, slots=True)
class ReadingScore:
    """Counts behind the conflict figures of one answer.

    Attributes:
        gold: Gold readings.
        found: Of those, shown with the right value, date and citation.
        values: Distinct gold values.
        values_found: Of those, shown by some reading.
        shown: Readings shown.
        right: Of those, a gold value or one of the accepted ones, and none of the forbidden.
    """

    gold: int
    found: int
    values: int
    values_found: int
    shown: int
    right: int


def reading_score(
    gold: Sequence[Value],
    shown: Sequence[Value],
    *,
    accept: Sequence[str] = (),
    forbidden: Sequence[str] = (),
) -> ReadingScore:
    """Return how many gold readings were shown, and how many shown readings are right.

    Args:
        gold: At least one.
        shown: What the answer showed.
        accept: Values that are no error (a rounder or partial figure).
        forbidden: Values about something else; they are wrong even where ``accept`` holds them.
    """
    if not gold:
        raise ValueError("no gold readings")
    distinct: list[str] = []
    for value in gold:
        if not any(same_value(value.value, known) for known in distinct):
            distinct.append(value.value)

    def is_right(value: Value) -> bool:
        if any(same_value(value.value, other) for other in distinct):
            return True
        if any(same_value(value.value, other) for other in forbidden):
            return False
        return any(same_value(value.value, other) for other in accept)

    return ReadingScore(
        gold=len(gold),
        found=sum(any(reading_matches(g, s) for s in shown) for g in gold),
        values=len(distinct),
        values_found=sum(any(same_value(v, s.value) for s in shown) for v in distinct),
        shown=len(shown),
        right=sum(is_right(s) for s in shown),
    )
