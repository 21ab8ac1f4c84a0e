"""Question sets: what is read, what is refused, and how the refusal helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_fake import FakeArchive

from rag.evaluation.metrics import Place
from rag.evaluation.questions import (
    Question,
    QuestionSetError,
    load_questions,
    locate,
    question_set,
    selected,
)

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "tests" / "questions" / "seeds.jsonl"


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_set_has_at_least_sixty_questions_of_every_type() -> None:
    questions = load_questions(SEEDS).questions

    assert len(questions) >= 60
    assert {q.type for q in questions} == {
        "fact", "list", "quote", "temporal", "conflict", "followup", "unanswerable",
    }  # fmt: skip
    assert {q.kind for q in questions if q.answerable is False} == {
        "no_topic", "near_miss", "false_premise",
    }  # fmt: skip


def test_every_quote_of_the_shipped_set_stands_in_its_file() -> None:
    for question in load_questions(SEEDS).questions:
        for gold in [*question.evidence, *question.readings]:
            assert gold.file is not None
            text = (ROOT / "seeds" / gold.file).read_text(encoding="utf-8")
            assert gold.quote in text, question.id


def test_the_same_questions_can_be_written_as_jsonl_yaml_or_csv(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "question": "Who left?", "answers": ["Witkoff", "he"], "type": "fact",
         "evidence": [{"file": "talks.txt", "quote": "Mr. Witkoff left"}]},
        {"id": "2", "question": "And when, then?", "history": ["Who left?"], "answerable": False,
         "type": "unanswerable", "as_of": "2025-07-24", "all_of": [["a", "b"], ["c"]]},
    ]  # fmt: skip
    jsonl = _file(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    yaml = _file(
        tmp_path,
        "a.yaml",
        "- id: 1\n  question: Who left?\n  answers: [Witkoff, he]\n  type: fact\n"
        "  evidence: [{file: talks.txt, quote: Mr. Witkoff left}]\n"
        "- id: 2\n  question: And when, then?\n  history: ['Who left?']\n  answerable: false\n"
        "  type: unanswerable\n  as_of: 2025-07-24\n  all_of: [[a, b], [c]]\n",
    )
    table = _file(
        tmp_path,
        "a.csv",
        "id,question,history,answers,all_of,evidence,type,answerable,as_of\n"
        "1,Who left?,,Witkoff | he,,talks.txt: Mr. Witkoff left,fact,,\n"
        '2,"And when, then?",Who left?,,a / b | c,,unanswerable,false,2025-07-24\n',
    )

    sets = [load_questions(path).questions for path in (jsonl, yaml, table)]

    assert sets[0] == sets[1] == sets[2]
    assert sets[0][1].history == ("Who left?",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "b", "question": "x", "colour": 1}', "colour: unknown key"),
        ('{"id": "a", "question": "x"}', "stands on line 1 too"),
        ('{"id": "b"}', "question: field required"),
        ('{"id": "b", "question": " "}', "the question is blank"),
        ('{"id": "b", "question": "x", "answerable": false, "answers": ["y"]}', "has no answers"),
        ('{"id": "b", "question": "x", "as_of": "last week"}', "as_of"),
        ('{"id": "b", "question": "x", "evidence": [{"file": "f", "start": 3}]}', "both start"),
        ('{"id": "b"', "is not JSON"),
        ('["b"]', "is no object"),
    ],
)
def test_a_malformed_line_is_named_with_file_and_line(
    tmp_path: Path, line: str, message: str
) -> None:
    path = _file(tmp_path, "a.jsonl", '{"id": "a", "question": "x"}\n\n' + line + "\n")

    with pytest.raises(QuestionSetError) as caught:
        load_questions(path)

    assert caught.value.problem.startswith(f"{path}:3")
    assert message in caught.value.problem
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_malformed_yaml_or_csv_line_is_named_too(tmp_path: Path) -> None:
    yaml = _file(
        tmp_path, "a.yaml", "- id: a\n  question: x\n- id: b\n  question: x\n  colour: 1\n"
    )
    table = _file(tmp_path, "a.csv", 'id,question\na,"x\ny"\nb,x\nb,x\n')

    with pytest.raises(QuestionSetError, match=r"a\.yaml:3, colour: unknown key"):
        load_questions(yaml)
    with pytest.raises(QuestionSetError, match=r"a\.csv:5: the id 'b' stands on line 4 too"):
        load_questions(table)


@pytest.mark.parametrize(
    ("name", "text"), [("a.jsonl", "\n\n"), ("a.yaml", ""), ("a.csv", "id,question\n")]
)
def test_an_empty_set_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(QuestionSetError, match="holds no question"):
        load_questions(_file(tmp_path, name, text))


def test_a_missing_or_foreign_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="cannot be read"):
        load_questions(tmp_path / "none.jsonl")
    with pytest.raises(QuestionSetError, match="name must end in"):
        load_questions(_file(tmp_path, "a.txt", "x"))


def test_evidence_is_found_in_the_archive_by_its_words(tmp_path: Path) -> None:
    questions = question_set(
        [
            {"id": "a", "question": "x", "evidence": [
                {"file": "talks.txt", "quote": "Doha"}, {"file": "older.txt"},
                {"file": "talks.txt", "start": 4, "end": 11},
            ]},
        ]
    )  # fmt: skip

    gold = locate(questions, FakeArchive(tmp_path, {}))["a"]

    assert gold.evidence == (
        Place("talks.txt", 17, 21),
        Place("older.txt"),
        Place("talks.txt", 4, 11),
    )


def test_evidence_that_is_not_in_the_archive_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "a.jsonl",
        '{"id": "a", "question": "x"}\n'
        '{"id": "b", "question": "x", "evidence": [{"file": "talks.txt", "quote": "left doha"}]}\n',
    )
    foreign = question_set([{"id": "c", "question": "x", "evidence": [{"file": "gone.txt"}]}])
    archive = FakeArchive(tmp_path, {})

    with pytest.raises(
        QuestionSetError, match=r"a\.jsonl:2 \(b\): these words are not in"
    ) as words:
        locate(load_questions(path), archive)
    with pytest.raises(QuestionSetError, match=r"gone\.txt, which is not in the archive"):
        locate(foreign, archive)

    assert "'left Doha'" in words.value.remedy


def test_offsets_that_hold_other_words_are_refused(tmp_path: Path) -> None:
    wrong = question_set(
        [{"id": "a", "question": "x",
          "evidence": [{"file": "talks.txt", "quote": "Doha", "start": 0, "end": 4}]}]
    )  # fmt: skip

    with pytest.raises(QuestionSetError, match="other words at 0 to 4"):
        locate(wrong, FakeArchive(tmp_path, {}))


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order() -> None:
    questions = question_set([{"id": str(n), "question": "x"} for n in range(50)])

    one = [q.id for q in selected(questions, sample=10, seed=1).questions]

    assert one == [q.id for q in selected(questions, sample=10, seed=1).questions]
    assert one != [q.id for q in selected(questions, sample=10, seed=2).questions]
    assert one == sorted(one, key=int)
    assert len(one) == 10


def test_types_and_limits_select_and_an_unknown_type_is_named() -> None:
    questions = load_questions(SEEDS)

    assert {q.type for q in selected(questions, types=["quote"]).questions} == {"quote"}
    assert len(selected(questions, limit=3).questions) == 3
    with pytest.raises(QuestionSetError, match="no question of type 'poem'"):
        selected(questions, types=["poem"])


def test_a_question_survives_being_written_and_read() -> None:
    for question in load_questions(SEEDS).questions:
        assert Question.model_validate(json.loads(json.dumps(question.to_dict()))) == question
