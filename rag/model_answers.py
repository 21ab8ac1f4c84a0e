"""An answer in the sources' own words -> the same in a language model's, as far as it is supported.

Confidence, short answer and readings stay those of the sources; the model writes the statements
(:mod:`rag.generative` checks each), and where none of them stands, the sources' own are told.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from rag.binding import Binder, file_notes, told
from rag.generative import Outcome, Written, write
from rag.llm import LanguageModel, LanguageModelError, Limits
from rag.machine_talk import Hears
from rag.schema import Answer, Event, Hit, Passage, Stage, Statement
from rag.support import SupportReader

# What is read in front of a passage for an order that announces its first words.
_BEFORE_CHARACTERS = 600


def retold(
    plain: Answer,
    hits: Sequence[Hit],
    model: LanguageModel,
    limits: Limits,
    *,
    binder: Callable[[], Binder],
    max_passages: int,
    reader: SupportReader | None,
    hears: Hears | None,
    problem: LanguageModelError | None = None,
) -> Generator[Event, None, Answer]:
    """Tell and return the answer in a model's words, as far as the articles support them.

    While the model is thinking, its stage is told again every tenth of a second; closing the
    generator then stops the model.

    Args:
        plain: The answer in the sources' own words, which gives confidence, short answer and
            readings, and is told where nothing of the model's stands.
        hits: What was found, best first.
        model: Writes.
        limits: How long to wait and how much to take.
        binder: Makes a binder without citations.
        max_passages: That the model is given.
        reader: Judges what the rules leave open; None for the rules alone.
        hears: Finds orders to a machine; None for the rules alone.
        problem: Why the model was out of reach a moment ago; it is then not asked again.
    """
    if problem is not None:
        gone = Outcome(notes=[problem.problem])
        return (yield from _in_the_sources_words(plain, (), gone, model.name, binder()))
    binding = binder()
    passages = _passages_for(plain, hits, max_passages)

    def before(passage: Passage) -> str:
        text = binding.article_text(passage.path)
        return text[max(0, passage.start - _BEFORE_CHARACTERS) : passage.start]

    writing = write(plain.standalone_question, passages, model, limits, before, reader, hears)
    statements: list[Statement] = []
    # What does not stand fully is not told before something does: the first statement answers.
    held: list[Written] = []
    try:
        while True:
            try:
                written = next(writing)
            except StopIteration as end:
                outcome: Outcome = end.value
                break
            if written is None:
                yield Stage("writing", model.name)
                continue
            if not statements and written.verdict in ("partly", "unsupported"):
                held.append(written)
                continue
            ready = [written] if statements else [written, *held]
            for item in ready:
                statements.append(_bound(item, binding))
                yield from told(statements[-1:], binding.citations)
    finally:
        writing.close()
    if not statements:
        return (yield from _in_the_sources_words(plain, held, outcome, model.name, binder()))
    by_number = {citation.number: citation for citation in plain.citations}
    readings = tuple(
        replace(reading, citation=binding.number_of(by_number[reading.citation]))
        for reading in plain.readings
    )
    notes = [*plain.notes, *outcome.notes]
    if outcome.struck:
        what, them = ("sentence", "it") if outcome.struck == 1 else ("sentences", "them")
        notes.append(
            f"{outcome.struck} {what} by {model.name} struck: the articles do not support {them}."
        )
    return replace(
        plain,
        statements=tuple(statements),
        citations=tuple(binding.citations),
        readings=readings,
        notes=tuple(dict.fromkeys([*notes, *file_notes(binding.citations)])),
        generator=model.name,
        timings_ms=_timings(outcome),
        usage=outcome.usage,
    )


def _in_the_sources_words(
    plain: Answer, held: Sequence[Written], outcome: Outcome, name: str, binding: Binder
) -> Generator[Event, None, Answer]:
    """Tell and return the answer as it was, then what of the model does not stand."""
    for citation in plain.citations:
        binding.number_of(citation)
    statements = [*plain.statements, *(_bound(item, binding) for item in held)]
    if outcome.struck or held:
        why = (
            f"Nothing that {name} wrote is fully supported by the articles; the answer is in the "
            "sources’ own words."
        )
    else:
        why = f"{name} gave no answer; this one is in the sources’ own words."
    yield from told(statements, binding.citations)
    return replace(
        plain,
        statements=tuple(statements),
        citations=tuple(binding.citations),
        notes=(*plain.notes, *outcome.notes, why),
        timings_ms=_timings(outcome),
        usage=outcome.usage,
    )


def _timings(outcome: Outcome) -> dict[str, float]:
    """Return what the model and the checks took: from the request to the first, and all checks."""
    found = {"first_token": outcome.first_token_ms, "first_statement": outcome.first_statement_ms}
    told = {name: value for name, value in found.items() if value is not None}
    return {**told, "check": sum(outcome.check_ms)} if outcome.check_ms else told


def _bound(written: Written, binding: Binder) -> Statement:
    numbers = binding.numbers(written.places)
    return Statement(
        written.text,
        numbers,
        written.verdict,
        written.reasons,
        binding.independent_sources(numbers),
    )


def _passages_for(plain: Answer, hits: Sequence[Hit], limit: int) -> list[Passage]:
    """Return what a model is given: the passages of the sources' own answer, then the next best."""
    used = plain.used
    ordered = sorted(hits, key=lambda hit: hit.passage.passage_id not in used)
    return [hit.passage for hit in ordered[:limit]]


__all__ = ["retold"]
