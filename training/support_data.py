"""Public sets -> pairs of a statement and cited words, labelled by what the words say of it.

Four kinds of pairs, balanced and always the same for a seed: pairs that people labelled (LingNLI,
and the training half of WiCE and SummEdits), sentences of SQuAD 1.1's paragraphs copied or reworded
(supported), the same with one thing changed (contradicted or not told) or held against words that
lack them (not told), and its questions turned into statements with right and wrong answers.

Where only statements were changed, a model could tell by the form of the statement alone. So the
cited words are changed as often: a changed statement beside words changed alike is supported, and a
true statement beside changed words is not.

Run: ``python -m training.support_data BENCH`` shows how many there are and some of each kind.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import lzma
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencex

from rag.citations import closest_sentences
from training.altered_statements import (
    ACCORDING_FIRST,
    ACCORDING_LAST,
    MONTHS,
    PAST_OF,
    SAID_LAST,
    SAID_THAT,
    WORDS_OF_NUMBERS,
    Altered,
    Names,
    alterations,
    names_in,
    said_in,
)

SUPPORTED, NOT_TOLD, CONTRADICTED = 0, 1, 2
# Statement and words together stay under 256 word pieces.
MOST_WORDS = 165
# Left out of train_nli: no commercial use (SICK, SciFact), licence unclear (CLIMATE-FEVER), and
# pairs from the very documents that WiCE measures.
NLI_SOURCES = frozenset({"lingnli"})
_JUDGED = frozenset({"summedits", "summedits sentence", "wice", "wice without"})
_NLI_PAIRS = 18_000
_SENTENCES = 12_000
_QUESTIONS = 8_000


@dataclass(frozen=True, slots=True)
class SupportExample:
    """A statement and the words it cites.

    Attributes:
        statement: A sentence or a few.
        words: What it cites.
        label: 0 if the words say all of it, 1 if they leave some of it open, 2 if they deny it.
        source: The set it comes from, and how it was made.
        group: Its article or document; what shares one must not be divided over folds.
    """

    statement: str
    words: str
    label: int
    source: str
    group: str


def is_held_out(document_id: str) -> bool:
    """Say whether a document is kept for measuring: half of them, always the same."""
    return hashlib.sha256(document_id.encode()).digest()[0] % 2 == 1


def examples(bench: Path, seed: int) -> Iterator[SupportExample]:
    """Yield all pairs for training, shuffled, so that their beginning is a smaller set of them.

    Args:
        bench: Folder with ``train`` and ``sets``.
        seed: The same seed gives the same pairs in the same order.
    """
    rng = random.Random(seed)
    made: list[SupportExample] = []
    made.extend(_nli(bench, rng))
    made.extend(_wice(bench))
    made.extend(_summedits(bench))
    paragraphs = _paragraphs(bench)
    made.extend(_sentences(paragraphs, rng))
    made.extend(_from_questions(bench, paragraphs, rng))
    kept = [one for one in dict.fromkeys(made) if 2 < len(one.statement.split()) < 90]
    # Long documents that people judged are few and the nearest to what is asked: they come early.
    keys = {one: rng.random() * (0.35 if one.source in _JUDGED else 1.0) for one in kept}
    yield from sorted(kept, key=keys.__getitem__)


def document_of_summary(pair: Mapping[str, Any]) -> str:
    """Return the id of a SummEdits document: all summaries of one premise share it."""
    return "summedits-" + hashlib.sha256(pair["premise"].encode()).hexdigest()[:16]


# --- pairs that people labelled -------------------------------------------------------------------


def _nli(bench: Path, rng: random.Random) -> Iterator[SupportExample]:
    yield from rng.sample(list(_labelled(bench)), _NLI_PAIRS)


def _labelled(bench: Path) -> Iterator[SupportExample]:
    labels = {"entailment": SUPPORTED, "neutral": NOT_TOLD, "contradiction": CONTRADICTED}
    for pair in _lines(bench / "train" / "train_nli.pairs.jsonl.xz"):
        if pair["source"] in NLI_SOURCES:
            premise = pair["premise"]
            yield SupportExample(
                pair["hypothesis"], premise, labels[pair["label"]], pair["source"], premise
            )


def unused_nli(bench: Path, seed: int) -> Iterator[SupportExample]:
    """Yield the labelled pairs that :func:`examples` leaves out for a seed."""
    used = {(one.statement, one.words) for one in _nli(bench, random.Random(seed))}
    for pair in _labelled(bench):
        if (pair.statement, pair.words) not in used:
            yield pair


def _wice(bench: Path) -> Iterator[SupportExample]:
    folder = bench / "sets" / "wice"
    texts = {row["id"]: row["text"] for row in _lines(folder / "corpus.jsonl.gz")}
    for claim in _lines(folder / "questions.jsonl.gz"):
        document = claim["context_doc"]
        if is_held_out(document):
            continue
        statement = claim["question"]
        lines = [line for line in texts[document].split("\n") if line.strip()]
        label = SUPPORTED if claim["label"] == "supported" else NOT_TOLD
        words = closest_sentences(statement, lines, MOST_WORDS)
        gold = [piece["quote"] for piece in claim["evidence"]]
        chosen = set(gold)
        # At reading time nobody names the gold sentences; but without them nothing is supported.
        if gold:
            rest = [line for line in lines if line not in chosen]
            around = closest_sentences(statement, rest, MOST_WORDS // 3).split("\n")
            with_gold = "\n".join(line for line in lines if line in chosen or line in around)
            yield SupportExample(statement, _cut(with_gold), label, "wice", document)
            only = "\n".join(line for line in lines if line in chosen)
            yield SupportExample(statement, _cut(only), label, "wice", document)
            without = closest_sentences(statement, rest, MOST_WORDS)
            if label == SUPPORTED:
                yield SupportExample(statement, without, NOT_TOLD, "wice without", document)
        if label == NOT_TOLD or all(line in words for line in gold):
            yield SupportExample(statement, words, label, "wice", document)


def _summedits(bench: Path) -> Iterator[SupportExample]:
    for pair in _lines(bench / "sets" / "summedits_other" / "pairs.jsonl.gz"):
        document = document_of_summary(pair)
        if is_held_out(document):
            continue
        if pair["label"] == 1:
            label = SUPPORTED
        elif set(pair["edit_types"]) == {"hallucinated_fact_insertion"}:
            label = NOT_TOLD
        else:
            label = CONTRADICTED
        statement = pair["hypothesis"]
        lines = _split(pair["premise"])
        for most in (MOST_WORDS, MOST_WORDS * 2 // 3):
            words = closest_sentences(statement, lines, most)
            yield SupportExample(statement, words, label, "summedits", document)
            if label == CONTRADICTED and most != MOST_WORDS:
                break
        if label == SUPPORTED:
            for sentence in _split(statement):
                words = closest_sentences(sentence, lines, MOST_WORDS)
                yield SupportExample(sentence, words, label, "summedits sentence", document)


# --- sentences of paragraphs ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Paragraph:
    paragraph_id: str
    article: str
    text: str
    sentences: tuple[str, ...]


def _paragraphs(bench: Path) -> dict[str, _Paragraph]:
    found = {}
    for row in _lines(bench / "train" / "squad11_train.corpus.jsonl.xz"):
        text = " ".join(row["text"].split())
        found[row["id"]] = _Paragraph(row["id"], row["title"], text, tuple(_split(text)))
    return found


def _sentences(
    paragraphs: Mapping[str, _Paragraph], rng: random.Random
) -> Iterator[SupportExample]:
    by_article: dict[str, list[_Paragraph]] = defaultdict(list)
    for paragraph in paragraphs.values():
        by_article[paragraph.article].append(paragraph)
    names = {
        article: Names(paragraph.text for paragraph in its) for article, its in by_article.items()
    }
    places = [
        (paragraph, at)
        for paragraph in paragraphs.values()
        for at, sentence in enumerate(paragraph.sentences)
        if 7 <= len(sentence.split()) <= 45 and sentence[0].isupper() and sentence[-1] in '.”"'
    ]
    # Sentences with a speaker, a denial or a plan are few, and are what news is made of.
    weights = [_weight(paragraph.sentences[at]) for paragraph, at in places]
    keys = [rng.random() ** (1 / weight) for weight in weights]
    order = sorted(range(len(places)), key=lambda i: -keys[i])[:_SENTENCES]
    for index in order:
        paragraph, at = places[index]
        yield from _about(paragraph, at, by_article[paragraph.article], names, rng)


_TELLING = re.compile(
    r"\b(?:not|never|will|would|may|might|plan\w*|said|says|according|announced|claim\w*|argued|"
    r"believe\w*|reported|stated|some|most|all|many|several|expected)\b|n[’']t\b"
)


def _weight(sentence: str) -> float:
    telling = len(set(_TELLING.findall(sentence)))
    speech = 3.0 if re.search(r"\b(?:said|according to|announced|stated|argued)\b", sentence) else 0
    return 1.0 + telling + speech + (0.7 if re.search(r"\d", sentence) else 0)


def _about(
    paragraph: _Paragraph,
    at: int,
    article: Sequence[_Paragraph],
    names: Mapping[str, Names],
    rng: random.Random,
) -> Iterator[SupportExample]:
    sentence = paragraph.sentences[at]
    words = _window(paragraph.sentences, at, rng)
    group = paragraph.article

    def one(statement: str, cited: str, label: int, how: str) -> SupportExample:
        return SupportExample(statement, cited, label, f"squad {how}", group)

    told = sentence if rng.random() < 0.25 else reworded(sentence, rng)
    if told != sentence or rng.random() < 0.6:
        yield one(told, words, SUPPORTED, "reworded" if told != sentence else "copied")
    shorter = in_part(sentence, rng)
    if shorter is not None:
        yield one(shorter, words, SUPPORTED, "in part")

    speakers = sorted({name.text for _, _, name in names_in(paragraph.text) if " " in name.text})
    made = alterations(sentence, names[paragraph.article], speakers, rng)
    kinds = sorted(made, key=lambda kind: rng.random() * _RARITY.get(kind, 1.0))[:3]
    for kind in kinds:
        yield from _changed(sentence, words, made[kind], kind, one, rng)
    if shorter is not None and rng.random() < 0.4:
        again = alterations(shorter, names[paragraph.article], speakers, rng)
        if again:
            kind = rng.choice(sorted(again))
            changed = again[kind]
            label = CONTRADICTED if changed.denied else NOT_TOLD
            yield one(changed.text, words, label, f"part {kind}")

    if rng.random() < 0.35:
        yield from _spoken(sentence, words, speakers, one, rng)
    elsewhere = _without(paragraph, at, article, rng)
    if elsewhere is not None and rng.random() < 0.7:
        yield one(told, elsewhere, NOT_TOLD, "elsewhere")
    if rng.random() < 0.4:
        more = _with_more(sentence, paragraph, article, rng)
        if more is not None:
            yield one(more, words, NOT_TOLD, "with more")


_SPEAKERS = (
    "the government", "officials", "critics", "the police", "the opposition", "local media",
    "researchers", "the president", "witnesses", "the army", "residents", "the company",
    "economists", "the ministry", "aid workers", "the court", "analysts", "Israeli officials",
    "the prime minister", "a spokesman for the army", "the United Nations", "rebel leaders",
    "two senior officials", "the central bank", "human rights groups", "the mayor", "the union",
    "a government spokeswoman", "the president’s envoy", "doctors at the hospital",
    "the foreign ministry", "diplomats", "the rescue service", "the health ministry",
)  # fmt: skip


def _spoken(
    sentence: str, words: str, speakers: Sequence[str], one: Any, rng: random.Random
) -> Iterator[SupportExample]:
    """Put a sentence of the words into somebody's mouth; then only they say it."""
    if said_in(sentence) or re.search(r"[“”\"?:;]|\b(?:said|I|we|you)\b", sentence):
        return
    pool = [*_SPEAKERS, *(2 * list(speakers))]
    who, other = rng.sample(pool, 2)
    if set(who.lower().split()) & set(other.lower().split()) - {
        "the",
        "a",
        "of",
        "for",
        "officials",
    }:
        return
    told = _said_by(sentence, who, rng)
    spoken = words.replace(sentence, told)
    if spoken == words:
        return
    yield one(_said_by(sentence, who, rng), spoken, SUPPORTED, "spoken")
    draw = rng.random()
    if draw < 0.7:
        yield one(_said_by(sentence, other, rng), spoken, NOT_TOLD, "spoken by others")
    else:
        yield one(_said_by(sentence, who, rng), words, NOT_TOLD, "spoken by nobody")


def _said_by(sentence: str, who: str, rng: random.Random) -> str:
    bare = sentence.rstrip(".")
    inside = _lower_first(bare)
    verb = rng.choice(["said", "said", "say" if re.search(r"(?<!s)s$", who) else "says"])
    started = who[0].upper() + who[1:]
    return rng.choice(
        [
            f"According to {who}, {inside}.",
            f"{bare}, according to {who}.",
            f"{bare}, {who} {verb}.",
            f"{started} {verb} that {inside}.",
            f"{started} {verb} {inside}.",
        ]
    )


# A kind with a low figure is taken first where it fits.
_RARITY = {
    "speaker": 0.3, "no speaker": 0.6, "tense": 0.6, "quantifier": 0.5, "date": 0.5, "roles": 0.5,
    "entity": 0.8, "number": 0.8, "negation": 0.8,
}  # fmt: skip


def _changed(
    sentence: str, words: str, changed: Altered, kind: str, one: Any, rng: random.Random
) -> Iterator[SupportExample]:
    label = CONTRADICTED if changed.denied else NOT_TOLD
    statement = changed.text
    if rng.random() < 0.5:
        other = reworded(statement, rng)
        # A rewording must not undo the change.
        statement = other if changed.after in other else statement
    changed_words = words.replace(sentence, changed.text)
    draw = rng.random()
    if changed_words == words or kind == "no speaker" or draw < 0.6:
        yield one(statement, words, label, kind)
    elif draw < 0.8 and changed.mirrored:
        told = reworded(sentence, rng)
        if changed.before in told:
            yield one(told, changed_words, label, f"{kind} in words")
    else:
        yield one(statement, words, label, kind)
        yield one(statement, changed_words, SUPPORTED, f"{kind} in both")


def _window(sentences: Sequence[str], at: int, rng: random.Random) -> str:
    """Return one to four sentences in a row, one of them the one asked for."""
    count = rng.choice([1, 1, 2, 3, 3, 4])
    first = max(0, at - rng.randint(0, count - 1))
    chosen = list(sentences[first : first + count])
    while len(" ".join(chosen).split()) > MOST_WORDS - 30 and len(chosen) > 1:
        chosen.pop(0 if chosen[0] != sentences[at] else -1)
    return " ".join(chosen)


def _without(
    paragraph: _Paragraph, at: int, article: Sequence[_Paragraph], rng: random.Random
) -> str | None:
    """Return the nearest words that lack a sentence: its neighbours, or another paragraph."""
    sentences = paragraph.sentences
    around = [*sentences[max(0, at - 2) : at], *sentences[at + 1 : at + 3]]
    if around and rng.random() < 0.6:
        return _cut(" ".join(around))
    others = [other for other in article if other.paragraph_id != paragraph.paragraph_id]
    if not others:
        return None
    near = rng.sample(others, min(4, len(others)))
    wanted = set(re.findall(r"\w{4,}", sentences[at].lower()))
    best = max(near, key=lambda p: len(wanted & set(re.findall(r"\w{4,}", p.text.lower()))))
    if sentences[at] in best.text:
        return None
    return closest_sentences(sentences[at], best.sentences, 110)


_TRAILING = re.compile(
    r" (?P<tail>(?:in|on|at|during|after|before|because of|with|for|from|by|under|despite|near|"
    r"through|as part of|due to|in order to|while|since) [^,;()“”\"]{6,60})\.$"
)


def _with_more(
    sentence: str, paragraph: _Paragraph, article: Sequence[_Paragraph], rng: random.Random
) -> str | None:
    """Return the sentence with something added that its paragraph does not say."""
    others = [other for other in article if other.paragraph_id != paragraph.paragraph_id]
    rng.shuffle(others)
    if not others or not sentence.endswith("."):
        return None
    for other in others[:6]:
        candidates = list(other.sentences)
        rng.shuffle(candidates)
        for candidate in candidates:
            if rng.random() < 0.5 and 5 <= len(candidate.split()) <= 20 and candidate[-1] == ".":
                if re.match(r"(?:He|She|It|They|This|These|However|The)\b", candidate):
                    first = candidate[0].lower() + candidate[1:]
                else:
                    first = candidate
                if first.startswith("however"):
                    continue
                return f"{sentence[:-1]}, and {first}"
            tail = _TRAILING.search(candidate)
            if tail and tail["tail"] not in paragraph.text:
                return f"{sentence[:-1]} {tail['tail']}."
    return None


@dataclass(frozen=True, slots=True)
class MadeStatement:
    """A statement made by rule, for fitting bounds and for measuring.

    Attributes:
        kind: ``true``, or what was altered.
        statement: A sentence.
        words: Three sentences of a paragraph.
        group: Its article.
    """

    kind: str
    statement: str
    words: str
    group: str


def statements_from_paragraphs(
    bench: Path, count: int, *, held_out: bool, seed: int
) -> Iterator[MadeStatement]:
    """Yield reworded sentences of ``squad20_dev``, each followed by its alterations.

    Args:
        bench: Folder with ``sets``.
        count: True statements.
        held_out: From the articles that are measured, or from the others.
        seed: Fixes the choice.
    """
    rng = random.Random(seed)
    articles: dict[str, list[str]] = defaultdict(list)
    for row in _lines(bench / "sets" / "squad20_dev" / "corpus.jsonl.gz"):
        if is_held_out(row["title"]) == held_out:
            articles[row["title"]].append(" ".join(row["text"].split()))
    names = {title: Names(texts) for title, texts in articles.items()}
    titles = sorted(articles)
    made = 0
    while made < count:
        title = titles[made % len(titles)]
        text = rng.choice(articles[title])
        sentences = _split(text)
        at = rng.randrange(len(sentences))
        sentence = sentences[at]
        if not (8 <= len(sentence.split()) <= 40 and sentence[0].isupper() and sentence[-1] == "."):
            continue
        statement = in_part(sentence, rng) or reworded(sentence, rng)
        if statement == sentence:
            continue
        words = " ".join(sentences[max(0, at - 1) : at + 2])
        made += 1
        yield MadeStatement("true", statement, words, title)
        speakers = sorted({name.text for _, _, name in names_in(text) if " " in name.text})
        for kind, one in alterations(statement, names[title], speakers, rng).items():
            yield MadeStatement(kind, one.text, words, title)


# --- the same in other words ----------------------------------------------------------------------

_SAME = [
    ("began", "started"), ("begin", "start"), ("located", "situated"), ("purchased", "bought"),
    ("large", "big"), ("approximately", "about"), ("approximately", "around"),
    ("however, ", ""), ("also ", ""), ("numerous", "many"), ("obtained", "got"),
    ("assisted", "helped"), ("attempted to", "tried to"), ("in order to", "to"),
    ("due to", "because of"), ("such as", "like"), ("following", "after"), ("prior to", "before"),
    ("known as", "called"), ("referred to as", "called"), ("children", "kids"),
    ("constructed", "built"), ("established", "founded"), ("created", "made"),
    ("received", "got"), ("required", "needed"), ("requires", "needs"), ("remained", "stayed"),
    ("killed", "slain"), ("died", "passed away"), ("resided", "lived"), ("commenced", "began"),
    ("concluded", "ended"), ("throughout", "all over"), ("primarily", "mainly"),
    ("mainly", "mostly"), ("frequently", "often"), ("occurred", "happened"),
    ("a number of", "several"), ("the majority of", "most of"), ("the United States", "the U.S."),
    ("the United Kingdom", "the UK"), ("percent", "%"), ("per cent", "%"),
    ("announced", "made public"),
    ("employed", "used"), ("utilized", "used"), ("demonstrated", "showed"), ("provided", "gave"),
    ("selected", "chose"), ("permitted", "allowed"), ("enormous", "huge"), ("rapidly", "quickly"),
    ("important", "significant"), ("difficult", "hard"), ("entire", "whole"),
    ("immediately", "at once"), ("nearly", "almost"), ("currently", "now"), ("whilst", "while"),
    ("although", "though"), ("because", "since"), ("despite", "in spite of"), ("within", "inside"),
    ("as well as", "and"), ("more than", "over"), ("stated", "said"), ("city", "town"),
    ("film", "movie"), ("aircraft", "planes"), ("residents", "inhabitants"), ("soldiers", "troops"),
    ("additional", "further"), ("sufficient", "enough"), ("near", "close to"),
    ("ended", "came to an end"),
]  # fmt: skip
_SAME = [pair for pair in _SAME if pair not in (("city", "town"), ("selected", "chose"),
         ("provided", "gave"), ("within", "inside"), ("following", "after"),
         ("aircraft", "planes"), ("killed", "slain"), ("because", "since"))]  # fmt: skip
_ABOUT_SAME = [(re.compile(rf"\b{re.escape(one.strip())}\b" + " " * one.endswith(" ")), other)
               for one, other in _SAME]  # fmt: skip
_CONTRACTIONS = [
    (r"\b(did|does|do|is|are|was|were|has|have|had|would|could|should) not\b", r"\1n’t"),
    (r"\b(\w+)n[’']t\b", r"\1 not"),
    (r"\bcannot\b", "can’t"),
    (r"\b([Tt]hey|[Ww]e) are\b", r"\1’re"),
    (r"\b([Hh]e|[Ss]he|[Ii]t) is\b", r"\1’s"),
    (r"\b([Tt]hey|[Hh]e|[Ss]he|[Ii]t) will\b", r"\1’ll"),
]
_FRONT = re.compile(
    r"^(?P<when>(?:In|On|During|After|Since|By|At|Until|Throughout) (?:the )?[^,;“”\"]{3,45}), "
    r"(?P<what>[^;]+)\.$"
)
_BACK = re.compile(
    r"^(?P<what>[A-Z][^,;]+) (?P<when>(?:in|on|during|since|until) "
    r"(?:(?:early|late|mid-)? ?(?:\d{4}|" + "|".join(
        MONTHS
    ) + r"|the \d{4}s)[ \d,]*))\.$"
)  # fmt: skip
_BY = re.compile(
    r"^(?P<whom>(?:The |An? )?[A-Z]?[\w’' -]{2,50}?) (?P<be>was|were) (?P<did>[a-z]{3,}ed|built|"
    r"written|led|won|taken|held|made|founded|sold|bought)"
    r" by (?P<who>(?:the |an? )?[\w.’' -]{3,60})\.$"
)
_PASSIVE_TO_PAST = {"written": "wrote", "taken": "took"}
_ACTIVE = re.compile(
    r"^(?P<who>(?:The )?[A-Z][\w.’'-]*(?: (?:of |the )?[A-Z][\w.’'-]*){0,4}) "
    r"(?P<did>founded|created|designed|invented|established|defeated|captured|discovered|attacked|"
    r"invaded|published|released|launched|built|signed|introduced|produced|developed|rejected|"
    r"approved|adopted|destroyed|killed|arrested|appointed|elected|purchased|acquired|conquered) "
    r"(?P<whom>(?:the|an?|his|her|its|their) [\w’' -]{3,50}|[A-Z][\w’'-]*(?: [A-Z][\w’'-]*){0,4})"
    r"(?P<rest>(?: (?:in|on|at|during) [^,;]{3,40})?)\.$"
)


def reworded(sentence: str, rng: random.Random) -> str:
    """Return the sentence in other words with the same meaning, or as it is."""
    ways = [_reported, _turned, _moved, _in_figures, _contracted, _with_synonyms, _with_synonyms]
    rng.shuffle(ways)
    text = sentence
    done = 0
    for way in ways:
        changed = way(text, rng)
        if changed is not None and changed != text:
            text = changed
            done += 1
        if done == 2:
            break
    return text[0].upper() + text[1:]


# At the start of a sentence; written small when something comes before them.
_SMALL = frozenset(
    "The A An It He She They In On This These That Those His Her Their Its Some Many Most All Both "
    "Several There After During By At When Each One Two Three Four Five Between If Only Much Since "
    "While Although Though For With As Because Other Such Another Few Every Under Over Among More "
    "From To Of However Despite Until Since Before Between Within Where Today Nearly About Around "
    "Approximately Almost Just Even Not No Additionally Construction Critics People".split()
)


def _lower_first(text: str) -> str:
    return text[0].lower() + text[1:] if text.split()[0] in _SMALL else text


def _reported(text: str, rng: random.Random) -> str | None:
    """Move who says so to the other end."""
    for pattern in (SAID_THAT, ACCORDING_FIRST, ACCORDING_LAST, SAID_LAST):
        match = pattern.match(text)
        if match is None:
            continue
        who, what = match["who"], match["what"].strip()
        if re.match(r"(?:that|which|who|what|it|there|this|these|some|many|most)\b", who, re.I):
            return None
        if what.count("“") != what.count("”") or what.count('"') % 2 or "“" in what or '"' in what:
            return None
        if pattern is SAID_THAT and match["verb"] not in (
            "said",
            "says",
            "say",
            "stated",
            "reported",
        ):
            return None
        if pattern is SAID_THAT and match["when"]:
            return None
        if pattern is SAID_THAT and match["aside"]:
            who = f"{who}{match['aside'].rstrip(',')}"
        who_inside = _lower_first(who)
        forms = [
            f"According to {who_inside}, {_lower_first(what)}.",
            f"{what[0].upper()}{what[1:]}, according to {who_inside}.",
        ]
        plural = re.match(r"(?:the |some |many )?[\w ]*s$", who_inside) is not None
        if pattern is not SAID_THAT:
            forms.append(f"{who[0].upper()}{who[1:]} said that {_lower_first(what)}.")
        else:
            verb = "say" if plural else "says"
            forms.append(f"{what[0].upper()}{what[1:]}, {who_inside} {verb}.")
        return rng.choice(forms)
    return None


def _turned(text: str, rng: random.Random) -> str | None:
    """Turn passive to active, and back."""
    match = _BY.match(text)
    if match and not re.search(r"\b(?:and|or|the end|which|\d{4})\b", match["who"]):
        did = _PASSIVE_TO_PAST.get(match["did"], match["did"])
        who = match["who"]
        return f"{who[0].upper()}{who[1:]} {did} {_lower_first(match['whom'])}."
    match = _ACTIVE.match(text)
    if match and not re.search(r"\b(?:and|that|to|who|which|itself|himself)\b", match["whom"]):
        plural = re.search(r"[^s]s$", match["whom"]) or " and " in match["whom"]
        if re.search(r"^(?:his|her|its|their)\b", match["whom"]):
            return None
        be = "were" if plural and not match["whom"][0].isupper() else "was"
        whom = match["whom"][0].upper() + match["whom"][1:]
        return f"{whom} {be} {match['did']} by {_lower_first(match['who'])}{match['rest']}."
    return None


def _moved(text: str, rng: random.Random) -> str | None:
    """Move when it was to the other end."""
    match = _FRONT.match(text)
    if match:
        what = match["what"]
        if "," not in what and len(what.split()) > 3:
            when = match["when"][0].lower() + match["when"][1:]
            return f"{what[0].upper()}{what[1:]} {when}."
        return None
    match = _BACK.match(text)
    if match:
        when = match["when"][0].upper() + match["when"][1:].rstrip(", ")
        return f"{when}, {_lower_first(match['what'])}."
    return None


def _in_figures(text: str, rng: random.Random) -> str | None:
    """Write a number in figures that stands in words, or the other way round."""
    match = re.search(
        r"(?<![\w.,/:–-])(?:[2-9]|1\d|20)(?= [a-z]{3,})(?! ?(?:percent|per|million))", text
    )
    if match:
        if re.search(r"(?:\b(?:January|February|March|April|May|June|July|August|September|October|"
                     r"November|December|No|[A-Z]\w+)\.?|[$£€]) ?$",
                     text[: match.start()]):  # fmt: skip
            return None
        return text[: match.start()] + WORDS_OF_NUMBERS[int(match.group())] + text[match.end() :]
    words = "|".join(WORDS_OF_NUMBERS[2:])
    match = re.search(rf"(?<![\w-])(?:{words})(?= (?!of|or|and|hundred|thousand)[a-z]{{3,}})", text)
    if match:
        return (
            text[: match.start()] + str(WORDS_OF_NUMBERS.index(match.group())) + text[match.end() :]
        )
    match = re.search(r"(\d{1,3}),000,000\b", text)
    if match:
        return text[: match.start()] + match[1] + " million" + text[match.end() :]
    match = re.search(r"\b(\d{1,3}(?:,\d{3})+)\b", text)
    if match:
        return text[: match.start()] + match[1].replace(",", "") + text[match.end() :]
    return None


def _contracted(text: str, rng: random.Random) -> str | None:
    for pattern, instead in _CONTRACTIONS:
        if instead == r"\1 not" and re.search(r"\b(?:wo|ca|sha)n[’']t\b", text):
            continue
        changed = re.sub(pattern, instead, text, count=1)
        if changed != text:
            return changed
    return None


def _with_synonyms(text: str, rng: random.Random) -> str | None:
    fits = [(pattern, other) for pattern, other in _ABOUT_SAME if pattern.search(text)]
    if not fits:
        return None
    pattern, other = rng.choice(fits)
    return re.sub(r" %", "%", pattern.sub(lambda _: other, text, count=1))


_ASIDE = re.compile(r" \([^()]{2,80}\)")
_RELATIVE = re.compile(
    r", (?:which|who|whose|where|including|such as|most notably|especially|particularly)"
    r" [^,;]{5,90},"
    r"(?= [a-z])"
)
_LAST_RELATIVE = re.compile(
    r", (?:which|who|whose|where|including|such as|with|making|leading|resulting) [^;]{5,160}\.$"
)
_APPOSITIVE = re.compile(
    r"(?P<who>[A-Z][\w.’'-]*(?: (?:of |de |von )?[A-Z][\w.’'-]*){0,4}), "
    r"(?P<what>(?:the|an?) [a-z][^,;()]{4,60}), (?=[a-z])"
)
_CLAUSES = re.compile(
    r"(?:;|, (?:and|but)|,? while|,? although) (?=(?:the|an?|he|she|it|they|in|[A-Z])\b)"
)


def in_part(sentence: str, rng: random.Random) -> str | None:
    """Return a part of what a sentence says that holds by itself, or None."""
    ways = [_shortened, _first_clause, _apposed]
    rng.shuffle(ways)
    for way in ways:
        part = way(sentence, rng)
        if part is not None and 4 <= len(part.split()) < len(sentence.split()):
            part = part[0].upper() + part[1:]
            return reworded(part, rng) if rng.random() < 0.4 else part
    return None


def _shortened(text: str, rng: random.Random) -> str | None:
    changed = _ASIDE.sub("", text)
    changed = _RELATIVE.sub("", changed)
    changed = _LAST_RELATIVE.sub(".", changed)
    front = _FRONT.match(changed)
    if front and rng.random() < 0.5:
        changed = f"{front['what']}."
    return changed if changed != text else None


def _first_clause(text: str, rng: random.Random) -> str | None:
    if re.match(r"(?:When|While|Although|Though|If|As|Because|Since|Unlike|Whereas|According|Not|"
                r"Neither|Despite|Unless|Whether|Both)\b", text):  # fmt: skip
        return None
    match = _CLAUSES.search(text)
    if (
        match is None
        or match.start() < 25
        or text[: match.start()].count("(") != text[: match.start()].count(")")
    ):
        return None
    first = text[: match.start()]
    if first.count("“") != first.count("”") or first.count('"') % 2:
        return None
    if re.search(r"\b(?:if|whether|that|either|neither|between|both|said|from)\b", first):
        return None
    # A list's first members are no clause.
    return first + "." if re.search(r"\b(?:is|are|was|were|has|had|\w+ed)\b", first) else None


def _apposed(text: str, rng: random.Random) -> str | None:
    match = _APPOSITIVE.match(text)
    if match is None or re.search(r"\b(?:and|or|,)$", text[: match.start()].strip()):
        return None
    if match["who"].split()[0] in ("In", "On", "At", "For", "By", "After", "The", "As", "When"):
        return None
    be = "is" if re.search(r"\b(?:is|are|has|have)\b", text) else "was"
    if re.search(r"s$", match["what"].split()[-1]) and match["what"].startswith("the"):
        return None
    return f"{match['who']} {be} {match['what']}."


# --- questions and answers ------------------------------------------------------------------------


def _from_questions(
    bench: Path, paragraphs: Mapping[str, _Paragraph], rng: random.Random
) -> Iterator[SupportExample]:
    by_paragraph: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _lines(bench / "train" / "squad11_train.questions.jsonl.xz"):
        by_paragraph[row["context_doc"]].append(row)
    infinitives = Counter(
        word for p in paragraphs.values() for word in re.findall(r"\bto ([a-z]{3,})\b", p.text)
    )
    bases = {word for word, count in infinitives.items() if count >= 15}
    bases -= {"the", "that", "this", "his", "her", "their", "its"}
    order = sorted(by_paragraph)
    rng.shuffle(order)
    count = 0
    for name in order:
        paragraph = paragraphs[name]
        answers = {row["question"]: row["answers"][0] for row in by_paragraph[name]}
        for row in by_paragraph[name]:
            answer = " ".join(row["answers"][0].split())
            text = statement_from(row["question"], answer, bases)
            if text is None or len(answer.split()) > 8 or not answer:
                continue
            words = _around(paragraph, row["answer_start"], answer, rng)
            if words is None:
                continue
            group = paragraph.article
            yield SupportExample(text, words, SUPPORTED, "squad answer", group)
            wrong = _wrong_answer(row["question"], answer, answers, paragraph, rng)
            if wrong is not None:
                other = statement_from(row["question"], wrong, bases)
                if other is not None:
                    yield SupportExample(other, words, CONTRADICTED, "squad wrong answer", group)
            if rng.random() < 0.4:
                lacking = [s for s in paragraph.sentences if answer not in s]
                if lacking:
                    elsewhere = closest_sentences(text, lacking, 80)
                    yield SupportExample(text, elsewhere, NOT_TOLD, "squad answer elsewhere", group)
            count += 1
            if count == _QUESTIONS:
                return


def _around(paragraph: _Paragraph, start: int, answer: str, rng: random.Random) -> str | None:
    at = 0
    for index, sentence in enumerate(paragraph.sentences):
        at = paragraph.text.find(sentence, at)
        if at < 0:
            return None
        if at <= start < at + len(sentence):
            if answer not in sentence:
                return None
            first = max(0, index - rng.randint(1, 2))
            return _cut(" ".join(paragraph.sentences[first : index + rng.choice([1, 2])]))
        at += len(sentence)
    return None


def _kind_of(answer: str) -> str:
    if re.fullmatch(r"(?:in |about )?\d{4}", answer):
        return "year"
    if re.search(r"\d", answer):
        return "number " + re.sub(r"[\d.,]+", "#", answer.lower())
    if all(word[0].isupper() for word in answer.split() if len(word) > 3):
        return "name"
    return "words"


def _wrong_answer(
    question: str,
    answer: str,
    answers: Mapping[str, str],
    paragraph: _Paragraph,
    rng: random.Random,
) -> str | None:
    asked = question.split()[0].lower()
    used = {word.lower() for word in re.findall(r"\w+", answer + " " + question)}
    choices = [
        other
        for its, other in answers.items()
        if other != answer
        and its.split()[0].lower() == asked
        and _kind_of(other) == _kind_of(answer)
        and not used & {word.lower() for word in re.findall(r"\w+", other)}
        and len(other.split()) <= 8
    ]
    if not choices and _kind_of(answer) == "name":
        choices = [
            name.text
            for _, _, name in names_in(paragraph.text)
            if len(name.text.split()) == len(answer.split())
            and not used & set(re.findall(r"\w+", name.text.lower()))
        ]
        if asked != "who":
            choices = []
    if not choices and _kind_of(answer) == "year":
        choices = [str(int(re.sub(r"\D", "", answer)) + rng.choice([-7, -2, -1, 1, 3, 10]))]
    return rng.choice(sorted(choices)) if choices else None


def statement_from(question: str, answer: str, bases: set[str]) -> str | None:
    """Return question and answer as one statement, or None where no rule is safe."""
    asked = question.strip().rstrip("?").strip()
    answer = answer.strip(" .,;")
    match = re.match(r"Who (?P<rest>(?:was|were|is|[a-z]+ed|won|led|wrote|made|built|held|became|"
                     r"took|gave|sang|founded|ran|sold|bought|began|beat|had|has) .+)$",
                     asked)  # fmt: skip
    if match:
        rest = match["rest"]
        if re.match(r"(?:was|were|is) (?:the|an?) ", rest) or re.match(
            r"(?!was|were|is)|(?:was|were|is) [a-z]+(?:ed|n)\b", rest
        ):
            if re.search(r" (?:by|with|to|for|from|of|in)$", rest):
                return None
            return f"{answer[0].upper()}{answer[1:]} {rest}."
        return None
    match = re.match(r"(?:What|Who) (?P<be>is|was|are|were) (?P<rest>(?:the|an?) .+)$", asked)
    if match:
        if re.search(r"\b(?:called|known as|named|doing|used|made|able|said|thought|for|to|of|in|"
                     r"by)$", match["rest"]):  # fmt: skip
            return None
        if re.search(r"\b(?:who|that|which|when|if)\b", match["rest"]):
            return None
        return f"{match['rest'][0].upper()}{match['rest'][1:]} {match['be']} {answer}."
    match = re.match(
        r"(?:When|In (?:what|which) year) (?P<be>was|were|did|is) (?P<rest>.+)$", asked
    )
    if match:
        if not re.search(r"\d", answer) or re.match(r"(?:after|before|by|around)", answer.lower()):
            return None
        led = re.match(r"(?:in|on|at|during|from|between|since)\b", answer.lower())
        when = answer if led else (
            f"on {answer}" if re.search(r"[A-Z][a-z]+ \d{1,2}\b|^\d{1,2} [A-Z]", answer)
            else f"in {answer}"
        )  # fmt: skip
        return _declared(match["be"], match["rest"], when, bases)
    match = re.match(r"(?:In (?:what|which) (?:city|country|state|town|province|region)|Where) "
                     r"(?P<be>was|were|did|is|are) (?P<rest>.+)$", asked)  # fmt: skip
    if match:
        if not answer[0].isupper() and not answer.startswith(("in ", "at ")):
            return None
        where = answer if re.match(r"(?:in|at|on|near)\b", answer) else f"in {answer}"
        if re.search(r" (?:from|to|in|at)$", match["rest"]):
            return None
        return _declared(match["be"], match["rest"], where, bases)
    match = re.match(r"How many (?P<what>[a-z][\w -]{2,30}?) "
                     r"(?P<rest>(?:are|were|was|is|have|had|has|"
                     r"died|live|lived|attended|participated|served|voted)\b.+|live|died)$",
                     asked)  # fmt: skip
    if match:
        if not re.search(r"\d", answer) and answer.lower() not in WORDS_OF_NUMBERS:
            return None
        number = re.sub(rf"\b {re.escape(match['what'])}$", "", answer)
        if re.search(r" (?:have|has|had)$|\b(?:does|did|do)\b", f" {match['rest']}"):
            return None
        if re.match(r"(?:are|were|is|was) there", match["rest"]):
            rest = match["rest"][9 if match["rest"].startswith("are") else 10 :].strip()
            be = "are" if match["rest"].startswith("are") else "were"
            return f"There {be} {number} {match['what']} {rest}".rstrip() + "."
        return f"{number[0].upper()}{number[1:]} {match['what']} {match['rest']}."
    return None


_PARTICIPLE = re.compile(
    r"^(?P<who>.{2,70}?) (?P<did>(?:first |officially |originally |formally |finally )?"
    r"(?:[a-z]{3,}ed|"
    r"born|built|written|held|made|won|sold|given|taken|sent|found|begun|shown|known|elected|"
    r"set up|"
    r"located|situated|headquartered|based|buried|raised))(?P<rest>(?: .*)?)$"
)


_TAKES_ED = re.compile(
    r"[^aeiou][aeiou]?(?:ct|nd|rt|st|nt|lt|in|er|ar|ow|ss|sh|ch|ck|rm|lk|ll|rn|it|pt)$"
)


def _declared(be: str, rest: str, tail: str, bases: set[str]) -> str | None:
    if be in ("was", "were", "is", "are"):
        match = _PARTICIPLE.match(rest)
        if match is None or re.search(r"\b(?:who|which|that|when|by)$", match["who"]):
            return None
        who = match["who"]
        behind = match["rest"]
        return f"{who[0].upper()}{who[1:]} {be} {match['did']}{behind} {tail}."
    words = rest.split()
    for at in range(1, len(words)):
        if (
            words[at] in bases
            and words[at].islower()
            and words[at - 1] not in ("to", "the", "a", "of", "and")
        ):
            base = words[at]
            past = PAST_OF.get(base) or (base + "d" if base.endswith("e") else None)
            if past is None and _TAKES_ED.search(base):
                past = base + "ed"
            if past is None or past in ("cuted", "hited", "puted", "seted", "shuted", "splited"):
                return None
            who = " ".join(words[:at])
            behind = " ".join(words[at + 1 :])
            text = f"{who[0].upper()}{who[1:]} {past} {behind} {tail}."
            return re.sub(r"\s+", " ", text)
    return None


# --- files and sentences --------------------------------------------------------------------------


def _split(text: str) -> list[str]:
    return [
        piece.strip()
        for line in text.split("\n")
        for piece in sentencex.segment("en", line)
        if piece.strip()
    ]


def _cut(words: str) -> str:
    return " ".join(words.split(" ")[:MOST_WORDS])


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    opened = lzma.open if path.suffix == ".xz" else gzip.open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def main() -> None:
    """Show how many pairs there are, and some of each kind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--seed", type=int, default=20240701)
    parser.add_argument("--show", type=int, default=3, help="pairs of each kind")
    options = parser.parse_args()
    made = list(examples(options.bench, options.seed))
    by_source: dict[tuple[str, int], list[SupportExample]] = defaultdict(list)
    for one in made:
        by_source[one.source, one.label].append(one)
    print(len(made), "pairs;", dict(sorted(Counter(one.label for one in made).items())))
    for (source, label), its in sorted(by_source.items()):
        print(f"\n== {source}, label {label}: {len(its)}")
        for one in its[: options.show]:
            print(f"   S: {one.statement}\n   W: {one.words}")


if __name__ == "__main__":
    main()
