"""What can go wrong on purpose, each with the remedy a user can act on.

RagError                     exit code
|-- UsageError                   2   the call itself cannot be carried out
|   |-- CorpusError              2   no folder, or nothing in it to index
|   `-- QuestionError            2   empty or too long
|-- IndexProblem                 4   the index cannot be used as it is
|   |-- IndexMissingError        4
|   |-- IndexForeignError        4   not ours, or made by a newer version
|   |-- IndexIncompleteError     4   an interrupted first run
|   |-- IndexStaleError          4   built with another model or other settings
|   `-- IndexDamagedError        4
|-- ModelUnavailableError        5   weights missing, altered or unusable
|   `-- ReaderError              5   the reader gave nothing or no number
|       `-- ReaderWeightsError   5   the reader's files are missing or altered
|-- LockedError                  6   another process is writing the index
`-- GateFailedError              7   an evaluation fell short of its gate
"""

from __future__ import annotations

from typing import ClassVar


class RagError(Exception):
    """Base of every error raised on purpose, so that one ``except`` catches them all.

    Attributes:
        problem: What happened, one line.
        remedy: What the user can do about it, one line.
        exit_code: What the command line exits with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n{self.remedy}"


class UsageError(RagError):
    """The call cannot be carried out as it was made."""

    exit_code = 2


class CorpusError(UsageError):
    """The folder of articles is missing, or holds nothing that can be indexed."""


class QuestionError(UsageError):
    """The question is empty or too long."""


class IndexProblem(RagError):
    """The index cannot be used as it is."""

    exit_code = 4


class IndexMissingError(IndexProblem):
    """There is no index at that place."""


class IndexForeignError(IndexProblem):
    """The file at that place is not our index, or a newer version wrote it."""


class IndexIncompleteError(IndexProblem):
    """The first indexing run was interrupted; nothing finished is lost."""


class IndexStaleError(IndexProblem):
    """The index was built with another model or with other passage settings."""


class IndexDamagedError(IndexProblem):
    """The ledger cannot be read."""


class ModelUnavailableError(RagError):
    """Model weights are missing, altered or unusable."""

    exit_code = 5


class ReaderError(ModelUnavailableError):
    """The reader gave nothing, or what is no number; retrieval can still answer."""


class ReaderWeightsError(ReaderError):
    """The reader's files are missing, altered or cannot be opened; retrieval can still answer."""


class LockedError(RagError):
    """Another process is writing this index."""

    exit_code = 6


class GateFailedError(RagError):
    """An evaluation run fell short of its gate."""

    exit_code = 7
