"""How often a follow-up finds its passage: as typed, filled by the rules, rewritten by a person.

    python tests/bench/bench_followups.py [--index FOLDER] [--distractors SHARE]

Measures on two public sets of conversations, `mtrag_human_eval` (follow-ups that its passages
answer; with human rewrites) and `inscit` (its quick, answerable follow-ups), over their own pools
and distractors: the paragraphs of `2wiki_6119`, 5,000 paragraphs of SQuAD's training half and 1,000
Reuters stories, or a share of them. In the pools alone every passage belongs to some conversation,
which flatters questions that are searched as typed. A hit is one of the set's gold documents among
the first 1, 5 or 10 *documents*, over passages as the archive makes them. The weights in
`rag/conversation.py` were chosen on half of MTRAG's conversations; the other half and INSCIT are
unseen. Questions that the rules change and those left alone are shown apart.

The same follow-ups are then asked (INSCIT's unanswerable turns too): is the first document cited a
gold one, or, where the answer abstains, the nearest; and how often are unanswerable turns declined.

The follow-ups of the seed articles go through ``archive.ask``, history answered first.

The sets are looked for in ../shared beside the project; without them nothing is measured and the
script says so. The index is built where --index says (a folder of its own, kept; embedding all
distractors takes from ten minutes to an hour).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import lzma
import random
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import rag
from rag.conversation import Standalone, lacks_subject, standalone
from rag.retriever import Filter
from rag.schema import Turn

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT.parent / "shared" / "bench"
SEED_QUESTIONS = ROOT.parent / "shared" / "questions" / "seeds.jsonl"
POOLS = {"mtrag": "mtrag_human_eval", "inscit": "inscit"}
DEPTHS = (1, 5, 10)
_PASSAGES = 100


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--index", type=Path, help="where the index is kept between runs")
    parser.add_argument("--distractors", type=float, default=1.0, help="share of them, 0 to 1")
    options = parser.parse_args()
    missing = [path for path in (BENCH, SEED_QUESTIONS) if not path.exists()]
    if missing:
        say(f"skipped: {', '.join(map(str, missing))} is not there")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.index or Path(temporary)
        ids = write_corpus(folder / "corpus", options.distractors)
        with rag.build(folder / "corpus", folder / "index", rag.load_settings()) as archive:
            measure(archive, ids)
            measure_answers(archive, ids)
        with rag.build(ROOT / "seeds", Path(temporary) / "seeds", rag.load_settings()) as archive:
            measure_seeds(archive)
    return 0


def write_corpus(folder: Path, share: float) -> dict[str, str]:
    """Write pools and distractors as JSON Lines; return the document's id by article path."""
    chosen = random.Random(0)
    squad = chosen.sample(rows(BENCH / "train/squad11_train.corpus.jsonl.xz"), 5000)
    stories = [
        row
        for row in rows(BENCH / "scale/reuters21578.jsonl.gz")
        if len(row["text"].split()) > 20  # not the bare headlines
    ]
    reuters = chosen.sample(stories, 1000)
    wiki = rows(BENCH / "scale/2wiki_6119.jsonl.gz")
    chosen.shuffle(wiki)
    groups = {
        name: rows(BENCH / "sets" / folder_name / "corpus.jsonl.gz")
        for name, folder_name in POOLS.items()
    }
    for name, far in (("z_2wiki", wiki), ("z_squad", squad), ("z_reuters", reuters)):
        groups[name] = far[: round(share * len(far))]
    folder.mkdir(parents=True, exist_ok=True)
    ids = {}
    for name, documents in groups.items():
        lines = [json.dumps({key: row[key] for key in ("title", "text")}) for row in documents]
        if lines:
            (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for number, row in enumerate(documents, start=1):
            ids[f"{name}.jsonl#{number}"] = f"{name}/{row['id']}"
    return ids


def measure(archive: rag.Archive, ids: dict[str, str]) -> None:
    """Print hit@1, hit@5 and hit@10 of every way to search."""
    rewrites = {
        row["id"]: row["rewrite"] for row in rows(BENCH / "sets/mtrag_human_eval/rewrites.jsonl.gz")
    }
    for pool, folder in POOLS.items():
        questions = rows(BENCH / "sets" / folder / "questions.jsonl.gz")
        first = [row["question"] for row in questions if not row["history"]]
        lacking = [question for question in first if lacks_subject(question)]
        say(f"{pool}: first questions without a subject: {len(lacking)} of {len(first)}")
        asked = [
            row
            for row in questions
            if row["history"] and row["answerable"] and (pool == "mtrag" or row["quick"])
        ]
        ranks: dict[str, list[int]] = {"as typed": [], "rules": [], "human": []}
        changed = []
        for row in asked:
            typed = row["question"].strip()
            ours = standalone(typed, history_of(row))
            changed.append(bool(ours.background))
            gold = {f"{pool}/{evidence['doc_id']}" for evidence in row["evidence"]}
            human = rewrites.get(row["id"].removeprefix("mtrag-"), typed)
            ways = {"as typed": Standalone(typed, typed), "rules": ours}
            if pool == "mtrag":
                ways["human"] = Standalone(human, human)
            for way, query in ways.items():
                ranks[way].append(rank(archive, query, gold, ids, pool))
        groups = {"all": [True] * len(asked), "leaning": changed}
        groups["left alone"] = [not each for each in changed]
        if pool == "mtrag":
            groups["unseen half"] = [is_unseen(row["id"]) for row in asked]
            groups["half chosen on"] = [not each for each in groups["unseen half"]]
        for name, members in groups.items():
            for way, found in ranks.items():
                if found:
                    show(f"{pool} {name}", way, list(itertools.compress(found, members)))


def rank(
    archive: rag.Archive, query: Standalone, gold: set[str], ids: dict[str, str], pool: str
) -> int:
    """Return the place of the first gold document among the documents found, from 1."""
    with archive._opened() as (view, state):
        hits = archive._search(query, view, state, _PASSAGES, Filter())
    others = tuple(f"{name}/" for name in POOLS if name != pool)
    documents = dict.fromkeys(ids[hit.passage.path] for hit in hits)
    own = [document for document in documents if not document.startswith(others)]
    return next((place for place, document in enumerate(own, 1) if document in gold), 1000)


def measure_answers(archive: rag.Archive, ids: dict[str, str]) -> None:
    """Print how often the answer stands on gold, and how often unanswerable turns are declined."""
    for pool, folder in POOLS.items():
        others = tuple(f"{name}/" for name in POOLS if name != pool)
        paths = [path for path, document in ids.items() if not document.startswith(others)]
        on_gold: list[bool] = []
        declined: dict[bool, list[bool]] = {True: [], False: []}
        for row in rows(BENCH / "sets" / folder / "questions.jsonl.gz"):
            if not row["history"] or not (pool == "mtrag" or row["quick"]):
                continue
            answer = archive.ask(row["question"].strip(), history=history_of(row), paths=paths)
            declined[bool(row["answerable"])].append(answer.abstained)
            if row["answerable"]:
                gold = {f"{pool}/{evidence['doc_id']}" for evidence in row["evidence"]}
                places = [citation.path for citation in answer.citations]
                places += [hit.passage.path for hit in answer.hits]
                on_gold.append(bool(places) and ids[places[0]] in gold)
        say(
            f"{pool}: first citation on gold {sum(on_gold) / len(on_gold):.3f} (n={len(on_gold)}); "
            f"declined, answerable {sum(declined[True])} of {len(declined[True])}, "
            f"unanswerable {sum(declined[False])} of {len(declined[False])}"
        )


def say(*words: object) -> None:
    """Print a line."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def show(group: str, way: str, ranks: Sequence[int]) -> None:
    """Print one row."""
    shares = [sum(rank <= depth for rank in ranks) / max(1, len(ranks)) for depth in DEPTHS]
    say(f"{group:22} n={len(ranks):3} {way:9}", " / ".join(f"{share:.3f}" for share in shares))


def measure_seeds(archive: rag.Archive) -> None:
    """Print where the gold words of the seeds' follow-ups are cited."""
    for row in rows(SEED_QUESTIONS):
        if not row.get("history"):
            continue
        history: list[Any] = []
        for earlier in row["history"]:
            history.append(archive.ask(earlier, history=history))
        answer = archive.ask(row["question"], history=history)
        places = [
            place
            for place, citation in enumerate(answer.citations, start=1)
            for gold in row["evidence"]
            if citation.path == gold["file"]
            and (gold["quote"] in citation.quote or citation.quote in gold["quote"])
        ]
        say(row["id"], "gold at", places or "-", "|", answer.standalone_question, "|", answer.kind)


def is_unseen(question_id: str) -> bool:
    """Say whether a question's conversation is in the half that nothing was chosen on."""
    conversation = question_id.split("<::>")[0]
    return int(hashlib.md5(conversation.encode()).hexdigest(), 16) % 2 == 1


def history_of(row: dict[str, Any]) -> list[Turn]:
    """Return the turns before a question."""
    said: Iterable[dict[str, str]] = row["history"]
    asked = [turn["text"] for turn in said if turn["role"] == "user"]
    answered = [turn["text"] for turn in said if turn["role"] != "user"]
    return [Turn(*turn) for turn in itertools.zip_longest(asked, answered, fillvalue="")]


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file, packed or not."""
    openers = {".gz": gzip.open, ".xz": lzma.open}
    with openers.get(path.suffix, open)(path, "rt", encoding="utf-8") as lines:  # type: ignore[operator]
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
