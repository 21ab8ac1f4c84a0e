"""Question sets -> figures -> a verdict: how good the answers are, and whether a change helped.

``run(archive, questions)`` asks and scores; a :class:`Run` prints as a table, ``to_frame()`` gives
pandas. ``compare(a, b)`` says what changed, ``judge(run, gate)`` whether it is good enough.
"""

from rag.evaluation.diff import RunDiff, compare
from rag.evaluation.gate import Gate, GateVerdict, judge, load_gate
from rag.evaluation.questions import Question, QuestionSet, load_questions, question_set
from rag.evaluation.results import Run, load_run
from rag.evaluation.running import run, save

__all__ = [
    "Gate",
    "GateVerdict",
    "Question",
    "QuestionSet",
    "Run",
    "RunDiff",
    "compare",
    "judge",
    "load_gate",
    "load_questions",
    "load_run",
    "question_set",
    "run",
    "save",
]
