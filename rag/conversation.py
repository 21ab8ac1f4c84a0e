"""Question + history -> a question that stands alone, and what it is asked against.

Rules over the words, in English. A question leans on the conversation if it says "he" or "that"
before it has named anything, goes on from the last one ("And in July?"), or hardly says anything
("Why?"). What it leans on is put behind it in brackets, where the reader can see and change it. The
question as typed leads the search all the same: joining turns finds the topic and loses the point.
A question that stands alone is left alone, and changes the subject for those that follow it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.errors import QuestionError
from rag.question import MONTH, names
from rag.schema import Answer, History, Turn

MAX_QUESTION_CHARACTERS = 4000

# Turns that are read, the characters of an answer that are searched for, and the phrases that a
# question is filled with, at most: a conversation of 500 turns costs what one of eight does.
_TURNS = 8
_ANSWER_CHARACTERS = 600
_PHRASES = 4
# How much the filled question and the last answers (latest first) count in the search, beside 1 for
# the question as typed. Chosen on half of MTRAG's conversations; flat around there.
_FILLED_WEIGHT = 0.25
_ANSWER_WEIGHTS = (0.3, 0.15)
# A question that is no sentence ("streaming services?") and says no more leans on what was said.
_BARE_WORDS = 2
# After so many words of its own, a question's pronoun means one of them.
_OWN_WORDS = 3

_LEANING = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|then|former|latter|such|same|others?|"
    r"(?:this|these|those)(?!\s+(?:morning|week|month|season|summer|winter|year)\b)|"
    r"(?:which|that|this|the|first|last) ones?|"
    r"(?<!is )(?<!are )(?<!was )(?<!were )there(?!\s+(?:is|are|was|were)\b)|"
    # Not the relative "that": before a verb, a name or a pronoun.
    r"that(?!\s+(?:is|are|was|were|has|have|had|can|could|will|would|the|an?|he|she|it|they|you|we|"
    r"made|came|\w+ed|\w+[^\Wis]s|(?-i:[A-Z])\w*)\b))\b",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"(?:his|hers?|its|theirs?)", re.IGNORECASE)
_CONTINUING = re.compile(
    r"^\W*(?:and|but|or|then|also|what about|how about|any|no|yes|i mean|i meant)\b", re.IGNORECASE
)
_ELLIPSIS = re.compile(r"^\W*(?:and|but|or|what about|how about)\b", re.IGNORECASE)
_SENTENCE = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|has|have|had|can|"
    r"could|will|would|should)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|him|her|his|hers)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][\w’'-]*[a-z](?:[ ][A-Z][\w’'-]+)+|(?<=\bM[rs]\. )[A-Z][\w’'-]+")
_MARKER = re.compile(r"\s*\[\d+(?:,\s*\d+)*\]")
# A question that was filled before, and perhaps edited.
_FILLED = re.compile(r"\S \([^()]{3,}\)$")
_WORD = re.compile(r"\w[\w’'-]*(?:\.\w+)*")
# Words that say nothing of what a question is about.
_EMPTY = frozenset(
    """
    a an the of in on at by for to from with and or but if as is are was were be been being am do
    does did done doing has have having had can could will would shall should may might must what
    which who whom whose when where why how this that these those there here it its he she they
    them him her his hers their theirs us we our you your i me my mine than then so not no into
    about over many much long often far tell give know want like more please explain say said says
    any some such same other others also only just too very get got make made mean meant let see
    yes sorry interested most thing things something anything there's what's i'm it's don't work
    use used happen happens happened called call one ones former latter next
    """.split()
)

_GREETING = r"(?:hi|hello|hey|greetings|good (?:morning|afternoon|evening|day))(?: (?:there|all))?"
_POLITE_END = r"[\s!.?,]*"
_SMALL_TALK: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\W*(?:{pattern}){_POLITE_END}", re.IGNORECASE), reply)
    for pattern, reply in (
        (
            rf"(?:{_GREETING}[\s!,.]*)?how are you(?: (?:doing|today))*|{_GREETING}",
            "Hello. Ask about the articles: every answer shows the words that it rests on.",
        ),
        (
            r"(?:(?:ok(?:ay)?|great|good|perfect)[\s,.!]*)?(?:many )?"
            r"(?:thanks|thank you|thx|cheers)"
            r"(?: (?:you|a lot|so much|very much|again|for (?:your|the) (?:help|answers?)))*",
            "You are welcome.",
        ),
        (r"(?:good)?bye|good night|see you(?: later)?", "Goodbye."),
        (
            rf"(?:{_GREETING}[\s!,.]*)?(?:who|what) are you|what can you do|what do you do|help|"
            r"what(?:'s|’s| is) your name|how do you work|can you help me|"
            r"are you (?:an? )?(?:\w+ )?(?:ai|bot|chatbot|robot|human|person|machine|program)",
            "I am Dateline, a program. I look for the answer to a question in the articles of "
            "this archive and show the words that it rests on; I know nothing else, and say so "
            "when the articles do not answer.",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question as it is searched for.

    Attributes:
        question: Standing alone, to be shown and read for the answer.
        typed: As the user typed it; leads the search.
        background: Further queries and how much they count beside the typed one's 1; empty for a
            question that was left alone.
    """

    question: str
    typed: str
    background: tuple[tuple[str, float], ...] = ()


def checked_question(question: str) -> str:
    """Return the question without surrounding white space.

    Raises:
        QuestionError: If it is empty or absurdly long.
    """
    if not isinstance(question, str):
        raise QuestionError(
            f"A question is text, not {type(question).__name__}.", remedy="Ask something, in words."
        )
    stripped = question.replace("\0", " ").strip()
    if not stripped:
        raise QuestionError("The question is empty.", remedy="Ask something, in words.")
    if len(stripped) > MAX_QUESTION_CHARACTERS:
        raise QuestionError(
            f"The question has {len(stripped):,} characters; the limit is "
            f"{MAX_QUESTION_CHARACTERS:,}.",
            remedy="Shorten it; articles belong into the corpus folder.",
        )
    return stripped


def turns(history: History) -> list[Turn]:
    """Return the history as turns, oldest first.

    Raises:
        QuestionError: If an item is none of the shapes that are understood.
    """
    return [_turn(item) for item in history]


def _turn(item: object) -> Turn:
    match item:
        case Turn():
            return item
        case Answer():
            return Turn(item.standalone_question, "" if item.abstained else item.text)
        case str():
            return Turn(item)
        case Mapping() if isinstance(item.get("question"), str):
            return Turn(item["question"], str(item.get("answer") or item.get("text") or ""))
    raise QuestionError(
        f"The history holds something that is no turn: {str(item)[:60]!r}.",
        remedy='Give earlier questions as strings, or as {"question": ..., "answer": ...}.',
    )


def leaned_on(question: str, history: History) -> list[Turn]:
    """Return the turns that a question leans on, oldest first; none if it stands alone.

    Args:
        question: As typed.
        history: Earlier turns, oldest first.

    Raises:
        QuestionError: If the history has a wrong shape.
    """
    earlier = [
        Turn(turn.question[:MAX_QUESTION_CHARACTERS], _start_of(turn.answer))
        for turn in turns(history)
        if small_talk(turn.question) is None
    ][-_TURNS:]
    return earlier if leans(question) else []


def standalone(question: str, history: History) -> Standalone:
    """Return the question standing alone, filled from the history if it leans on it.

    Args:
        question: As typed.
        history: Earlier turns, oldest first.

    Raises:
        QuestionError: If the history has a wrong shape.
    """
    earlier = leaned_on(question, history)
    if not earlier:
        return Standalone(question, question)
    answers = [turn.answer for turn in reversed(earlier)]
    filled = _filled(question, earlier, answers[0])
    background = []
    if filled != question:
        background.append((filled, _FILLED_WEIGHT))
    weighted = zip(answers, _ANSWER_WEIGHTS, strict=False)
    background += [(answer, weight) for answer, weight in weighted if answer]
    return Standalone(filled, question, tuple(background))


def reworded(query: Standalone, question: str) -> Standalone:
    """Return a query with another wording of the question instead of the rules' own.

    Args:
        query: What the rules made of the question.
        question: Standing alone, already checked.
    """
    kept = [each for each in query.background if each[0] != query.question]
    return replace(query, question=question, background=((question, _FILLED_WEIGHT), *kept))


def _start_of(answer: str) -> str:
    return _MARKER.sub("", answer[: 2 * _ANSWER_CHARACTERS])[:_ANSWER_CHARACTERS].strip()


def leans(question: str) -> bool:
    """Say whether a question needs what came before it to be understood."""
    if _FILLED.search(question):
        return False
    bare = _BARE_WORDS if _SENTENCE.search(question) is None else 1
    if _CONTINUING.match(question) or _words_in(question) <= bare:
        return True
    pointing = _LEANING.search(question)
    if pointing is None:
        return False
    # "How did Jessica get her powers?": hers.
    own = 1 if _POSSESSIVE.fullmatch(pointing.group()) else _OWN_WORDS
    return _words_in(question[: pointing.start()]) < own


def lacks_subject(question: str) -> bool:
    """Say whether a question with nothing before it could be about anything at all."""
    if _FILLED.search(question) or names(re.sub(rf"\b(?:{MONTH})\b", "", question)):
        return False
    said = _words_in(question)
    return said == 0 or (said == 1 and (bool(_LEANING.search(question)) or _goes_on(question)))


def with_subject(question: str, subject: str) -> str:
    """Return the question with what it is about behind it, in brackets."""
    return f"{question} ({subject})"


def small_talk(question: str) -> str | None:
    """Return the reply to a greeting, to thanks or to "who are you"; None for anything else."""
    for pattern, reply in _SMALL_TALK:
        if pattern.fullmatch(question):
            return reply
    return None


def _goes_on(question: str) -> bool:
    return bool(_ELLIPSIS.match(question))


def _words_in(text: str) -> int:
    return sum(len(phrase.split()) for phrase in _phrases(text))


def _phrases(text: str) -> list[str]:
    """Return the runs of words that say what a text is about, each once."""
    found: list[list[str]] = [[]]
    end = 0
    for match in _WORD.finditer(text):
        word = match.group()
        if text[end : match.start()].strip():
            found.append([])
        end = match.end()
        # "US" is a country, "us" is nobody.
        if word.lower() in _EMPTY and not (len(word) > 1 and word.isupper()):
            found.append([])
        else:
            found[-1].append(word)
    return list(dict.fromkeys(" ".join(words) for words in found if words))


def _filled(question: str, earlier: Sequence[Turn], last_answer: str) -> str:
    asked = ""
    phrases: list[str] = []
    for turn in earlier:
        new = _phrases(turn.question)
        if phrases and leans(turn.question):
            known = phrases[: _PHRASES // 2]
            later = [*phrases[_PHRASES // 2 :], *(each for each in new if each not in phrases)]
            phrases = known + later[-_PHRASES // 2 :]
        else:
            # It stands alone: the subject has changed.
            asked, phrases = turn.question.strip(), new[:_PHRASES]
    if _goes_on(question) and asked:
        return with_subject(question, asked)
    person = _NAME.search(last_answer)
    if person and (
        not phrases or (_PERSON.search(question) and not names(f"x {' '.join(phrases)}"))
    ):
        phrases = [*phrases, person.group()]
    folded = question.lower()
    missing = [phrase for phrase in phrases if phrase.lower() not in folded]
    return with_subject(question, ", ".join(missing)) if missing else question
