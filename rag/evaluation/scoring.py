"""A recorded answer -> what it adds to each figure; all answers -> the figures.

A record is plain JSON (a line of a run's ``questions.jsonl``) and holds everything that scoring
needs, so a stored run can be scored again without the archive or a model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rag.evaluation import metrics
from rag.evaluation.metrics import CitedStatement, Judged, Place, Value
from rag.evaluation.questions import Question
from rag.evaluation.statistics import Share, bootstrap, ratio, wilson
from rag.evaluation.text import quoted_spans, tokens

Record = Mapping[str, Any]
CUT_OFFS = (1, 3, 5, 10)
Group = Literal["retrieval", "answers", "citations", "abstention", "confidence", "conflict"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure's name and how to read it.

    Attributes:
        each: ``question`` when every question counts once with 0 or 1 (Wilson interval); ``mean``
            and ``count`` take the bootstrap; ``whole`` figures come from all questions at once.
    """

    name: str
    group: Group
    title: str
    higher_is_better: bool = True
    each: Literal["question", "mean", "count", "whole"] = "question"


_LIST = [
    *(Metric(f"hit@{k}", "retrieval", f"evidence among the first {k}") for k in CUT_OFFS),
    Metric("hit_strict@5", "retrieval", "whole evidence in one of the first 5"),
    Metric("mrr@10", "retrieval", "1 / rank of the first evidence", each="mean"),
    Metric("ndcg@10", "retrieval", "gain by rank, evidence credited once", each="mean"),
    Metric("evidence_recall@5", "retrieval", "evidence characters in the first 5", each="mean"),
    Metric("evidence_recall@10", "retrieval", "evidence characters in the first 10", each="mean"),
    Metric("all_evidence@5", "retrieval", "every evidence in the first 5"),
    Metric("all_evidence@10", "retrieval", "every evidence in the first 10"),
    Metric("context_precision@5", "retrieval", "evidence share of the first 5", each="mean"),
    Metric("answer_correct", "answers", "EM, contains or numeric, by answer type"),
    Metric("em", "answers", "short answer equals a gold answer"),
    Metric("f1", "answers", "token overlap with a gold answer", each="mean"),
    Metric("contains", "answers", "gold answer stands in the answer, as tokens"),
    Metric("contains_anywhere", "answers", "the same in an answer of any length"),
    Metric("short_contains", "answers", "gold answer stands in the short answer"),
    Metric("choice", "answers", "of the choices, words found speak for the right one"),
    Metric("numeric", "answers", "first number is the gold number (0.5 %)"),
    Metric("list_precision", "answers", "items listed that are right", each="mean"),
    Metric("list_recall", "answers", "gold items that are listed", each="mean"),
    Metric("list_f1", "answers", "harmonic mean of the two", each="mean"),
    Metric("all_of", "answers", "gold groups that the answer holds", each="mean"),
    Metric("all_of_complete", "answers", "every gold group held"),
    Metric("no_wrong_answer", "answers", "answers that name none of the tempting wrong ones"),
    Metric("strict", "answers", "every gold group held and no wrong answer named"),
    Metric("answer_tokens", "answers", "words of an answer", higher_is_better=False, each="mean"),
    Metric("citation_valid", "citations", "markers that lead to a passage looked at", each="count"),
    Metric("quote_faithful", "citations", "quotes that stand there to the letter", each="count"),
    Metric("quote_faithful_loose", "citations", "the same up to white space", each="count"),
    Metric("offset_integrity", "citations", "same words in the file now, or said", each="count"),
    Metric("citation_recall", "citations", "statements that their citations support", each="count"),
    Metric("citation_precision", "citations", "citations that are not irrelevant", each="count"),
    Metric("citation_coverage", "citations", "statements with a citation", each="count"),
    Metric(
        "citations_per_statement", "citations", "over-citation", higher_is_better=False,
        each="count",
    ),
    Metric("cites_gold", "citations", "answers that cite gold evidence"),
    Metric("cited_evidence", "citations", "gold evidence that is cited", each="mean"),
    Metric("sources_cited", "citations", "gold articles that are cited", each="mean"),
    Metric("abstain_precision", "abstention", "abstentions that were due"),
    Metric("abstain_recall", "abstention", "unanswerable questions declined"),
    Metric("abstain_f1", "abstention", "harmonic mean of the two", each="whole"),
    Metric("over_refusal", "abstention", "answerable questions declined", higher_is_better=False),
    Metric(
        "hallucination", "abstention", "unanswerable questions answered", higher_is_better=False
    ),
    Metric("abstain_recall_no_topic", "abstention", "declined: no article on it"),
    Metric("abstain_recall_near_miss", "abstention", "declined: one thing swapped"),
    Metric("abstain_recall_false_premise", "abstention", "declined: false premise"),
    Metric("aurc", "confidence", "risk over all coverages", higher_is_better=False, each="whole"),
    Metric("ece", "confidence", "confidence against rightness", False, "whole"),
    Metric("ece_by_chance", "confidence", "ece if every confidence were exact", False, "whole"),
    Metric("brier", "confidence", "squared distance from rightness", False, "mean"),
    Metric("reading_recall", "conflict", "gold readings: value, date and citation", each="count"),
    Metric("reading_value_recall", "conflict", "gold values shown", each="count"),
    Metric("reading_precision", "conflict", "shown readings that are right", each="count"),
    Metric("disagreement_kind", "conflict", "over time or between sources, as the gold says"),
]  # fmt: skip
METRICS: dict[str, Metric] = {metric.name: metric for metric in _LIST}
HEADLINES = (
    "answer_correct",
    "hit@5",
    "ndcg@10",
    "citation_recall",
    "quote_faithful",
    "abstain_recall",
    "over_refusal",
    "reading_recall",
)


def score(record: Record) -> dict[str, Share]:
    """Return what one record adds to each figure; a figure it has no say in is absent."""
    if record.get("error"):
        return {}
    question = Question.model_validate(record["question"])
    answer: Record | None = record.get("answer")
    found = {**_retrieval(question, record)}
    if answer is not None:
        found |= _answers(question, answer)
        found |= _choice(question, record, answer)
        found |= _citations(question, record, answer)
        found |= _abstention(question, answer)
        found |= _conflict(question, record, answer)
        right = is_right(question, record)
        if right is not None and not answer["abstained"]:
            found["brier"] = Share((answer["confidence"] - right) ** 2)
    return found


def is_right(question: Question, record: Record) -> bool | None:
    """Say whether an answer was right, for confidence and for flips; None if gold cannot say.

    Right is ``answer_correct`` where the gold has words, else that gold evidence is cited; an
    answer to an unanswerable question is wrong, declining it is right.
    """
    answer = record.get("answer")
    if record.get("error") or answer is None or question.answerable is None:
        return None
    if question.answerable is False:
        return bool(answer["abstained"])
    if answer["abstained"]:
        return False
    shares = _answers(question, answer)
    if "answer_correct" in shares:
        return shares["answer_correct"].numerator == 1
    cites = _cites_gold(record, answer)
    return None if cites is None else cites == 1


def place_of(value: Mapping[str, Any]) -> Place:
    """Return the place that a record's ``{path, start, end}`` names."""
    return Place(value["path"], value.get("start"), value.get("end"))


def _gold(record: Record) -> list[Place]:
    return [place_of(value) for value in record["gold"]["evidence"]]


def _retrieval(question: Question, record: Record) -> dict[str, Share]:
    chunks = [place_of(passage) for passage in record["passages"]]
    if question.gains:
        return _graded(question, [chunk.path for chunk in chunks])
    evidence = _gold(record)
    if not evidence:
        return {}
    found = {f"hit@{k}": metrics.hit_at(chunks, evidence, k) for k in CUT_OFFS}
    found["hit_strict@5"] = metrics.hit_at(chunks, evidence, 5, strict=True)
    found["mrr@10"] = metrics.mrr_at(chunks, evidence, 10)
    found["ndcg@10"] = metrics.ndcg_at(chunks, evidence, 10)
    for k in (5, 10):
        found[f"all_evidence@{k}"] = metrics.all_evidence_at(chunks, evidence, k)
    if any(not piece.whole for piece in evidence):
        for k in (5, 10):
            found[f"evidence_recall@{k}"] = metrics.evidence_recall_at(chunks, evidence, k)
        found["context_precision@5"] = metrics.context_precision_at(chunks, evidence, 5)
    return {name: Share(value) for name, value in found.items()}


def _graded(question: Question, paths: Sequence[str]) -> dict[str, Share]:
    """Score a search by judged articles: an article ranks where its first passage does."""
    if not any(gain > 0 for gain in question.gains.values()):
        return {}
    ranked = list(dict.fromkeys(paths))
    relevant = [Place(path) for path, gain in question.gains.items() if gain > 0]
    places = [Place(path) for path in ranked]
    found = {f"hit@{k}": metrics.hit_at(places, relevant, k) for k in CUT_OFFS}
    found["mrr@10"] = metrics.mrr_at(places, relevant, 10)
    found["ndcg@10"] = metrics.graded_ndcg_at(ranked, question.gains, 10)
    return {name: Share(value) for name, value in found.items()}


def spoken(answer: Record) -> str:
    """Return the answer's statements as one text, without markers."""
    return " ".join(statement["text"] for statement in answer["statements"])


_ITEMS = re.compile(r"\s*(?:[;,\n]|\band\b)\s*")


def _items(answer: Record) -> list[str]:
    """Return the items that a list answer lists: those of its short answer, else its statements."""
    if answer.get("short_answer"):
        return [item for item in _ITEMS.split(answer["short_answer"]) if item]
    return [statement["text"] for statement in answer["statements"]]


def _answers(question: Question, answer: Record) -> dict[str, Share]:
    text, short = spoken(answer), answer.get("short_answer")
    given = not answer["abstained"]
    if question.answerable is not True:
        if question.answerable is False or not (given and question.must_not):
            return {}
        return {"no_wrong_answer": Share(1 - _names_wrong(question, text, short))}
    found: dict[str, float] = {}
    if question.answers:
        brief = short or text
        found["f1"] = metrics.token_f1(brief, question.answers) if given else 0.0
        if question.answer_type != "long":
            found["em"] = metrics.exact_match(brief, question.answers) if given else 0.0
            found["contains"] = (
                metrics.contains(text, question.answers, short_answer=short) if given else 0.0
            )
            found["contains_anywhere"] = (
                metrics.groups_met(f"{text} \n {short or ''}", [question.answers]) if given else 0.0
            )
            found["short_contains"] = (
                metrics.contains(short or "", question.answers) if given else 0.0
            )
        if question.answer_type == "numeric":
            found["numeric"] = metrics.numeric_match(brief, question.answers) if given else 0.0
    if question.all_of:
        met = metrics.groups_met(f"{text} \n {short or ''}", question.all_of) if given else 0.0
        found["all_of"], found["all_of_complete"] = met, float(met == 1)
        if question.answer_type == "list":
            items = _items(answer) if given else []
            score = metrics.list_score(items, question.all_of)
            found["list_precision"], found["list_recall"] = score.precision, score.recall
            found["list_f1"] = score.f1
    if question.answer_type == "list" and question.all_of:
        found["answer_correct"] = found["all_of_complete"]
    elif question.answers and question.answer_type != "long":
        found["answer_correct"] = max(found["em"], found["contains"], found.get("numeric", 0.0))
    if given:
        found["answer_tokens"] = float(len(tokens(text)))
        if question.must_not:
            found["no_wrong_answer"] = 1 - _names_wrong(question, text, short)
    if question.all_of:
        found["strict"] = float(
            given
            and found["all_of_complete"] == 1
            and not (question.must_not and _names_wrong(question, text, short))
        )
    return {name: Share(value) for name, value in found.items()}


def _choice(question: Question, record: Record, answer: Record) -> dict[str, Share]:
    """Score the choice that the answer speaks for; an abstention leaves the passages to speak."""
    if not question.choices:
        return {}
    texts = [answer.get("short_answer") or ""]
    if not answer["abstained"]:
        texts += [statement["text"] for statement in answer["statements"]]
    texts += [passage["text"] for passage in record["passages"]]
    number = metrics.chosen(question.choices, texts)
    return {"choice": Share(number is not None and question.choices[number] in question.answers)}


def _names_wrong(question: Question, text: str, short: str | None) -> float:
    return metrics.groups_met(f"{text} \n {short or ''}", [question.must_not])


_MARKER = re.compile(r"\[(\d+)\]")


def _citations(question: Question, record: Record, answer: Record) -> dict[str, Share]:
    if answer["abstained"]:
        cites = _cites_gold(record, answer) if question.answerable is True else None
        return (
            {}
            if cites is None
            else dict.fromkeys(("cites_gold", "cited_evidence", "sources_cited"), Share(0))
        )
    passages = {passage["passage_id"]: passage for passage in record["passages"]}
    by_number = {citation["number"]: citation for citation in answer["citations"]}
    markers = [n for statement in answer["statements"] for n in statement["citations"]]
    # The text may carry markers that no statement lists, as a language model writes them.
    listed = set(markers)
    markers += [n for n in map(int, _MARKER.findall(answer["text"])) if n not in listed]
    counts: dict[str, Share] = {}
    if markers:
        valid = sum(_resolves(by_number.get(number), passages) for number in markers)
        counts["citation_valid"] = Share(valid, len(markers))
    counts |= _quotes(record, answer, by_number, passages)
    gold = _gold(record)
    statements = []
    for statement in answer["statements"]:
        cited = [by_number[n] for n in statement["citations"] if n in by_number]
        right = bool(question.answers) and bool(
            metrics.contains(statement["text"], question.answers, short_answer="-")
        )
        statements.append(
            CitedStatement(
                statement["text"],
                tuple(citation["quote"] for citation in cited),
                tuple(
                    right and any(metrics.relevant(place_of(citation), e) for e in gold)
                    for citation in cited
                ),
            )
        )
    score = metrics.citation_score(statements)
    if score.statements:
        counts["citation_recall"] = Share(score.supported, score.statements)
        counts["citation_coverage"] = Share(score.cited, score.statements)
        counts["citations_per_statement"] = Share(score.citations, score.statements)
    if score.citations:
        counts["citation_precision"] = Share(score.needed, score.citations)
    cites = _cites_gold(record, answer)
    if cites is not None and question.answerable is True:
        counts["cites_gold"] = Share(cites)
        places = [place_of(c) for c in answer["citations"]]
        counts["cited_evidence"] = Share(metrics.coverage(places, gold))
        files = {evidence.path for evidence in gold}
        counts["sources_cited"] = Share(
            sum(any(place.path == file for place in places) for file in files) / len(files)
        )
    return counts


def _resolves(citation: Record | None, passages: Mapping[str, Record]) -> bool:
    if citation is None or citation["passage_id"] not in passages:
        return False
    passage = passages[citation["passage_id"]]
    return bool(
        passage["path"] == citation["path"]
        and passage["start"] <= citation["start"]
        and citation["end"] <= passage["end"]
    )


def _quotes(
    record: Record,
    answer: Record,
    by_number: Mapping[int, Record],
    passages: Mapping[str, Record],
) -> dict[str, Share]:
    """Check every quote shown: citations against the articles, quotation marks against those."""
    exact = loose = shown = sound = 0
    for citation, found in zip(answer["citations"], record["found"], strict=True):
        shown += 1
        exact += metrics.faithful(citation["quote"], found["indexed"])
        loose += metrics.loosely_faithful(citation["quote"], found["indexed"])
        sound += citation["file_state"] != "same" or metrics.faithful(
            citation["quote"], found["on_disk"]
        )
    counts: dict[str, Share] = {}
    if shown:
        counts["offset_integrity"] = Share(sound, shown)
    for statement in answer["statements"]:
        cited = [by_number[n] for n in statement["citations"] if n in by_number]
        texts = [c["quote"] for c in cited] + [
            passages[c["passage_id"]]["text"] for c in cited if c["passage_id"] in passages
        ]
        for quote in quoted_spans(statement["text"]):
            shown += 1
            exact += metrics.stands_in_one(quote, texts)
            loose += metrics.stands_in_one(quote, texts, loose=True)
    if shown:
        counts["quote_faithful"] = Share(exact, shown)
        counts["quote_faithful_loose"] = Share(loose, shown)
    return counts


def support_tests(records: Iterable[Record]) -> dict[str, int]:
    """Return how many statements each support test decided for, to be published with recall."""
    totals = {"gold": 0, "lexical": 0, "none": 0}
    for record in records:
        answer = record.get("answer")
        if record.get("error") or not answer or answer["abstained"]:
            continue
        question = Question.model_validate(record["question"])
        by_number = {citation["number"]: citation for citation in answer["citations"]}
        gold = _gold(record)
        for statement in answer["statements"]:
            cited = [by_number[n] for n in statement["citations"] if n in by_number]
            right = bool(question.answers) and bool(
                metrics.contains(statement["text"], question.answers, short_answer="-")
            )
            if right and any(metrics.relevant(place_of(c), e) for c in cited for e in gold):
                totals["gold"] += 1
            elif cited and metrics.supports(
                statement["text"], "\n".join(c["quote"] for c in cited)
            ):
                totals["lexical"] += 1
            else:
                totals["none"] += 1
    return totals


def _cites_gold(record: Record, answer: Record) -> float | None:
    gold = _gold(record)
    if not gold:
        return None
    return float(any(metrics.relevant(place_of(c), e) for c in answer["citations"] for e in gold))


def _abstention(question: Question, answer: Record) -> dict[str, Share]:
    if question.answerable is None:
        return {}
    declined, due = bool(answer["abstained"]), question.answerable is False
    found: dict[str, Share] = {}
    if declined:
        found["abstain_precision"] = Share(due)
    if due:
        found["abstain_recall"] = Share(declined)
        found["hallucination"] = Share(not declined)
        if question.kind:
            found[f"abstain_recall_{question.kind}"] = Share(declined)
    else:
        found["over_refusal"] = Share(declined)
    return found


def _conflict(question: Question, record: Record, answer: Record) -> dict[str, Share]:
    found: dict[str, Share] = {}
    if question.disagreement:
        found["disagreement_kind"] = Share(answer["disagreement"] == question.disagreement)
    if not question.readings:
        return found
    places = [None if p is None else place_of(p) for p in record["gold"]["readings"]]
    gold = [
        Value(reading.value, reading.as_of, place)
        for reading, place in zip(question.readings, places, strict=True)
    ]
    by_number = {citation["number"]: citation for citation in answer["citations"]}
    shown = [
        Value(
            reading["value"],
            reading["as_of"],
            place_of(by_number[reading["citation"]]) if reading["citation"] in by_number else None,
        )
        for reading in answer["readings"]
    ]
    score = metrics.reading_score(gold, shown, accept=question.accept, forbidden=question.reject)
    found["reading_recall"] = Share(score.found, score.gold)
    found["reading_value_recall"] = Share(score.values_found, score.values)
    if score.shown:
        found["reading_precision"] = Share(score.right, score.shown)
    return found


# --- figures over all questions -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run.

    Attributes:
        n: Questions that have a say in it.
        low, high: 95 % interval; None for figures of the whole that have none.
        method: Of the interval: ``wilson``, ``bootstrap`` (clustered by document) or ``none``.
    """

    name: str
    value: float
    n: int
    low: float | None
    high: float | None
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as ``run.json`` holds it."""
        return {
            "value": round(self.value, 6),
            "n": self.n,
            "low": None if self.low is None else round(self.low, 6),
            "high": None if self.high is None else round(self.high, 6),
            "method": self.method,
        }


def figures(
    records: Sequence[Record], scores: Sequence[Mapping[str, Share]], *, intervals: bool = True
) -> dict[str, Figure]:
    """Return every figure that the questions have a say in, in the order of :data:`METRICS`.

    Args:
        records: One per question; errors add nothing.
        scores: What :func:`score` gave for them.
        intervals: Whether to compute intervals (the bootstrap takes a moment).
    """
    clusters = [Question.model_validate(record["question"]).cluster for record in records]
    found: dict[str, Figure] = {}
    for metric in METRICS.values():
        rows = [
            (row[metric.name], cluster)
            for row, cluster in zip(scores, clusters, strict=True)
            if metric.name in row
        ]
        if rows:
            found[metric.name] = _figure(metric, rows, intervals=intervals)
    judged = judged_answers(records)
    if judged:
        found["aurc"] = Figure("aurc", metrics.aurc(judged), len(judged), None, None, "none")
        found["ece"] = Figure(
            "ece", metrics.calibration_error(judged), len(judged), None, None, "none"
        )
        by_chance = metrics.calibration_error_by_chance(judged)
        found["ece_by_chance"] = Figure("ece_by_chance", by_chance, len(judged), None, None, "none")
    if "abstain_recall" in found:
        recall = found["abstain_recall"]
        precision = found["abstain_precision"].value if "abstain_precision" in found else 0.0
        both = precision + recall.value
        f1 = 2 * precision * recall.value / both if both else 0.0
        found["abstain_f1"] = Figure("abstain_f1", f1, recall.n, None, None, "none")
    return {name: found[name] for name in METRICS if name in found}


def _figure(metric: Metric, rows: list[tuple[Share, str]], *, intervals: bool) -> Figure:
    shares, clusters = [share for share, _ in rows], [cluster for _, cluster in rows]
    value = ratio(shares)
    if not intervals:
        return Figure(metric.name, value, len(rows), None, None, "none")
    if metric.each == "question":
        interval = wilson(math.fsum(share.numerator for share in shares), len(shares))
    else:
        interval = bootstrap(shares, clusters)
    return Figure(metric.name, value, len(rows), interval.low, interval.high, interval.method)


def judged_answers(records: Iterable[Record]) -> list[Judged]:
    """Return confidence and rightness of every question that was answered and can be judged."""
    judged = []
    for record in records:
        answer = record.get("answer")
        if record.get("error") or not answer or answer["abstained"]:
            continue
        right = is_right(Question.model_validate(record["question"]), record)
        if right is not None:
            judged.append(Judged(answer["confidence"], right))
    return judged
