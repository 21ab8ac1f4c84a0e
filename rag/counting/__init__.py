"""Amounts in news and what they count: a question and a sentence -> the amounts that answer it."""

from rag.counting.asked import Asked, asked_for, is_about, may_tell
from rag.counting.counted import Counted, counted_in
from rag.counting.happenings import fates_told, same_fate

__all__ = [
    "Asked",
    "Counted",
    "asked_for",
    "counted_in",
    "fates_told",
    "is_about",
    "may_tell",
    "same_fate",
]
