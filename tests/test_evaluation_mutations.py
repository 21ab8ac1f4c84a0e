"""The figures fall when an answer is spoilt: a check of the metrics that needs no judge.

A run over the seeds is taken as it came, its records are altered, and the figures computed anew.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rag
from rag.evaluation import Run, run

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def honest(seeds_archive: rag.Archive) -> Run:
    return run(seeds_archive, ROOT / "tests" / "questions" / "seeds.jsonl")


def _spoilt(honest: Run, alter: Callable[[list[dict[str, Any]]], None]) -> dict[str, float]:
    records = copy.deepcopy(list(honest.records))
    alter(records)  # type: ignore[arg-type]
    return {name: figure.value for name, figure in Run.of({}, records).figures.items()}


def _answers(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r["answer"] for r in records if not r["answer"]["abstained"]]


def test_every_quote_of_the_system_is_to_the_letter(honest: Run) -> None:
    for name in ("citation_valid", "quote_faithful", "offset_integrity", "citation_coverage"):
        assert honest.figures[name].value == 1, name


def _alter_digits(records: list[dict[str, Any]], *, most: int) -> None:
    altered = 0
    for answer in _answers(records):
        for citation in answer["citations"]:
            digit = re.search(r"\d", citation["quote"])
            if digit is not None and altered < most:
                other = str((int(digit.group()) + 1) % 10)
                quote = citation["quote"]
                citation["quote"] = quote[: digit.start()] + other + quote[digit.end() :]
                altered += 1


def test_one_altered_digit_in_a_quote_lowers_faithfulness(honest: Run) -> None:
    spoilt = _spoilt(honest, lambda records: _alter_digits(records, most=1))

    assert spoilt["quote_faithful"] < 1
    assert spoilt["quote_faithful_loose"] < 1
    assert spoilt["offset_integrity"] < 1


def test_altered_digits_no_longer_support_their_statements(honest: Run) -> None:
    spoilt = _spoilt(honest, lambda records: _alter_digits(records, most=1000))

    assert spoilt["citation_recall"] < honest.figures["citation_recall"].value - 0.1


def test_citations_swapped_between_answers_lose_half_of_the_recall(honest: Run) -> None:
    def alter(records: list[dict[str, Any]]) -> None:
        answers = _answers(records)
        quotes = [[(c["quote"], c) for c in a["citations"]] for a in answers]
        for at, answer in enumerate(answers):
            other = quotes[(at + 7) % len(answers)]
            for number, citation in enumerate(answer["citations"]):
                words, was = other[number % len(other)]
                citation.update(quote=words, path=was["path"], start=0, end=1)

    spoilt = _spoilt(honest, alter)

    assert spoilt["citation_recall"] <= honest.figures["citation_recall"].value - 0.5
    assert spoilt["citation_precision"] <= honest.figures["citation_precision"].value - 0.5
    assert spoilt["citation_valid"] < 1
    assert spoilt["quote_faithful"] < 0.5
    assert spoilt["cites_gold"] < honest.figures["cites_gold"].value


def test_markers_that_lead_nowhere_lower_the_valid_rate(honest: Run) -> None:
    def alter(records: list[dict[str, Any]]) -> None:
        for answer in _answers(records):
            answer["statements"][0]["citations"] = [99]

    assert _spoilt(honest, alter)["citation_valid"] < 1


def test_empty_answers_get_nothing(honest: Run) -> None:
    def alter(records: list[dict[str, Any]]) -> None:
        for record in records:
            record["answer"].update(
                abstained=False, text="", statements=[], citations=[], readings=[],
                short_answer=None, disagreement=None, reason=None,
            )  # fmt: skip
            record["found"] = []

    spoilt = _spoilt(honest, alter)

    for name in ("answer_correct", "em", "f1", "contains_anywhere", "all_of", "cites_gold",
                 "sources_cited", "reading_recall"):  # fmt: skip
        assert spoilt[name] == 0, name
    assert spoilt["hallucination"] == 1
    assert "quote_faithful" not in spoilt  # no quote was shown: not applicable, not 0


def test_a_system_that_always_abstains_declines_all_and_answers_none(honest: Run) -> None:
    def alter(records: list[dict[str, Any]]) -> None:
        for record in records:
            record["answer"].update(
                abstained=True, text="No.", reason="No.", statements=[], citations=[],
                readings=[], short_answer=None, disagreement=None,
            )  # fmt: skip
            record["found"] = []

    spoilt = _spoilt(honest, alter)
    unanswerable = sum(r["question"].get("answerable") is False for r in honest.records)

    assert spoilt["abstain_recall"] == spoilt["over_refusal"] == 1
    assert spoilt["abstain_precision"] == pytest.approx(unanswerable / len(honest))
    assert spoilt["answer_correct"] == spoilt["cites_gold"] == 0
    assert "aurc" not in spoilt


def test_a_system_that_answers_everything_declines_none(honest: Run) -> None:
    def alter(records: list[dict[str, Any]]) -> None:
        donor = _answers(records)[0]
        found = next(r["found"] for r in records if not r["answer"]["abstained"])
        for record in records:
            if record["answer"]["abstained"]:
                record["answer"] = copy.deepcopy(donor)
                record["found"] = copy.deepcopy(found)

    spoilt = _spoilt(honest, alter)

    assert spoilt["abstain_recall"] == spoilt["over_refusal"] == spoilt["abstain_f1"] == 0
    assert spoilt["hallucination"] == 1
    assert "abstain_precision" not in spoilt
    assert spoilt["aurc"] > honest.figures["aurc"].value


def test_passages_in_reverse_lower_every_rank_figure(honest: Run) -> None:
    def alter(records: list[dict[str, Any]]) -> None:
        for record in records:
            record["passages"].reverse()

    spoilt = _spoilt(honest, alter)

    for name in ("hit@1", "hit@5", "mrr@10", "ndcg@10", "evidence_recall@5", "all_evidence@5"):
        assert spoilt[name] < honest.figures[name].value, name


def test_a_swapped_gold_answer_is_no_longer_right(honest: Run) -> None:
    def alter(records: list[dict[str, Any]]) -> None:
        for record in records:
            if record["question"].get("answers"):
                record["question"]["answers"] = ["Zanzibar 987654"]

    spoilt = _spoilt(honest, alter)

    assert spoilt["contains_anywhere"] == spoilt["em"] == spoilt["numeric"] == 0


def test_readings_with_another_date_or_value_are_not_found(honest: Run) -> None:
    def with_readings(value: str, as_of: str) -> Callable[[list[dict[str, Any]]], None]:
        def alter(records: list[dict[str, Any]]) -> None:
            record = next(r for r in records if r["id"] == "s01")
            gold = record["gold"]["readings"][2]
            citation = {**gold, "number": 1, "quote": "x", "passage_id": "p", "file_state": "same"}
            record["answer"].update(
                abstained=False,
                statements=[],
                citations=[citation],
                disagreement="over_time",
                readings=[{"value": value, "as_of": as_of, "as_of_kind": "stated",
                           "attribution": None, "citation": 1}],
            )  # fmt: skip
            record["found"] = [{"number": 1, "indexed": "x", "on_disk": "x"}]
            records[:] = [record]

        return alter

    assert _spoilt(honest, with_readings("120", "2024-06"))["reading_recall"] == pytest.approx(
        1 / 3
    )
    assert _spoilt(honest, with_readings("120", "2023-06"))["reading_recall"] == 0
    assert _spoilt(honest, with_readings("130", "2024-06"))["reading_recall"] == 0
    assert _spoilt(honest, with_readings("130", "2024-06"))["reading_precision"] == 0
