"""A verdict on a statement and its words, by the rules and by a reader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import rag
from rag import support
from rag.citations import check as check_by_rules
from rag.errors import ReaderError, ReaderWeightsError
from rag.generative import Evidence
from rag.passages import split_passages
from rag.schema import Article, Passage
from rag.support import check_with, read_as

PLANT = (
    "Harlow Motors will close its plant in Denby by the end of 2026 and move production of its "
    "electric vans to Slovakia, the company announced on Friday. About 1,900 workers are affected."
)
REWORDED = "Harlow Motors intends to give up its factory in Denby, the company announced."


class SetReader:
    """Gives the same chances for every pair and counts what it is asked."""

    def __init__(self, *chances: float) -> None:
        self.chances = chances
        self.asked: list[tuple[str, str]] = []

    def support(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        self.asked.extend(pairs)
        return np.array([self.chances] * len(pairs), dtype=np.float32)


class BrokenReader:
    def support(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        raise ReaderError("The reader gave no number.", remedy="Install it again.")


SURE = (0.98, 0.01, 0.01)
AGAINST = (0.01, 0.03, 0.96)


@pytest.fixture(autouse=True)
def _plain_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe the reader as it is, whatever was fitted."""
    monkeypatch.setattr(support, "WEIGHTS", {"reader: supported": 1.0})
    monkeypatch.setattr(support, "SUPPORTED_FROM", 0.8)
    monkeypatch.setattr(support, "STILL_SUPPORTED_FROM", 0.2)


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> SetReader:
    """A reader in place of the shipped one."""
    reader = SetReader(*SURE)
    holder = support._Shipped()
    monkeypatch.setattr(support, "_shipped", holder)
    monkeypatch.setattr(support.Reader, "load", lambda: reader)
    return reader


def test_what_is_said_in_other_words_is_supported_where_the_reader_is_sure() -> None:
    rules = check_by_rules(REWORDED, PLANT)

    found = check_with(SetReader(*SURE), REWORDED, PLANT)

    assert rules.verdict in ("partly", "unsupported")
    assert found.verdict == "supported"
    assert found.reasons == ()


def test_a_reader_that_is_not_sure_changes_nothing() -> None:
    rules = check_by_rules(REWORDED, PLANT)

    assert check_with(SetReader(0.4, 0.4, 0.2), REWORDED, PLANT) == rules


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("Harlow Motors intends to give up its factory in Denby by 2024.", "2024"),
        ("Harlow Motors intends to give up its factory in Corran.", "Corran"),
        ("“We are done,” the company said about its plant in Denby.", "quotation marks"),
        ("The union announced that Harlow Motors will close its plant in Denby.", "say"),
    ],
)
def test_no_reader_makes_good_a_number_name_quote_or_speaker_that_the_words_lack(
    statement: str, reason: str
) -> None:
    reader = SetReader(*SURE)

    found = check_with(reader, statement, PLANT)

    assert found.verdict == "unsupported"
    assert any(reason in line for line in found.reasons)
    assert reader.asked == []


@pytest.mark.parametrize(
    ("statement", "words", "doubt"),
    [
        ("The plant employs 2,900 people.", "The plant employs about 2,900 people.", "hedge"),
        ("The company closes the plant.", "The company closed the plant.", "tense"),
        ("The average ransom was $2.6 million.", "The ransom was $2.6 million.", "measure"),
    ],
)
def test_in_hedge_tense_and_kind_of_amount_no_reader_is_believed(
    statement: str, words: str, doubt: str
) -> None:
    assert check_by_rules(statement, words).doubts >= {doubt}

    found = check_with(SetReader(*SURE), statement, words)

    assert (found.verdict, bool(found.reasons)) == ("partly", True)


def test_words_that_say_otherwise_take_back_what_the_rules_let_pass() -> None:
    statement = "Harlow Motors will close its plant in Denby, the company announced."
    assert check_by_rules(statement, PLANT).verdict == "supported"

    found = check_with(SetReader(*AGAINST), statement, PLANT)

    assert found.verdict == "partly"
    assert found.reasons == ("The cited words seem to say otherwise.",)


def test_a_statement_that_loses_its_speaker_is_told_so_even_by_a_sure_reader() -> None:
    words = "The factory in Denby is to be given up for good, union leaders said."

    found = check_with(SetReader(*SURE), "The factory in Denby is finally to be given up.", words)

    assert found.verdict == "partly"
    assert found.reasons == ("The source says who says so; the statement does not.",)


def test_a_quote_needs_no_reader(shipped: SetReader) -> None:
    assert rag.check("About 1,900 workers are affected.", PLANT).verdict == "quoted"
    assert shipped.asked == []


def test_the_shipped_reader_is_heard(shipped: SetReader) -> None:
    assert rag.check(REWORDED, PLANT).verdict == "supported"
    assert shipped.asked == [(REWORDED, PLANT)]


def test_without_weights_the_rules_decide_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []

    def fail() -> None:
        loads.append(1)
        raise ReaderWeightsError("There are no weights.", remedy="Install them.")

    monkeypatch.setattr(support, "_shipped", support._Shipped())
    monkeypatch.setattr(support.Reader, "load", fail)

    for _ in range(2):
        assert rag.check(REWORDED, PLANT) == check_by_rules(REWORDED, PLANT)
    assert len(loads) == 1


def test_a_reader_that_breaks_leaves_the_rules_verdict() -> None:
    assert check_with(BrokenReader(), REWORDED, PLANT) == check_by_rules(REWORDED, PLANT)


def test_of_several_sentences_the_least_supported_gives_the_verdict(shipped: SetReader) -> None:
    found = rag.check(f"About 1,900 workers are affected. {REWORDED}", PLANT)
    wrong = rag.check("About 1,900 workers are affected. It was founded in 1907.", PLANT)

    assert found.verdict == "supported"
    assert wrong.verdict == "unsupported"
    assert "The number 1907 is not in the cited words." in wrong.reasons


def test_of_a_long_article_the_closest_sentences_are_read() -> None:
    article = "\n".join(f"The weather on day {n} was mild and dry in the hills." for n in range(60))

    ((_, words),) = read_as(REWORDED, f"{article}\n{PLANT}\n{article}")

    assert "Harlow Motors will close its plant" in words
    assert len(words.split()) <= support.MOST_WORDS


def test_a_statement_is_found_in_the_middle_of_a_long_article() -> None:
    filler = "\n".join(f"The weather on day {n} was mild and dry in the hills." for n in range(60))

    found = rag.check("About 1,900 workers are affected.", f"{filler}\n{PLANT}\n{filler}")

    assert found.verdict == "quoted"


# --- a language model's sentences -----------------------------------------------------------------


def passages() -> list[Passage]:
    return split_passages(Article("denby.txt", PLANT, "Plant in Denby"))


def test_a_models_sentence_in_other_words_is_bound_to_what_the_reader_finds() -> None:
    reader = SetReader(*SURE)

    found = Evidence(passages(), reader=reader).check(REWORDED)

    assert Evidence(passages()).check(REWORDED).verdict != "supported"
    assert found.verdict == "supported"
    assert found.places[0].quote.startswith("Harlow Motors will close its plant")


def test_a_models_wrong_number_is_struck_however_sure_the_reader_is() -> None:
    reader = SetReader(*SURE)

    found = Evidence(passages(), reader=reader).check("The closure hits some 2,900 workers.")

    assert found.verdict == "unsupported"
    assert reader.asked == []


def test_a_models_sentence_is_judged_by_rules_where_the_reader_breaks() -> None:
    by_rules = Evidence(passages()).check(REWORDED)

    assert Evidence(passages(), reader=BrokenReader()).check(REWORDED) == by_rules
