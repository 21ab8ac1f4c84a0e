"""Places in articles -> numbered citations, found there to the letter, and what to say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rag.copies import independent_sources
from rag.extractive import Place
from rag.ledger import shown
from rag.schema import Article, Citation, FileState, Statement, StatementWritten


class Binder:
    """Makes citations, numbered as they come; the same place has the same number.

    Args:
        article: Gives an indexed article by its path.
        file_state: Says whether its file is still the one that was indexed.

    Attributes:
        citations: Those made so far, in the order of their numbers.
    """

    def __init__(
        self, article: Callable[[str], Article], file_state: Callable[[str], FileState]
    ) -> None:
        self.citations: list[Citation] = []
        self._article = article
        self._file_state = file_state
        self._articles: dict[str, Article] = {}
        self._numbers: dict[tuple[str, int, int], int] = {}

    def numbers(self, places: Iterable[Place]) -> tuple[int, ...]:
        """Return the numbers of the citations at some places, each once."""
        return tuple(
            dict.fromkeys(
                self._number(p.path, p.span.start, p.span.end, p.quote, p.passage_id)
                for p in places
            )
        )

    def independent_sources(self, numbers: Iterable[int]) -> int:
        """Return how many of the citations with these numbers do not copy one another."""
        cited = [self.citations[number - 1] for number in numbers]
        if len({citation.path for citation in cited}) < 2:
            return len(cited[:1])
        return independent_sources([(item, self.article_text(item.path)) for item in cited])

    def number_of(self, other: Citation) -> int:
        """Return the number that the place of another binder's citation has here."""
        return self._number(other.path, other.start, other.end, other.quote, other.passage_id)

    def article_text(self, path: str) -> str:
        """Return the text of an indexed article."""
        return self._known(path).text

    def _known(self, path: str) -> Article:
        if path not in self._articles:
            self._articles[path] = self._article(path)
        return self._articles[path]

    def _number(self, path: str, start: int, end: int, quote: str, passage_id: str) -> int:
        known = self._numbers.get((path, start, end))
        if known is not None:
            return known
        citation = Citation(
            number=len(self.citations) + 1,
            article=self._known(path),
            start=start,
            end=end,
            quote=quote,
            passage_id=passage_id,
            file_state=self._file_state(path),
        )
        self.citations.append(citation)
        self._numbers[path, start, end] = citation.number
        return citation.number


def told(
    statements: Iterable[Statement], citations: Iterable[Citation]
) -> Iterator[StatementWritten]:
    """Yield the event that tells each statement, with its citations."""
    by_number = {citation.number: citation for citation in citations}
    for statement in statements:
        yield StatementWritten(
            statement, tuple(by_number[number] for number in statement.citations)
        )


def file_notes(citations: Sequence[Citation]) -> Iterator[str]:
    """Yield a line for each cited article whose file is no longer the one that was indexed."""
    noted: set[str] = set()
    for citation in citations:
        if citation.path in noted or citation.file_state == "same":
            continue
        noted.add(citation.path)
        what = "has changed" if citation.file_state == "changed" else "is gone"
        yield (
            f"{shown(citation.path)} {what} since it was indexed; "
            "the words are those of the indexed copy. Run `rag index`."
        )


__all__ = ["Binder", "file_notes", "told"]
