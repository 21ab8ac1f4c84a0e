"""Question + Hits -> a draft answer of the sources' own sentences; no language model.

A cascade: the sentences of the passages found are weighed by a small linear model over features of
their words and vectors (see :class:`Features`); the likeliest are read by the trained reader, with
their neighbours (:mod:`rag.reader`); the best ones that say different things become the
statements. Whether the articles answer at all, and whether the first statement is right, are the
words of two more linear models, calibrated. All were fitted by ``training/fit_answer_models.py``.
Without the reader's weights the sentences' own features decide.
"""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rag.antecedents import begins_leaning, leans, who
from rag.embedder import Embedder, Vectors
from rag.lexicon import Lexicon
from rag.passages import split_sentences
from rag.premises import Clash, clash
from rag.question import (
    DATE,
    Kind,
    asks_when_published,
    class_words,
    fits,
    kind_of,
    name_words,
    names,
    office_holder,
)
from rag.reader import Reader, Window
from rag.schema import Article, Hit, Passage, Span

Caution = Literal["strict", "balanced", "eager"]
# No answer is given where the chance that the articles answer is below this.
ANSWER_FROM: Mapping[Caution, float] = {"strict": 0.75, "balanced": 0.5, "eager": 0.25}

# Sentences are compared with the question in meaning up to so many, and the best of them are read:
# 12 to 24 put as many right ones first (1,361 questions), and each one read costs time.
_COMPARED_SENTENCES = 24
_READ_SENTENCES = 20
# Likely sentences near one another are read in one window of so many words, with one more sentence
# on either side.
_WINDOW_WORDS = 110
_CACHED_VECTORS = 20_000
# "Iran" is named in "Iranian-backed", and the United States in "U.S. officials".
_STEM_LETTERS = 4
_SHORT_NAMES = (
    (re.compile(r"\bU\.?S\b|\bAmericans?\b"), ("united", "states", "us", "u.s", "america")),
    (re.compile(r"\bU\.?N\b"), ("united", "nations", "un", "u.n")),
    (re.compile(r"\bU\.?K\b|\bBrit(?:ain|ish)\b"), ("united", "kingdom", "uk", "u.k", "britain")),
    (re.compile(r"\bE\.?U\b|\bEuropean Union\b"), ("european", "union", "eu", "e.u")),
    (re.compile(r"\bUnited States\b"), ("us", "u.s", "america", "american")),
)
NO_SPAN = -20.0
_FILLED_IN = re.compile(r"\s*\(([^()]*)\)\s*$")
_NAMED_UNKNOWN = 3
# Nothing is missing from articles that lack these.
_LIGHT_WORDS = frozenset(
    "go goes going gone went come comes coming came get gets getting got take takes taking "
    "took taken make makes making made give gives giving gave given put puts keep keeps kept "
    "let lets happen happens happened become becomes became tell tells told ask asks asked "
    "know knows knew known never ever yet still again too also much many more most less think "
    "thinks thought want wants wanted need needs needed use uses used using find finds found "
    "look looks looked mean means meant mention mentions mentioned".split()
)
_LOOKED_BACK_CHARACTERS = 800
_ABOUT_FROM = 0.5
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
_CLAUSE_STARTS = re.compile(r"[,;:—–.?!“”\"]\s|[“—–]")
_TAKES_BACK = re.compile(
    r"\b(?:not|never|nor|neither|nobody|without|whether|unclear|unlikely|doubt\w*|den(?:y|ie[sd])|"
    r"reject\w*|refus\w*|cannot|instead of|rather than)\b|n[’']t\b",
    re.IGNORECASE,
)
# Full stops that belong to their word.
_ABBREVIATED = re.compile(
    r"(?:\b(?:\w\.)+|\b(?:Inc|Corp|Co|Ltd|Jr|Sr|St|Mr|Mrs|Ms|Dr|Gov|Sen|Rep|Gen|No)\.|\.\.)$"
)
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
        considered: Every sentence that was weighed, best first.
        short_answer: The few words of the first statement that answer; None where they were not
            told from the rest.
        notes: What a user should know besides.
    """

    statements: tuple[DraftStatement, ...]
    confidence: float
    reason: str | None
    considered: tuple[Candidate, ...] = ()
    short_answer: str | None = None
    notes: tuple[str, ...] = ()


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
class Judgement:
    """What the trained reader says of one sentence as an answer to one question.

    Attributes:
        strength: Of the best span in the sentence over no answer: a difference of logits.
        answers: Logit: do the words around answer the question?
        about: 0 to 1: are they about what is asked?
        span: The words that answer, in the article; None if nothing in the sentence may.
    """

    strength: float
    answers: float
    about: float
    span: Span | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be said.

    Attributes:
        kind: Of what is asked for.
        judgement: None where the trained reader did not read it.
        clash: The word of the question that it speaks against; None if there is none.
    """

    passage: Passage
    span: Span
    text: str
    features: Features
    score: float
    vector: Vectors
    kind: Kind = "open"
    judgement: Judgement | None = None
    clash: Clash | None = None


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
# with questions about paragraphs that were held out and about other subjects; the clash by itself,
# as where sentences are read.
ANSWERABLE_MODEL = LinearModel(
    weights={
        "similarity": 6.30,
        "coverage": 2.69,
        "context_coverage": 2.97,
        "kind_fit": 0.46,
        "kind_known": -0.39,
        "context_named": 0.99,
        "clash": -1.80,
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
        "clash": -1.80,
    },
    bias=-6.28,
)


# Whether a sentence answers, for the trained reader's eyes and the features' together. Fitted, but
# that the passage counts less than half as much: articles on one subject differ little in it.
READ_MODEL = LinearModel(
    weights={
        "score": 0.56,
        "strength": 0.30,
        "answers": 0.36,
        "passage_similarity": 2.0,
        "context_named": 1.0,
    },
    bias=0.0,
)
# The same two questions as above, of sentences that were read. Fitted on paragraphs and on made-up
# news, of which the articles answer 59 in 100 and the first sentence 47; the biases were then moved
# by +0.7 and +0.4 to the development questions' 75 and 57 (prior shift: Elkan, IJCAI 2001).
READ_ANSWERABLE_MODEL = LinearModel(
    weights={
        "score": 0.17,
        "most_answers": 0.43,
        "clash": -1.89,
        "kind_fit": 0.62,
        "kind_known": -0.75,
        "context_named": 0.61,
    },
    bias=-0.91,
)
READ_RIGHT_MODEL = LinearModel(
    weights={
        "score": 0.23,
        "most_answers": 0.25,
        "clash": -1.53,
        "kind_known": -0.43,
        "ahead": 0.28,
    },
    bias=-2.36,
)
MODELS = {False: (ANSWERABLE_MODEL, RIGHT_MODEL), True: (READ_ANSWERABLE_MODEL, READ_RIGHT_MODEL)}


class Selector:
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

    def draft(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        typed: str,
        reader: Reader | None,
        lexicon: Lexicon,
        article: Callable[[str], Article],
        max_statements: int,
        caution: Caution,
    ) -> Draft:
        """Return the draft of an answer, or of an abstention.

        Args:
            question: Standing alone.
            hits: The passages found, best first.
            typed: The question as the user typed it; what else it has was filled in.
            reader: The trained one; None where there is none.
            lexicon: Knows how rare a word is.
            article: Gives an article by its path.
            max_statements: How many at most.
            caution: How sure to be before answering.
        """
        question = _without_unknown_filling(question, typed, lexicon)
        candidates = self.candidates(question, hits, lexicon=lexicon)
        if not candidates:
            return Draft((), 0.0, _why_not(typed, lexicon, (), article))
        if reader is not None:
            candidates = judged(question, candidates, reader)
        inputs = answer_inputs(candidates)
        answerable, right = MODELS[reader is not None]
        confidence = right.probability(inputs)
        chance = answerable.probability(inputs)
        if reader is not None and _FILLED_IN.search(question):
            # The reader never learnt questions that lean on a conversation, which moreover seldom
            # ask for what the articles lack: either model may answer.
            chance = max(chance, ANSWERABLE_MODEL.probability(inputs))
        if chance < ANSWER_FROM[caution]:
            reason = _why_not(typed, lexicon, candidates, article)
            return Draft((), confidence, reason, tuple(candidates))
        if self._english and asks_when_published(question):
            dated = _publication_date(candidates[0].passage, article(candidates[0].passage.path))
            if dated is not None:
                return Draft((dated,), confidence, None, tuple(candidates))
        chosen = choose(candidates, max_statements)
        return Draft(
            tuple(_statement(group, article) for group in chosen),
            confidence,
            None,
            tuple(candidates),
            words_that_answer(question, [group[0] for group in chosen]),
        )

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
            against = self._clash(question, hit.passage, span, text)
            candidates.append(
                Candidate(hit.passage, span, text, features, score, vector, kind, clash=against)
            )
        candidates.sort(key=lambda item: (-item.score, item.passage.path, item.span.start))
        return candidates

    def _clash(self, question: str, passage: Passage, span: Span, text: str) -> Clash | None:
        if not self._english:
            return None
        at = passage.sentences.index(span)
        near = passage.sentences[max(0, at - 1) : at + 2]
        around = " ".join(passage.sentence_text(one) for one in near)
        return clash(_FILLED_IN.sub("", question), text, around)

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


def windows(candidates: Sequence[Candidate]) -> list[tuple[Window, Span, list[int]]]:
    """Return what is to be read: words, where they stand, and the candidates that stand in them.

    Candidates near one another in a passage share a window; each window has one more sentence on
    either side, so that every candidate is read with its neighbours.
    """
    by_passage: dict[str, list[int]] = {}
    for number, candidate in enumerate(candidates):
        by_passage.setdefault(candidate.passage.passage_id, []).append(number)
    made = []
    for numbers in by_passage.values():
        passage = candidates[numbers[0]].passage
        sentences = passage.sentences
        place = {span: at for at, span in enumerate(sentences)}
        ordered = sorted((place[candidates[number].span], number) for number in numbers)
        runs: list[list[tuple[int, int]]] = []
        for at, number in ordered:
            run = runs[-1] if runs else None
            if run is not None and at - run[-1][0] <= 2:
                start, end = sentences[run[0][0]].start, sentences[at].end
                words = passage.text[start - passage.start : end - passage.start].count(" ")
                if words <= _WINDOW_WORDS:
                    run.append((at, number))
                    continue
            runs.append([(at, number)])
        for run in runs:
            start = sentences[max(0, run[0][0] - 1)].start
            end = sentences[min(len(sentences) - 1, run[-1][0] + 1)].end
            text = passage.text[start - passage.start : end - passage.start]
            window = Window(passage.title, text)
            made.append((window, Span(start, end), [number for _, number in run]))
    return made


def judged(question: str, candidates: Sequence[Candidate], reader: Reader) -> list[Candidate]:
    """Return the best candidates as the trained reader sees them, best first."""
    candidates = candidates[:_READ_SENTENCES]
    read = windows(candidates)
    # What a follow-up leans on stands behind it in parentheses, which the reader never learnt.
    asked = _FILLED_IN.sub(r" \1", question)
    found = reader.read(asked, [window for window, _, _ in read])
    after: list[Candidate] = []
    for (_, place, numbers), words in zip(read, found, strict=True):
        for number in numbers:
            candidate = candidates[number]
            inside = Span(candidate.span.start - place.start, candidate.span.end - place.start)
            best = words.best_span(within=inside)
            span, strength = (None, NO_SPAN) if best is None else best
            judgement = Judgement(
                strength=max(NO_SPAN, strength),
                answers=words.answers,
                about=words.relevance,
                span=span and Span(span.start + place.start, span.end + place.start),
            )
            score = READ_MODEL.logit(
                {
                    "score": candidate.score,
                    "strength": judgement.strength,
                    "answers": judgement.answers,
                    "passage_similarity": candidate.features.passage_similarity,
                    "context_named": candidate.features.context_named,
                }
            )
            after.append(replace(candidate, judgement=judgement, score=score))
    after.sort(key=lambda item: (-item.score, item.passage.path, item.span.start))
    return after


def words_that_answer(question: str, chosen: Sequence[Candidate]) -> str | None:
    """Return the words of the first statement that the reader points at, if nothing speaks against.

    None where it rather points at none, where it is surer of other words in another statement,
    where an office is asked for and the sentence gives it to somebody else, or where a word before
    them takes them back: "it was not clear that [the talks had ended]".

    Args:
        question: Standing alone.
        chosen: The first sentence of each statement.
    """
    words, judgement = _pointed_at(chosen[0]), chosen[0].judgement
    if words is None or judgement is None or _is_turned(question, chosen[0]):
        return None
    for other in chosen[1:]:
        others = _pointed_at(other)
        surer = other.judgement and other.judgement.strength >= judgement.strength
        if others and surer and not _share_a_word(words, others):
            return None
    if chosen[0].kind == "person":
        holder = office_holder(question, chosen[0].text)
        if holder is not None and not _share_a_word(holder, words):
            return None
    return without_loose_ends(words) or None


def without_loose_ends(words: str) -> str:
    """Return words without the punctuation and the half pairs of quotation marks at their ends."""
    while True:
        before = words
        words = words.strip().strip(",;:—–")
        if words.count("“") != words.count("”") or words.count('"') % 2:
            words = words.strip('“”"')
        if words.endswith(".") and not _ABBREVIATED.search(words):
            words = words[:-1]
        if words == before:
            return words


def _is_turned(question: str, candidate: Candidate) -> bool:
    """Say whether the sentence denies or doubts the words that the reader points at."""
    if candidate.judgement is None or candidate.judgement.span is None:
        return False
    before = candidate.text[: candidate.judgement.span.start - candidate.span.start]
    clause = _CLAUSE_STARTS.split(before)[-1]
    return bool(_TAKES_BACK.search(clause)) and not _TAKES_BACK.search(question)


def _pointed_at(candidate: Candidate) -> str | None:
    judgement = candidate.judgement
    if judgement is None or judgement.span is None or judgement.strength <= 0:
        return None
    start = candidate.passage.start
    return candidate.passage.text[judgement.span.start - start : judgement.span.end - start]


def _share_a_word(one: str, other: str) -> bool:
    words, others = (set(re.findall(r"\w{3,}|\d+", text.lower())) for text in (one, other))
    return bool(words & others) or not words or not others


def answer_inputs(candidates: Sequence[Candidate]) -> dict[str, float]:
    """Return what the answer models judge by: the best sentence, and how the others stand."""
    first = candidates[0]
    others = (item for item in candidates[1:] if not _says_the_same(item, first))
    inputs = _inputs(first.features) | {
        "clash": float(first.clash is not None),
        "ahead": first.score - next((item.score for item in others), first.score),
    }
    read = [item.judgement for item in candidates if item.judgement is not None]
    if first.judgement is not None:
        inputs |= {
            "score": first.score,
            "most_answers": max(judgement.answers for judgement in read),
        }
    return inputs


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
    words = _words_for_names(text)
    return sum(_is_named(name, words) for name in wanted) / len(wanted)


def _words_for_names(text: str) -> frozenset[str]:
    words = {
        word.lower().removesuffix("’s").removesuffix("'s").strip(",.")
        for word in _WORD.findall(text)
    }
    words |= {word for short, long in _SHORT_NAMES if short.search(text) for word in long}
    return frozenset(words)


def _is_named(name: str, words: frozenset[str]) -> bool:
    return name in words or (
        len(name) >= _STEM_LETTERS and any(word.startswith(name) for word in words)
    )


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


def _statement(group: Sequence[Candidate], article: Callable[[str], Article]) -> DraftStatement:
    """Return what a group of sentences says, with every place that says it.

    A sentence that leans on the one before it names whom it speaks of in brackets, outside the
    quote; where that is not plain, it brings the sentence before it.
    """
    seen: dict[tuple[str, Span], Place] = {}
    for candidate in group:
        passage = candidate.passage
        seen.setdefault(
            (passage.path, candidate.span),
            Place(passage.path, candidate.span, candidate.text, passage.passage_id),
        )
    first = group[0]
    if not leans(first.text):
        return DraftStatement(first.text, tuple(seen.values()))
    whole = article(first.passage.path)
    before = _before(first, whole)
    name = who(first.text, [span.within(whole.text) for span in before])
    if name is not None:
        return DraftStatement(f"[{name}] {first.text}", tuple(seen.values()))
    if not begins_leaning(first.text) or not before:
        return DraftStatement(first.text, tuple(seen.values()))
    both = Span(before[-1].start, first.span.end)
    seen[first.passage.path, first.span] = Place(
        first.passage.path, both, both.within(whole.text), first.passage.passage_id
    )
    text = f"{before[-1].within(whole.text)} {first.text}"
    return DraftStatement(text, tuple(seen.values()))


def _before(candidate: Candidate, article: Article) -> list[Span]:
    """Return up to three sentences right before one, nearest last, that may be quoted with it."""
    passage = candidate.passage
    found = [span for span in passage.sentences if span.end <= candidate.span.start]
    if not found and passage.start > 0:
        skipped = max(0, passage.start - _LOOKED_BACK_CHARACTERS)
        text = article.text[skipped : passage.start]
        found = [Span(span.start + skipped, span.end + skipped) for span in split_sentences(text)]
        found = [
            span
            for span in found
            if not any(span.start < no.end and no.start < span.end for no in article.unquotable)
        ]
    end = candidate.span.start
    near: list[Span] = []
    for span in reversed(found[-3:]):
        if article.text[span.end : end].strip():
            break
        near.insert(0, span)
        end = span.start
    return near


def _without_unknown_filling(question: str, typed: str, lexicon: Lexicon) -> str:
    """Return the question without words that were filled in and that no article has.

    The user did not type them, so an answer that lacks them lacks nothing.
    """
    filling = question.removeprefix(typed)
    if not filling or filling == question:
        return question
    unknown = lexicon.unknown_words(filling)
    if unknown:
        words = "|".join(re.escape(word) for word in unknown)
        filling = re.sub(rf"(?<![\w’'-])(?:{words})(?![\w’'-])", "", filling)
    return f"{typed}{filling}" if re.search(r"\w", filling) else typed


def _why_not(
    question: str,
    lexicon: Lexicon,
    candidates: Sequence[Candidate],
    article: Callable[[str], Article],
) -> str:
    """Return why there is no answer, and which part of the question is missing if that is plain."""
    unknown = [
        word for word in lexicon.unknown_words(question) if word.lower() not in _LIGHT_WORDS
    ][:_NAMED_UNKNOWN]
    if unknown:
        return f"The articles do not answer this: none of them mentions {_listed(unknown, 'or')}."
    nearest = candidates[0] if candidates else None
    about = nearest.judgement.about if nearest is not None and nearest.judgement else 0.0
    if nearest is None or about < _ABOUT_FROM:
        return "The articles do not answer this: no sentence in them says it."
    where = nearest.passage.title or nearest.passage.path
    present = _words_for_names(f"{nearest.passage.title} {article(nearest.passage.path).text}")
    missing = [word for word in name_words(question) if not _is_named(word.lower(), present)]
    if missing:
        return (
            f"The articles do not answer this. The nearest article ({where}) does not mention "
            f"{_listed(missing[:_NAMED_UNKNOWN], 'or')}."
        )
    subject = f"The nearest passage ({where})"
    if nearest.clash is not None and nearest.clash.told:
        return (
            f"The articles do not answer this. {subject} says “{nearest.clash.told}”, "
            f"not “{nearest.clash.asked}”."
        )
    if nearest.clash is not None:
        return (
            f"The articles do not answer this. {subject} is about it, but the question has a "
            f"“{nearest.clash.asked}” that no sentence there has."
        )
    return (
        f"The articles do not answer this. {subject} is about it, but no sentence says "
        f"{_ASKED_FOR.get(nearest.kind, 'what is asked')}."
    )


_ASKED_FOR: Mapping[Kind, str] = {
    "number": "how many or how much",
    "duration": "how long",
    "date": "when",
    "person": "who",
    "place": "where",
    "reason": "why",
    "list": "which",
    "yes_no": "whether that is so",
}


def _listed(words: Sequence[str], last: str) -> str:
    quoted = [f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
