"""Question + Hits -> a draft answer of the sources' own sentences; no language model.

Sentences of the best passages are weighed by a small linear model over features that are computed
from the words and vectors (see :class:`Features`); the best ones that say different things become
the statements. Whether the articles answer at all is a second linear model's word, calibrated.
Both were fitted by ``training/fit_sentence_model.py``.
"""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.embedder import Embedder, Vectors
from rag.lexicon import Lexicon
from rag.question import DATE, Kind, asks_when_published, class_words, fits, kind_of, names
from rag.schema import Article, Hit, Passage, Span

Caution = Literal["strict", "balanced", "eager"]
# No answer is given where the chance that the articles answer is below this.
ANSWER_FROM: Mapping[Caution, float] = {"strict": 0.75, "balanced": 0.5, "eager": 0.25}

_COMPARED_SENTENCES = 24
_CACHED_VECTORS = 20_000
_NAMED_UNKNOWN = 3
_CLASS_WORD_SHARE = 0.25
# How far below the first a further statement may stand; one with words of the kind that is asked
# for (a number, a date) may stand lower, because that is how sources differ.
_SCORE_RANGE = 2.0
_SCORE_RANGE_FITTING = 5.0
_ARTICLE_PENALTY = 0.8
_ALIKE_PENALTY = 0.5
_SAME_WORDS = 0.6
_SAME_SIMILARITY = 0.9
_WORD = re.compile(r"\w[\w’'.,-]*")
_LEANING_START = re.compile(
    r"^\W*(?:he|she|it|they|his|her|their|its|this|that|these|those|such)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where words of a statement stand."""

    path: str
    span: Span
    quote: str
    passage_id: str


@dataclass(frozen=True, slots=True)
class DraftStatement:
    """A sentence to be said, and every place that says it."""

    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before it is bound to its articles.

    Attributes:
        reason: Why there is no answer; None when there is one.
        confidence: 0 to 1.
    """

    statements: tuple[DraftStatement, ...]
    confidence: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of one sentence as an answer to one question.

    Attributes:
        similarity: Cosine of question and sentence.
        passage_similarity: Cosine of question and passage.
        relevance: Of the passage, fused, within this search.
        coverage: Share of the question's words in the sentence, by their rarity (idf), 0 to 1.
        context_coverage: The same for the passage and its title.
        kind_fit: Whether the sentence has words of the kind asked for.
        kind_known: Whether the question asks for words of a known kind.
        context_named: Share of the question's names and numbers that the passage or its title has;
            1 if it has none.
        length: Natural logarithm of the words in the sentence.
        leaning: 1 if it begins with a pronoun.
    """

    similarity: float
    passage_similarity: float
    relevance: float
    coverage: float
    context_coverage: float
    kind_fit: float
    kind_known: float
    context_named: float
    length: float
    leaning: float

    def row(self) -> list[float]:
        """Return the values in the order of the attributes."""
        return [getattr(self, name) for name in self.__slots__]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be said."""

    passage: Passage
    span: Span
    text: str
    features: Features
    score: float
    vector: Vectors


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A logistic regression.

    Attributes:
        weights: By the names of the inputs.
        bias: Added to the weighted sum.
    """

    weights: Mapping[str, float]
    bias: float

    def logit(self, inputs: Mapping[str, float]) -> float:
        """Return the weighted sum."""
        return self.bias + sum(weight * inputs[name] for name, weight in self.weights.items())

    def probability(self, inputs: Mapping[str, float]) -> float:
        """Return the chance of a yes, 0 to 1."""
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, self.logit(inputs)))))


# Fitted on SQuAD 1.1 training paragraphs, rounded, and moved where articles share one subject:
# there the passage says less and the sentence's own words more (as good on SQuAD).
SENTENCE_MODEL = LinearModel(
    weights={
        "similarity": 4.0,
        "passage_similarity": 2.0,
        "relevance": 1.5,
        "coverage": 3.5,
        "context_coverage": 2.0,
        "kind_fit": 2.0,
        "context_named": 0.5,
        "length": 0.3,
        "leaning": -0.3,
    },
    bias=0.0,
)
# Whether the articles answer at all, judged by the best sentence; fitted on the same paragraphs,
# with questions about paragraphs that were held out and about other subjects.
ANSWERABLE_MODEL = LinearModel(
    weights={
        "similarity": 6.30,
        "coverage": 2.69,
        "context_coverage": 2.97,
        "kind_fit": 0.46,
        "kind_known": -0.39,
        "context_named": 0.99,
    },
    bias=-6.82,
)
# Whether the first statement answers: the confidence. Fitted on the same questions.
RIGHT_MODEL = LinearModel(
    weights={
        "similarity": 5.39,
        "coverage": 3.90,
        "context_coverage": 0.53,
        "kind_fit": 0.32,
        "kind_known": -0.40,
        "context_named": 0.65,
    },
    bias=-6.28,
)


class SentenceReader:
    """Chooses sentences.

    Args:
        embedder: Compares sentences with the question.
        language: ISO 639 code; the rules on kinds of answers are English.
    """

    def __init__(self, embedder: Embedder, *, language: str) -> None:
        self._embedder = embedder
        self._english = language == "en"
        self._vectors: OrderedDict[tuple[str, Span], Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def read(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        lexicon: Lexicon,
        article: Callable[[str], Article],
        max_statements: int,
        caution: Caution,
    ) -> Draft:
        """Return the draft of an answer, or of an abstention.

        Args:
            question: Standing alone.
            hits: The passages found, best first.
            lexicon: Knows how rare a word is.
            article: Gives an article by its path.
            max_statements: How many at most.
            caution: How sure to be before answering.
        """
        candidates = self.candidates(question, hits, lexicon=lexicon)
        if not candidates:
            return Draft((), 0.0, _why_not(question, lexicon))
        inputs = answer_inputs(candidates)
        confidence = RIGHT_MODEL.probability(inputs)
        if ANSWERABLE_MODEL.probability(inputs) < ANSWER_FROM[caution]:
            return Draft((), confidence, _why_not(question, lexicon))
        if self._english and asks_when_published(question):
            dated = _publication_date(candidates[0].passage, article(candidates[0].passage.path))
            if dated is not None:
                return Draft((dated,), confidence, None)
        chosen = choose(candidates, max_statements)
        return Draft(tuple(_statement(group) for group in chosen), confidence, None)

    def candidates(
        self, question: str, hits: Sequence[Hit], *, lexicon: Lexicon
    ) -> list[Candidate]:
        """Return the sentences of the hits that may answer, best first."""
        terms = self._weighed_terms(question, lexicon)
        kind: Kind = kind_of(question) if self._english else "open"
        wanted = names(question)
        measured: list[tuple[float, Hit, Span, str, dict[str, float]]] = []
        for hit in hits:
            around = f"{hit.passage.title} {hit.passage.text}"
            context = _coverage(terms, lexicon.terms(around))
            context_named = _named(wanted, around)
            for span in hit.passage.sentences:
                text = hit.passage.sentence_text(span)
                words = _WORD.findall(text)
                if len(words) < 3 or not any(character.isalpha() for character in text):
                    continue
                known = {
                    "passage_similarity": hit.similarity,
                    "relevance": hit.relevance,
                    "coverage": _coverage(terms, lexicon.terms(text)),
                    "context_coverage": context,
                    "kind_fit": fits(kind, text, question),
                    "kind_known": float(kind not in ("open", "yes_no")),
                    "context_named": context_named,
                    "length": math.log(len(words)),
                    "leaning": float(bool(_LEANING_START.match(text))),
                }
                rough = SENTENCE_MODEL.logit({"similarity": hit.similarity, **known})
                measured.append((rough, hit, span, text, known))
        # Embedding a sentence costs more than all the rest: only the likelier ones are compared.
        measured.sort(key=lambda item: (-item[0], item[1].passage.passage_id, item[2].start))
        compared = measured[:_COMPARED_SENTENCES]
        if not compared:
            return []
        vectors = self._sentence_vectors([(hit.passage, span) for _, hit, span, _, _ in compared])
        (asked,) = self._embedder.embed_questions([question])
        candidates = []
        for (_, hit, span, text, known), vector in zip(compared, vectors, strict=True):
            features = Features(similarity=float(vector @ asked), **known)
            score = SENTENCE_MODEL.logit(_inputs(features))
            candidates.append(Candidate(hit.passage, span, text, features, score, vector))
        candidates.sort(key=lambda item: (-item.score, item.passage.path, item.span.start))
        return candidates

    def _weighed_terms(self, question: str, lexicon: Lexicon) -> dict[str, float]:
        terms = {term: lexicon.rarity(term) for term in lexicon.terms(question)}
        if self._english:
            for term in lexicon.terms(" ".join(sorted(class_words(question)))):
                if term in terms:
                    terms[term] *= _CLASS_WORD_SHARE
        return terms

    def _sentence_vectors(self, places: Sequence[tuple[Passage, Span]]) -> list[Vectors]:
        keys = [(passage.passage_id, span) for passage, span in places]
        with self._lock:
            found = {key: self._vectors[key] for key in keys if key in self._vectors}
        missing = [
            (key, passage.sentence_text(key[1]))
            for key, (passage, _) in zip(keys, places, strict=True)
            if key not in found
        ]
        if missing:
            rows = self._embedder.embed_passages([text for _, text in missing])
            found.update({key: row for (key, _), row in zip(missing, rows, strict=True)})
        with self._lock:
            for key in keys:
                self._vectors[key] = found[key]
                self._vectors.move_to_end(key)
            while len(self._vectors) > _CACHED_VECTORS:
                self._vectors.popitem(last=False)
        return [found[key] for key in keys]


def _publication_date(passage: Passage, article: Article) -> DraftStatement | None:
    """Return the line of an article that dates it, or None if only its metadata does."""
    if article.published is None:
        return None
    for span in article.unquotable:
        for line in re.finditer(r"[^\r\n]+", span.within(article.text)):
            words = line.group().strip()
            if str(article.published.year) not in words or not DATE.search(words):
                continue
            start = span.start + line.start() + line.group().index(words)
            place = Place(article.path, Span(start, start + len(words)), words, passage.passage_id)
            return DraftStatement(words, (place,))
    return None


def answer_inputs(candidates: Sequence[Candidate]) -> dict[str, float]:
    """Return what the answer model judges by: the best sentence, and how it stands out."""
    return _inputs(candidates[0].features)


def _inputs(features: Features) -> dict[str, float]:
    return dict(zip(Features.__slots__, features.row(), strict=True))


def _coverage(terms: Mapping[str, float], found: Sequence[str]) -> float:
    total = sum(terms.values())
    if total <= 0:
        return 0.0
    present = set(found)
    return sum(rarity for term, rarity in terms.items() if term in present) / total


def _named(wanted: frozenset[str], text: str) -> float:
    if not wanted:
        return 1.0
    words = {
        word.lower().removesuffix("’s").removesuffix("'s").strip(",.")
        for word in _WORD.findall(text)
    }
    return len(wanted & words) / len(wanted)


def choose(candidates: Sequence[Candidate], limit: int) -> list[list[Candidate]]:
    """Return the sentences to be said, each with those that say the same, best first.

    A sentence loses with every one already chosen from its article, and the more, the more alike
    it is to one of them: an answer shows what different sources say before it shows more of one
    (maximal marginal relevance: Carbonell & Goldstein, SIGIR 1998).

    Args:
        candidates: Best first.
        limit: How many statements at most.
    """
    groups: list[list[Candidate]] = []
    left = [item for item in candidates if _is_eligible(item, candidates[0])]
    while left and len(groups) < limit:
        best = max(left, key=lambda item: _standing(item, groups))
        same = [item for item in left if item is best or _says_the_same(item, best)]
        groups.append([best, *(item for item in same if item is not best)])
        taken = {id(item) for item in same}
        left = [item for item in left if id(item) not in taken]
    return groups


def _is_eligible(candidate: Candidate, first: Candidate) -> bool:
    """Say whether a sentence may be said besides the first."""
    if candidate is first:
        return True
    valued = first.features.kind_known and first.features.kind_fit == 1.0
    if valued and candidate.features.kind_fit == 1.0:
        return candidate.score >= first.score - _SCORE_RANGE_FITTING
    return (
        candidate.score >= first.score - _SCORE_RANGE
        and candidate.features.kind_fit >= 0.5 * first.features.kind_fit
    )


def _standing(candidate: Candidate, groups: Sequence[Sequence[Candidate]]) -> float:
    from_its_article = sum(group[0].passage.path == candidate.passage.path for group in groups)
    alike = max((float(candidate.vector @ group[0].vector) for group in groups), default=0.0)
    return candidate.score - _ARTICLE_PENALTY * from_its_article - _ALIKE_PENALTY * max(0.0, alike)


def _says_the_same(one: Candidate, other: Candidate) -> bool:
    """Say whether two sentences are near-duplicates: same numbers, mostly the same words."""
    if one.text == other.text:
        return True
    if _numbers(one.text) != _numbers(other.text):
        return False
    words, others = set(_WORD.findall(one.text.lower())), set(_WORD.findall(other.text.lower()))
    shared = len(words & others) / max(1, len(words | others))
    return shared >= _SAME_WORDS and float(one.vector @ other.vector) >= _SAME_SIMILARITY


def _numbers(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\d[\d,.]*", text))


def _statement(group: Sequence[Candidate]) -> DraftStatement:
    seen: dict[tuple[str, Span], Place] = {}
    for candidate in group:
        passage = candidate.passage
        seen.setdefault(
            (passage.path, candidate.span),
            Place(passage.path, candidate.span, candidate.text, passage.passage_id),
        )
    return DraftStatement(group[0].text, tuple(seen.values()))


def _why_not(question: str, lexicon: Lexicon) -> str:
    """Return why there is no answer, and which words of the question the articles never use."""
    unknown = lexicon.unknown_words(question)[:_NAMED_UNKNOWN]
    if not unknown:
        return "The articles do not answer this: no sentence in them says it."
    words = [f"“{word}”" for word in unknown]
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    return f"The articles do not answer this: none of them mentions {listed}."
