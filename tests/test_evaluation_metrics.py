"""Each metric has an example worked by hand; retrieval metrics equal ir-measures to 1e-9."""

from __future__ import annotations

import collections
import math
import random
import re
import string
import warnings

import pytest

from rag.evaluation import metrics
from rag.evaluation.metrics import CitedStatement, Judged, Place, Value

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import ir_measures
    from ir_measures import RR, Success, nDCG


A, B, C = Place("a", 0, 100), Place("a", 100, 200), Place("b", 0, 100)


# --- retrieval ------------------------------------------------------------------------------


def test_a_passage_is_relevant_when_it_holds_half_of_the_evidence() -> None:
    assert metrics.relevant(A, Place("a", 90, 110))
    assert not metrics.relevant(A, Place("a", 91, 111))
    assert not metrics.relevant(C, Place("a", 10, 20))


def test_strictly_a_passage_is_relevant_when_it_holds_all_of_the_evidence() -> None:
    assert not metrics.relevant(A, Place("a", 90, 110), strict=True)
    assert metrics.relevant(A, Place("a", 90, 100), strict=True)


def test_evidence_without_offsets_is_held_by_every_passage_of_its_article() -> None:
    assert metrics.relevant(B, Place("a"))
    assert not metrics.relevant(C, Place("a"))


def test_a_hit_at_k_looks_at_the_first_k_only() -> None:
    evidence = [Place("b", 10, 20)]

    assert metrics.hit_at([A, B, C], evidence, 2) == 0
    assert metrics.hit_at([A, B, C], evidence, 3) == 1


def test_the_reciprocal_rank_is_of_the_first_relevant_passage() -> None:
    assert metrics.mrr_at([A, B, C], [Place("b", 10, 20)], 10) == pytest.approx(1 / 3)
    assert metrics.mrr_at([A, B, C], [Place("z", 10, 20)], 10) == 0


def test_gain_is_discounted_by_rank_and_evidence_is_credited_once() -> None:
    evidence = [Place("a", 10, 20), Place("b", 10, 20)]

    # Credited at ranks 2 (a) and 4 (b); ideal at 1 and 2. The second passage on a adds nothing.
    found = metrics.ndcg_at([Place("z", 0, 9), A, Place("a", 5, 60), C], evidence, 10)

    best = 1 + 1 / math.log2(3)
    assert found == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best)


def test_overlapping_passages_cannot_inflate_the_gain() -> None:
    once = metrics.ndcg_at([A], [Place("a", 10, 20)], 10)
    many = metrics.ndcg_at([A, Place("a", 5, 60), Place("a", 0, 30)], [Place("a", 10, 20)], 10)

    assert once == many == 1


def test_a_passage_that_brings_all_evidence_at_once_is_the_best_there_is() -> None:
    assert metrics.ndcg_at([A], [Place("a", 10, 20), Place("a", 30, 40)], 10) == 1


def test_evidence_recall_counts_covered_characters_once() -> None:
    evidence = [Place("a", 50, 150)]

    assert metrics.evidence_recall_at([A], evidence, 5) == 0.5
    assert metrics.evidence_recall_at([A, Place("a", 40, 120)], evidence, 5) == 0.7
    assert metrics.evidence_recall_at([A, B], evidence, 5) == 1


def test_context_precision_is_the_evidence_share_of_what_was_retrieved() -> None:
    assert metrics.context_precision_at([A, C], [Place("a", 50, 70)], 5) == pytest.approx(0.1)


def test_all_evidence_asks_for_every_piece() -> None:
    evidence = [Place("a", 10, 20), Place("b", 10, 20)]

    assert metrics.all_evidence_at([A, B], evidence, 5) == 0
    assert metrics.all_evidence_at([A, B, C], evidence, 5) == 1


def test_without_evidence_there_is_no_figure() -> None:
    with pytest.raises(ValueError, match="evidence"):
        metrics.hit_at([A], [], 5)
    with pytest.raises(ValueError, match="characters"):
        metrics.evidence_recall_at([A], [Place("a")], 5)


@pytest.mark.parametrize("seed", range(20))
def test_retrieval_figures_equal_those_of_ir_measures(seed: int) -> None:
    dice = random.Random(seed)
    documents = [f"d{n}" for n in range(30)]
    ranked = dice.sample(documents, 20)
    relevant = dice.sample(documents, dice.randint(1, 6))
    gains = {name: dice.randint(1, 3) for name in relevant}
    run = [ir_measures.ScoredDoc("q", name, 100.0 - at) for at, name in enumerate(ranked)]
    binary = [ir_measures.Qrel("q", name, 1) for name in relevant]
    graded = [ir_measures.Qrel("q", name, gain) for name, gain in gains.items()]
    chunks, evidence = [Place(n, 0, 10) for n in ranked], [Place(n, 0, 10) for n in relevant]

    for k in (1, 3, 5, 10):
        theirs = ir_measures.calc_aggregate([Success @ k, RR @ k, nDCG @ k], binary, run)
        assert metrics.hit_at(chunks, evidence, k) == pytest.approx(theirs[Success @ k], abs=1e-9)
        assert metrics.mrr_at(chunks, evidence, k) == pytest.approx(theirs[RR @ k], abs=1e-9)
        assert metrics.ndcg_at(chunks, evidence, k) == pytest.approx(theirs[nDCG @ k], abs=1e-9)
        by_grade = ir_measures.calc_aggregate([nDCG @ k], graded, run)[nDCG @ k]
        assert metrics.graded_ndcg_at(ranked, gains, k) == pytest.approx(by_grade, abs=1e-9)


# --- answers --------------------------------------------------------------------------------


def _squad(prediction: str, golds: list[str]) -> tuple[float, float]:
    """EM and F1 after the published definition of the SQuAD 2.0 script, written apart."""

    def plain(text: str) -> list[str]:
        lowered = "".join(ch for ch in text.lower() if ch not in string.punctuation)
        return re.sub(r"\b(a|an|the)\b", " ", lowered).split()

    def f1(one: list[str], two: list[str]) -> float:
        if not one or not two:
            return float(one == two)
        same = sum((collections.Counter(one) & collections.Counter(two)).values())
        return 2 * same / (len(one) + len(two)) if same else 0.0

    return (
        max(float(plain(prediction) == plain(gold)) for gold in golds),
        max(f1(plain(prediction), plain(gold)) for gold in golds),
    )


@pytest.mark.parametrize(
    ("prediction", "golds"),
    [
        ("1976", ["1976"]),
        ("the Denver Broncos", ["Denver Broncos", "Broncos"]),
        ("in the 10th and 11th centuries", ["10th and 11th centuries"]),
        ("Rollo, a Viking", ["Rollo"]),
        ("", ["France"]),
        ("Santa Clara, California.", ["Levi's Stadium", "Santa Clara"]),
        ("cease-fire of 60 days", ["60 days"]),
    ],
)
def test_exact_match_and_f1_equal_the_squad_script(prediction: str, golds: list[str]) -> None:
    em, f1 = _squad(prediction, golds)

    assert metrics.exact_match(prediction, golds) == em
    assert metrics.token_f1(prediction, golds) == pytest.approx(f1, abs=1e-9)


def test_f1_is_the_harmonic_mean_of_token_precision_and_recall() -> None:
    # One of two words right, one of one found: 2 x 0.5 x 1 / 1.5.
    assert metrics.token_f1("about 50", ["50"]) == pytest.approx(2 / 3)


def test_an_answer_contains_gold_as_whole_tokens() -> None:
    assert metrics.contains("More than 120 hostages remain.", ["120"]) == 1
    assert metrics.contains("In 2019 it ended.", ["1"]) == 0


def test_a_long_answer_contains_gold_only_with_a_short_answer_line() -> None:
    long = "word " * 61 + "50"

    assert metrics.contains(long, ["50"]) == 0
    assert metrics.contains(long, ["50"], short_answer="50") == 1
    assert metrics.groups_met(long, [["50"]]) == 1


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("about 1,000 prisoners", "1000", 1),
        ("1,004 people", "1,000", 1),
        ("1,006 people", "1,000", 0),
        ("$3.4 million", "3,400,000 dollars", 1),
        ("12 %", "12 days", 0),
        ("up to 60 days", "60 days", 1),
        ("On July 24, 2025, 50 remained", "50", 1),
        ("nothing", "50", 0),
    ],
)
def test_numbers_match_within_half_a_percent_and_a_compatible_unit(
    answer: str, gold: str, right: float
) -> None:
    assert metrics.numeric_match(answer, [gold]) == right


def test_a_list_is_scored_by_items_with_aliases() -> None:
    score = metrics.list_score(
        ["Qatar", "Egypt", "France"], [["Qatar"], ["Egypt"], ["United States", "U.S."]]
    )

    assert score.precision == pytest.approx(2 / 3)
    assert score.recall == pytest.approx(2 / 3)
    assert score.f1 == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        (["Qatar"], 1),
        (["", "Doha is in Qatar, not in Egypt.", "The talks were in Egypt."], 2),
        (["", "It was in Qatar or Egypt."], None),
        (["", "The kingdom of the Saudis bought toys."], None),
        (["", "Arabia, the Saudi kingdom, banned them."], 0),
        (["", "Nothing of the kind."], None),
    ],
)
def test_the_choice_is_the_one_that_the_first_clear_words_speak_for(
    texts: list[str], number: int | None
) -> None:
    assert metrics.chosen(["Saudi Arabia", "Qatar", "Egypt"], texts) == number


def test_groups_are_met_by_any_of_their_alternatives() -> None:
    assert metrics.groups_met("Qatar and the U.S.", [["Qatar"], ["Egypt"], ["US"]]) == (
        pytest.approx(2 / 3)
    )


# --- citations ------------------------------------------------------------------------------

WORDS = "About 50 hostages remain in Hamas captivity, Israeli officials say."


def test_words_support_what_they_say_and_not_another_number_or_name() -> None:
    assert metrics.supports("Officials say that 50 hostages remain in captivity.", WORDS)
    assert not metrics.supports("Officials say that 60 hostages remain in captivity.", WORDS)
    assert not metrics.supports("About 50 hostages remain in Hezbollah captivity.", WORDS)
    assert not metrics.supports("The weather in the mountains will be fine tomorrow.", WORDS)


def test_citation_recall_counts_supported_sentences() -> None:
    score = metrics.citation_score(
        [
            CitedStatement(WORDS, (WORDS,)),
            CitedStatement("The talks ended in Doha.", (WORDS,)),
            CitedStatement("Nothing is cited here at all.", ()),
        ]
    )

    assert (score.supported, score.statements, score.cited) == (1, 3, 2)
    assert score.by_test == {"lexical": 1}


def test_citation_precision_counts_citations_that_are_needed() -> None:
    score = metrics.citation_score(
        [CitedStatement(WORDS, (WORDS, "A sentence about something else."))]
    )

    assert (score.needed, score.citations) == (1, 2)


def test_two_citations_that_only_together_support_are_both_needed() -> None:
    score = metrics.citation_score(
        [
            CitedStatement(
                "Witkoff left Doha while 50 hostages remain.",
                ("Mr. Witkoff left Doha on Thursday.", "Some 50 hostages remain captive."),
            )
        ]
    )

    assert (score.supported, score.needed, score.citations) == (1, 2, 2)


def test_gold_evidence_supports_before_the_lexical_test_is_asked() -> None:
    score = metrics.citation_score([CitedStatement("Fifty.", ("About 50 remain.",), (True,))])

    assert score.by_test == {"gold": 1}


def test_a_quote_is_faithful_only_to_the_letter() -> None:
    assert metrics.faithful("“not serious.”", "“not serious.”")
    assert not metrics.faithful("“not serious.”", '"not serious."')
    assert metrics.loosely_faithful("“not  serious.”", '"not serious."')
    assert not metrics.faithful("x", None)


def test_a_quote_may_not_span_two_sources() -> None:
    assert metrics.stands_in_one("a b", ["x a b y"])
    assert not metrics.stands_in_one("a b", ["x a", "b y"])


# --- confidence -----------------------------------------------------------------------------

FOUR = [Judged(0.9, True), Judged(0.8, True), Judged(0.6, False), Judged(0.4, True)]


def test_the_risk_coverage_curve_falls_back_on_the_surest_answers() -> None:
    assert metrics.risk_coverage(FOUR, 5) == [
        (0.2, 0.0),
        (0.4, 0.0),
        (0.6, pytest.approx(1 / 3)),
        (0.8, 0.25),
    ]


def test_the_area_is_the_mean_risk_over_coverages() -> None:
    assert metrics.aurc(FOUR) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)


def test_answers_of_equal_confidence_have_no_order() -> None:
    one = [Judged(0.5, True), Judged(0.5, False)]

    assert metrics.aurc(one) == metrics.aurc(one[::-1]) == 0.5


def test_calibration_error_is_the_gap_between_confidence_and_rightness() -> None:
    assert metrics.calibration_error([Judged(0.8, True)] * 4 + [Judged(0.8, False)]) == (
        pytest.approx(0.0)
    )
    assert metrics.calibration_error([Judged(0.9, False)] * 3) == pytest.approx(0.9)


def test_a_band_includes_its_upper_bound() -> None:
    bins = metrics.calibration_bins([Judged(0.0, False), Judged(0.3, True), Judged(0.7, True)])

    assert [(band.low, band.high) for band in bins] == [(0.0, 0.1), (0.2, 0.3), (0.6, 0.7)]


def test_the_calibration_error_of_few_answers_is_not_nought_even_by_exact_confidences() -> None:
    few = [Judged(0.5, True)] * 4
    # Of four coins the mean of |heads - 2| is 0.75: 0.1875 an answer.
    assert metrics.calibration_error_by_chance(few) == pytest.approx(0.1875, abs=0.02)
    assert metrics.calibration_error_by_chance(few * 400) == pytest.approx(0.01, abs=0.002)
    assert metrics.calibration_error_by_chance([Judged(1.0, False), Judged(0.0, True)]) == 0.0
    with pytest.raises(ValueError, match="no answers"):
        metrics.calibration_error_by_chance([])


# --- readings -------------------------------------------------------------------------------


def test_a_reading_needs_the_right_value_date_and_citation() -> None:
    gold = Value("more than 120", "2024-06", Place("a", 10, 50))

    assert metrics.reading_matches(gold, Value("120", "2024-06", Place("a", 0, 60)))
    assert not metrics.reading_matches(gold, Value("121", "2024-06", Place("a", 0, 60)))
    assert not metrics.reading_matches(gold, Value("120", "2025-06", Place("a", 0, 60)))
    assert not metrics.reading_matches(gold, Value("120", "2024-06", Place("b", 0, 60)))
    assert not metrics.reading_matches(gold, Value("120", None, Place("a", 0, 60)))


def test_readings_are_scored_both_ways() -> None:
    gold = [Value("50", None, None), Value("120", None, None), Value("50 people", None, None)]
    shown = [Value("about 50", None, None), Value("27", None, None), Value("100", None, None)]

    score = metrics.reading_score(gold, shown, accept=["100"], forbidden=["27"])

    assert (score.found, score.gold) == (2, 3)
    assert (score.values_found, score.values) == (1, 2)
    assert (score.right, score.shown) == (2, 3)
