from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rag import reader as room
from rag.embedder import packaged_model_folder
from rag.errors import ModelUnavailableError, ReaderError, ReaderWeightsError
from rag.reader import FOLDER, HASHES, TOKENIZER, WEIGHTS, Reader, Window
from rag.schema import Span

QUESTION = "How many people died?"


class PointingSession:
    """Stands in for the model: points at one word; obeys its inputs and the shapes of outputs."""

    def __init__(self, word: str = "zebra", *, says=None) -> None:
        self.pieces = new_tokenizer().encode(word, add_special_tokens=False).ids
        self.says = says
        self.read: list[list[int]] = []

    def run(self, names, given):
        ids, mask = given["input_ids"], given["attention_mask"]
        assert names == ["span", "answers", "relevant", "support"]
        assert ids.shape == mask.shape == given["token_type_ids"].shape
        assert ids.shape[1] <= room.MAX_PIECES
        span = np.full((*ids.shape, 2), -5.0, dtype=np.float32)
        span[:, 0] = 0.0
        has = np.full(len(ids), -3.0, dtype=np.float32)
        support = np.tile(np.array([0.0, 4.0, 0.0], dtype=np.float32), (len(ids), 1))
        for row, pieces in enumerate(ids.tolist()):
            self.read.append(pieces[: int(mask[row].sum())])
            size = len(self.pieces)
            for at in range(len(pieces) - size + 1):
                if pieces[at : at + size] == self.pieces:
                    span[row, at, 0] = span[row, at + size - 1, 1] = 5.0
                    has[row] = 3.0
            if self.says:
                support[row] = self.says(self.read[-1])
        return [span, has, has.copy(), support]


class BrokenSession(PointingSession):
    """Gives one output that cannot be used."""

    def __init__(self, name: str, value: np.ndarray | float) -> None:
        super().__init__()
        self.at = ("span", "answers", "relevant", "support").index(name)
        self.value = value

    def run(self, names, given):
        made = super().run(names, given)
        if isinstance(self.value, float):
            made[self.at].flat[0] = self.value
        else:
            made[self.at] = self.value
        return made


def new_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(packaged_model_folder() / TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def pointing_at(word: str) -> Reader:
    return Reader(PointingSession(word), new_tokenizer())


TABLE = "| Camp | Dead |\n|---|---|\n" + "".join(f"| No. {n} | {n * 7} |\n" for n in range(400))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        (" " * 10_000, " " * 10_000),
        ("🚑👩‍👩‍👧 Ten \U0001f9d1\U0001f3fd‍\U0001f692 and ", " more 🇮🇱🇵🇸."),
        ("قال المسؤولون إن ", " شخصا قتلوا. אמר דובר"),
        (TABLE, TABLE),
        ("Café Zoë\u0301, naïve\u200b ﬁnance, İstanbul: ", "\r\n\u2028\x00\ufeff end"),
        ("a lone \ud83d surrogate, ", " \udc00"),
        ("新华社北京电：", "人遇难。"),
        ("x" * 3000 + " ", " " + "y" * 3000),
    ],
)
def test_the_words_that_answer_are_given_to_the_letter_in_any_text(before, after):
    text = f"{before}zebra{after}"

    (found,) = pointing_at("zebra").read(QUESTION, [Window("A title", text)])

    span, strength = found.best_span()
    assert span.within(text) == "zebra"
    assert span.start == len(before)
    assert strength > 0
    assert found.answers > 0
    assert found.relevance > 0.5


@pytest.mark.parametrize("place", [0, 1, 137, 190, 400, 1999, 2600, 2999])
def test_a_window_longer_than_the_model_is_read_to_its_last_word(place):
    words = [f"word{n % 10}" for n in range(3000)]
    words[place] = "zebra"
    text = " ".join(words)

    (found,) = pointing_at("zebra").read(QUESTION, [Window("A title", text)])

    assert found.best_span()[0].within(text) == "zebra"
    assert found.best_span()[0].start == len(" ".join(words[:place])) + (place > 0)
    assert found.answers > 0


def test_an_answer_that_lies_where_two_parts_meet_is_found_whole():
    answer = "the red lion of the northern hills and its seven golden stars"
    for place in range(180, 250, 5):
        text = "so " * place + answer + " and" * 200

        (found,) = pointing_at(answer).read(QUESTION, [Window("", text)])

        assert found.best_span()[0].within(text) == answer


def test_the_title_is_read_but_never_answered_from():
    session = PointingSession("zebra")

    (found,) = Reader(session, new_tokenizer()).read(
        QUESTION, [Window("The zebra", "A horse ran.")]
    )

    assert session.pieces[0] in session.read[0]
    span, strength = found.best_span()
    assert span.end <= len("A horse ran.")
    assert strength < 0


def test_each_part_of_a_long_window_is_read_under_its_title():
    session = PointingSession()

    Reader(session, new_tokenizer()).read(QUESTION, [Window("Ashkelon", "so " * 900)])

    title = new_tokenizer().encode("Ashkelon - ", add_special_tokens=False).ids
    assert len(session.read) > 3
    for pieces in session.read:
        after = pieces.index(102) + 1
        assert pieces[after : after + len(title)] == title


def test_the_model_sees_the_question_then_title_and_words_as_it_did_in_training():
    session = PointingSession()
    text = "Forty-two people (42) died on 7\u00a0October, U.S. officials said."

    Reader(session, new_tokenizer()).read(QUESTION, [Window("Aftermath: a \u00e9tude", text)])

    pair = new_tokenizer().encode(QUESTION, f"Aftermath: a \u00e9tude - {text}")
    assert session.read == [pair.ids]


def test_a_span_never_begins_or_ends_inside_a_word():
    text = "They spoke of antidisestablishmentarianism again."
    pieces = new_tokenizer().encode("antidisestablishmentarianism", add_special_tokens=False)
    session = PointingSession()
    session.pieces = pieces.ids[1:3]

    (found,) = Reader(session, new_tokenizer()).read(QUESTION, [Window("", text)])

    assert found.best_span()[0].within(text) == "antidisestablishmentarianism"


def test_only_words_inside_the_given_span_are_chosen():
    text = "A zebra ran. A horse slept. A zebra slept."
    (found,) = pointing_at("zebra").read(QUESTION, [Window("", text)])
    middle, last = Span(13, 27), Span(28, 42)

    assert last.start <= found.best_span(within=last)[0].start
    assert found.best_span(within=last)[0].within(text) == "zebra"
    assert middle.start <= found.best_span(within=middle)[0].start < middle.end
    assert found.strength(last) == found.best_span(within=last)[1] > 0 > found.strength(middle)
    assert found.best_span(within=Span(12, 13)) is None
    assert found.strength(Span(12, 13)) == -math.inf


def test_an_answer_is_no_longer_than_asked_for():
    (found,) = pointing_at("seven golden stars of the north").read(
        QUESTION, [Window("", "the seven golden stars of the north shone")]
    )

    assert len(found.best_span(max_pieces=2)[0].within(found.window.text).split()) <= 2


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u200b", " " * 10_000])
def test_where_there_are_no_words_nothing_is_chosen(text):
    (found,) = pointing_at("zebra").read(QUESTION, [Window("Zebra", text)])

    assert found.best_span() is None
    assert found.strength() == -math.inf


def test_each_window_gets_what_was_found_in_it_in_the_order_given():
    texts = [f"{'so ' * (37 * n % 500)}zebra number {n}" for n in range(23)]

    found = pointing_at("zebra").read(QUESTION, [Window("", text) for text in texts])

    assert [one.window.text for one in found] == texts
    assert all(one.best_span()[0].within(one.window.text) == "zebra" for one in found)
    assert pointing_at("zebra").read(QUESTION, []) == []


def test_a_question_of_any_length_is_read():
    session = PointingSession("zebra")

    (found,) = Reader(session, new_tokenizer()).read(
        "why " * 5000, [Window("t " * 500, "A zebra.")]
    )

    assert found.best_span()[0].within("A zebra.") == "zebra"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.integers(0, 300), st.integers(1, 300))
def test_whatever_the_text_a_span_lies_in_it_and_in_what_was_asked_for(text, start, size):
    (found,) = pointing_at("a").read(QUESTION, [Window("", text)])

    for within in (None, Span(start, start + size)):
        best = found.best_span(within)
        if best is not None:
            assert best[0].within(text).strip()
            assert best[0].end <= len(text)
            assert within is None or (within.start <= best[0].start < best[0].end <= within.end)


@pytest.mark.parametrize("name", ["span", "answers", "relevant", "support"])
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, np.zeros(0, dtype=np.float32), np.zeros((9, 9), dtype=np.float32)]
)
def test_output_that_is_empty_or_no_number_is_an_error_and_no_answer(name, value):
    reader = Reader(BrokenSession(name, value), new_tokenizer())

    with pytest.raises(ReaderError) as raised:
        reader.read(QUESTION, [Window("", "Some words.")])
    assert name in raised.value.problem
    assert raised.value.remedy
    with pytest.raises(ReaderError):
        reader.support([("A statement.", "Some words.")])


SUPPORTS, OPEN, DENIES = [6.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 6.0]


def support_by_word(table: dict[str, list[float]]) -> Reader:
    tokenizer = new_tokenizer()
    words = {
        tokenizer.encode(word, add_special_tokens=False).ids[0]: row for word, row in table.items()
    }

    def says(pieces):
        return next((row for piece, row in words.items() if piece in pieces), OPEN)

    return Reader(PointingSession(says=says), tokenizer)


def test_words_support_a_statement_when_any_part_of_them_does():
    reader = support_by_word({"zebra": SUPPORTS, "lion": DENIES})
    long = "so " * 700

    supported, denied, open_ = reader.support(
        [
            ("It ran.", f"lion {long} zebra {long}"),
            ("It ran.", f"{long} lion {long}"),
            ("It ran.", long),
        ]
    )

    assert supported.argmax() == 0
    assert denied.argmax() == 2
    assert open_.argmax() == 1
    assert np.allclose([supported.sum(), denied.sum(), open_.sum()], 1)


def test_a_long_statement_is_supported_only_when_every_part_of_it_is():
    reader = support_by_word({"lion": DENIES, "zebra": SUPPORTS})

    whole, partly = reader.support(
        [("so " * 300, "A zebra."), ("so " * 300 + "lion " + "so " * 300, "A zebra.")]
    )

    assert whole.argmax() == 0
    assert partly.argmax() == 2
    assert reader.support([]).shape == (0, 3)


def shipped_to(folder: Path, weights: bytes) -> Path:
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(weights)
    (folder / TOKENIZER).write_bytes((packaged_model_folder() / TOKENIZER).read_bytes())
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (WEIGHTS, TOKENIZER)
    }
    (folder / HASHES).write_text(json.dumps(hashes))
    return folder


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER, HASHES])
def test_a_missing_or_altered_file_of_the_reader_is_named_with_a_remedy(tmp_path, name):
    missing = shipped_to(tmp_path / "missing", b"weights")
    (missing / name).unlink()
    altered = shipped_to(tmp_path / "altered", b"weights")
    (altered / name).write_bytes((altered / name).read_bytes()[:-3] + b'"]}')

    for folder in (missing, altered):
        with pytest.raises(ReaderWeightsError) as raised:
            Reader.load(folder)
        assert str(folder) in raised.value.problem
        assert "retrieval" in raised.value.remedy
        assert isinstance(raised.value, ModelUnavailableError)


def test_weights_that_are_no_graph_are_an_error_with_a_remedy(tmp_path):
    folder = shipped_to(tmp_path / "odd", b"these are no weights")

    with pytest.raises(ReaderWeightsError, match="cannot be opened"):
        Reader.load(folder)


def test_the_reader_needs_neither_torch_nor_transformers():
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, rag.reader as r\n"
            "r.FOLDER.joinpath(r.WEIGHTS).exists() and r.Reader.load().support([('a', 'b')])\n"
            "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'onnx') "
            "if m in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert told.stdout.strip() == "[]"


# --- the shipped weights --------------------------------------------------------------------------

ARTICLE = (
    "Israeli forces recovered the bodies of six hostages from a tunnel in Rafah on Saturday, the "
    "military said. The talks in Doha broke up on Friday without a deal. Officials said that 97 "
    "hostages remained in Gaza. Schools in Ashkelon opened on Sunday as planned."
)


@pytest.fixture(scope="module")
def shipped() -> Reader:
    if not (FOLDER / WEIGHTS).exists():
        pytest.skip("the reader's weights are not in this checkout")
    return Reader.load()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How many hostages remained in Gaza?", "97"),
        ("In which city did the talks break up?", "Doha"),
        ("Where were the bodies of six hostages found?", "Rafah"),
        ("When did schools in Ashkelon open?", "Sunday"),
    ],
)
def test_the_shipped_reader_finds_the_words_that_answer(shipped, question, answer):
    (found,) = shipped.read(question, [Window("Gaza: what we know", ARTICLE)])

    assert answer in found.best_span()[0].within(ARTICLE)
    assert found.answers > 0


def test_the_shipped_reader_tells_a_question_that_nothing_here_answers(shipped):
    asked = ["How many hostages remained in Gaza?", "What is the capital of Australia?"]

    answered, not_answered = (
        shipped.read(question, [Window("", ARTICLE)])[0] for question in asked
    )

    assert not_answered.answers < 0 < answered.answers
    assert not_answered.best_span()[1] < answered.best_span()[1]


def test_what_is_read_in_a_window_does_not_depend_on_the_windows_beside_it(shipped):
    windows = [Window("", ARTICLE * (n % 3 + 1)) for n in range(5)] + [
        Window("Gaza", "97 remained.")
    ]

    together = shipped.read("How many hostages remained?", windows)

    for window, one in zip(windows, together, strict=True):
        (alone,) = shipped.read("How many hostages remained?", [window])
        assert one.answers == pytest.approx(alone.answers, abs=1e-3)
        assert one.best_span()[0] == alone.best_span()[0]


def test_many_threads_may_read_at_once(shipped):
    windows = [Window("", ARTICLE)] * 3

    def read(question: str) -> list[float]:
        return [one.answers for one in shipped.read(question, windows)]

    questions = [f"How many hostages remained in camp {n}?" for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(read, questions)) == [read(question) for question in questions]


def test_the_shipped_reader_knows_a_copied_sentence_from_a_foreign_one(shipped):
    copied, foreign = shipped.support(
        [
            ("The talks in Doha broke up on Friday without a deal.", ARTICLE),
            ("The central bank of Norway raised its interest rate.", ARTICLE),
        ]
    )

    assert copied[0] > foreign[0]
