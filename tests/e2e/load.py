"""Many visitors at once, each over the page's own protocol: what they were told, and how soon.

``python tests/e2e/load.py URL VISITORS`` prints the figures; the corpus must hold the articles of
:func:`articles`.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

TOWNS = (
    "Aberwick Bellmoor Corvenna Dunharrow Eastmere Falkholm Gravenbay Hollinfield Ironwood "
    "Jasperton Kestrelby Larkspur Mossgate Northolme Oakhaven Pellworth Quillbury Ravensford "
    "Silverton Thornbeck Underhill Vexley Westmarch Yarrowby Zennorwood"
).split()


def articles() -> dict[str, str]:
    """An article for each visitor, whose town and number occur nowhere else."""
    return {
        f"{town}.txt": f"News from {town}\n\nThursday, 2025-07-24\n\nThe mayor of {town} said that "
        f"{1000 + 37 * place} trees were planted in {town} this spring.\n"
        for place, town in enumerate(TOWNS)
    }


@dataclass
class Told:
    """What one visitor saw."""

    town: str
    nonce: str = field(default_factory=lambda: f"n{secrets.token_hex(6)}")
    first_text_s: list[float] = field(default_factory=list)
    total_s: list[float] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def foreign(self, others: list[Told]) -> list[str]:
        """Nonces of other visitors that turned up; the own one must have."""
        everything = "".join(self.shown)
        assert self.nonce in everything
        return [o.town for o in others if o is not self and o.nonce in everything]


async def visit(url: str, town: str) -> Told:
    """Ask two questions one after the other, as one visitor in one tab."""
    told = Told(town)
    questions = [
        f"How many trees were planted in {town}? {told.nonce}",
        f"Who said so about {town}? {told.nonce}",
    ]
    async with httpx.AsyncClient(base_url=url, timeout=300) as client:
        config = (await client.get("/config")).json()
        await client.get("/")
        event = next(
            d for d in config["dependencies"] if d["targets"] and d["targets"][0][1] == "dl_ask"
        )
        session, conversation = secrets.token_hex(6), ""
        for question in questions:
            began = time.perf_counter()
            data = {"question": question, "conversation": conversation, "only": False, "paths": []}
            join = {
                "data": [],
                "event_data": data,
                "fn_index": event["id"],
                "trigger_id": event["targets"][0][0],
                "session_hash": session,
            }
            first = None
            last = ""
            try:
                (await client.post("/gradio_api/queue/join", json=join)).raise_for_status()
                async for message in _messages(client, session):
                    if not message.get("output"):
                        continue
                    if not message.get("success", True):
                        told.errors.append(json.dumps(message)[:300])
                    last = json.dumps(message["output"].get("data"), ensure_ascii=False)
                    told.shown.append(last)
                    if first is None and ("this spring" in last or "dl-abstained" in last):
                        first = time.perf_counter() - began
            except httpx.HTTPError as error:
                told.errors.append(repr(error))
            if first is None or "dl-error" in last:
                told.errors.append(f"no text: {last[:300]}")
            told.first_text_s.append(first or 0.0)
            told.total_s.append(time.perf_counter() - began)
            match = re.search(r'data-conversation=\\"([\w-]+)', last)
            conversation = match.group(1) if match else ""
    return told


async def _messages(client: httpx.AsyncClient, session: str) -> Any:
    """Yield the event's messages until it is finished."""
    parameters = {"session_hash": session}
    async with client.stream("GET", "/gradio_api/queue/data", params=parameters) as stream:
        async for line in stream.aiter_lines():
            if not line.startswith("data: "):
                continue
            message = json.loads(line[6:])
            yield message
            if message.get("msg") in ("process_completed", "close_stream"):
                return


async def crowd(url: str, visitors: int) -> list[Told]:
    """Let that many visitors ask at the same time, two questions each."""
    return await asyncio.gather(*(visit(url, town) for town in TOWNS[:visitors]))


def main() -> None:
    url, visitors = sys.argv[1], int(sys.argv[2])
    asyncio.run(crowd(url, 1))
    alone = [told for _ in range(5) for told in asyncio.run(crowd(url, 1))]
    alone_s = statistics.median(t for told in alone for t in told.first_text_s)
    together = asyncio.run(crowd(url, visitors))
    added = sorted(t - alone_s for told in together for t in told.first_text_s)
    sys.stdout.write(
        json.dumps(
            {
                "visitors": visitors,
                "questions": len(added),
                "errors": sum(len(told.errors) for told in together),
                "cross_talk": sum(len(told.foreign(together)) for told in together),
                "first_text_alone_s": round(alone_s, 3),
                "added_median_s": round(statistics.median(added), 3),
                "added_p95_s": round(added[int(0.95 * (len(added) - 1))], 3),
                "all_done_s": round(max(sum(told.total_s) for told in together), 2),
            }
        )
        + "\n"
    )
    for told in together:
        if told.errors:
            sys.stdout.write(f"{told.town}: {told.errors}\n")


if __name__ == "__main__":
    main()
