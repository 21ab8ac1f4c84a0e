"""Words in tantivy: the BM25 search cache. The only room that imports tantivy.

Like the vectors, a folder is filled once and never written again.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tantivy

from rag.errors import IndexDamagedError

_ANALYZER = "folded"
_STEMMED = {
    "ar": "arabic", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish",
    "fr": "french", "de": "german", "el": "greek", "hu": "hungarian", "it": "italian",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "es": "spanish",
    "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
_MAX_TERMS = 64
_K1 = 1.2
# "U.S." and "I.D.F." are the words "US" and "IDF".
_DOTTED = re.compile(r"\b(?:[A-Za-z]\.){2,}")
_DIGIT_GROUPS = re.compile(r"(?<=\d),(?=\d{3}\b)")
# Words that carry no topic; BM25 would rank passages by them when little else matches.
_STOPWORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "by",
        "for",
        "to",
        "from",
        "with",
        "and",
        "or",
        "but",
        "if",
        "as",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "will",
        "would",
        "can",
        "could",
        "shall",
        "should",
        "may",
        "might",
        "must",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "there",
        "here",
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "than",
        "then",
        "so",
        "not",
        "no",
        "into",
        "about",
        "over",
        "under",
        "between",
        "after",
        "before",
        "during",
        "while",
        "i",
        "you",
        "he",
        "she",
        "we",
        "they",
        "them",
        "his",
        "her",
        "their",
        "our",
        "your",
        "my",
        "me",
        "us",
        "him",
        "s",
        "t",
    ]
)


class Lexicon:
    """A tantivy index of passages.

    Args:
        folder: Where it is kept; None keeps it in memory.
        language: ISO 639 code; decides the stemmer.
        create: Make a new, empty one.

    Raises:
        IndexDamagedError: If the index cannot be opened.
    """

    def __init__(self, folder: Path | None, *, language: str, create: bool = False) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("row_id", stored=True, indexed=True)
        builder.add_text_field("title", tokenizer_name=_ANALYZER, index_option="position")
        builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="position")
        self._schema = builder.build()
        self._analyzer = _analyzer(language)
        self._folder = folder
        with _explained(folder):
            if folder is None:
                self._index = tantivy.Index(self._schema)
            elif create:
                folder.mkdir(parents=True, exist_ok=True)
                self._index = tantivy.Index(self._schema, path=str(folder), reuse=False)
            else:
                self._index = tantivy.Index.open(str(folder))
        self._index.register_tokenizer(_ANALYZER, self._analyzer)

    def add(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Store (row id, title, text) rows."""
        writer = self._index.writer(heap_size=64_000_000, num_threads=1)
        for row_id, title, text in rows:
            writer.add_document(
                tantivy.Document(row_id=row_id, title=folded(title), text=folded(text))
            )
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def remove(self, row_ids: Sequence[int]) -> None:
        """Forget rows."""
        writer = self._index.writer(heap_size=64_000_000, num_threads=1)
        for row_id in row_ids:
            writer.delete_documents_by_term("row_id", row_id)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def matches(
        self, question: str, *, limit: int, only: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return (row id, BM25) of the passages that share words with ``question``, best first.

        Every character is a word's or a gap: there is no query syntax.

        Args:
            question: Any text.
            limit: How many at most.
            only: Row ids to look among; None for all.
        """
        terms = self.terms(question)[:_MAX_TERMS]
        if not terms:
            return []
        clauses = []
        for term in terms:
            text = tantivy.Query.term_query(self._schema, "text", term)
            title = tantivy.Query.term_query(self._schema, "title", term)
            clauses.append((tantivy.Occur.Should, text))
            clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(title, 0.3)))
        query = tantivy.Query.boolean_query(clauses)
        if only is not None:
            chosen = tantivy.Query.term_set_query(self._schema, "row_id", list(only))
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, query),
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(chosen, 0.0)),
                ]
            )
        with _explained(self._folder):
            searcher = self._index.searcher()
            found = searcher.search(query, limit=limit).hits
            return [(searcher.doc(address)["row_id"][0], float(bm25)) for bm25, address in found]

    def terms(self, text: str) -> list[str]:
        """Return the words that are searched for: folded, stemmed, each once, in order."""
        words = [word for word in re.findall(r"\w+", folded(text)) if not _is_stopword(word)]
        return list(dict.fromkeys(self._analyzer.analyze(" ".join(words))))

    def rarity(self, term: str) -> float:
        """Return how rare a word of :meth:`terms` is: its idf as BM25 has it, above 0.

        Source: Robertson & Zaragoza, "The Probabilistic Relevance Framework", 2009, with the
        1 + that keeps it positive, as in Lucene.
        """
        with _explained(self._folder):
            searcher = self._index.searcher()
            having = searcher.doc_freq("text", term)
        return math.log(1 + (searcher.num_docs - having + 0.5) / (having + 0.5))

    def unknown_words(self, question: str) -> list[str]:
        """Return the words of a question that no passage has, as the question spells them."""
        searcher = self._index.searcher()
        return [
            word
            for word in dict.fromkeys(re.findall(r"\w[\w’'-]*", question))
            for terms in [self.terms(word)]
            if terms
            and not any(
                searcher.doc_freq(field, term) for term in terms for field in ("text", "title")
            )
        ]

    def best_bm25(self, question: str) -> float:
        """Return what BM25 could be at most: every word, as often and in as short a text as may be.

        A word adds its rarity times at most ``k1 + 1``; tantivy's k1 is 1.2.
        """
        return (_K1 + 1) * sum(self.rarity(term) for term in self.terms(question)[:_MAX_TERMS])

    def count(self) -> int:
        """Return how many passages there are."""
        with _explained(self._folder):
            return int(self._index.searcher().num_docs)


def folded(text: str) -> str:
    """Return text with one spelling a word: NFKC, ``U.S.`` as ``US``, 1,000 as 1000."""
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8"))
    text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text)
    return _DIGIT_GROUPS.sub("", text).replace("’", "'")


def _is_stopword(word: str) -> bool:
    """Say whether a word carries no topic; ``US`` does, ``us`` does not."""
    return word.lower() in _STOPWORDS and not (len(word) > 1 and word.isupper())


def _analyzer(language: str) -> tantivy.TextAnalyzer:
    builder = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(60))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
    )
    if language in _STEMMED:
        builder = builder.filter(tantivy.Filter.stemmer(_STEMMED[language]))
    return builder.build()


@contextmanager
def _explained(folder: Path | None) -> Iterator[None]:
    """Turn what tantivy raises over a damaged index into our error."""
    try:
        yield
    except (ValueError, OSError, RuntimeError, IndexError, KeyError) as error:
        raise _damaged(folder, str(error)) from error
    except BaseException as error:
        # Damaged files can raise a PanicException, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path | None, problem: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"The word cache {folder or ''} cannot be read: {problem}.",
        remedy="Run `rag index`; it is rebuilt from the ledger without embedding again.",
    )
