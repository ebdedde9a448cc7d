"""Callers who come and go, as they are planned.

    python -m evals.load.passing   # the order in a line of standard input

Each is told of when their call is over. Whoever comes while others are in their calls does not wait.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from evals.ear.caller import CallFailed
from evals.ear.metrics import percentile
from evals.load.caller import LightCaller
from evals.load.child import GoOn, Tell, obey
from evals.load.steady import Said, sentences

HangsUp = Literal["after the answer", "in mid-word", "in mid-answer", "at once"]

_TURNS = (1, 4)
_SENTENCES = 60
_IN_MID_WORD_S = 0.6
_IN_MID_ANSWER_S = 0.4


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One call."""

    at_s: float
    """From the beginning."""
    turns: int
    hangs_up: HangsUp


def plan(count: int, span_s: float, rng: random.Random) -> list[Planned]:
    """So many calls in `span_s`, each somewhere in its share of the time: never many at once, never
    none for long. They end in all ways in turn."""
    ways = get_args(HangsUp)
    return [
        Planned(
            at_s=round((number + rng.random()) * span_s / count, 2),
            turns=rng.randint(*_TURNS),
            hangs_up=ways[number % len(ways)],
        )
        for number in range(count)
    ]


async def work(content: dict[str, Any], tell: Tell, go_on: GoOn) -> None:
    """`content`: "url", "tokens" and "calls", of which each is the content of a `Planned`."""
    calls = [Planned(**call) for call in content["calls"]]
    said = sentences(_SENTENCES)
    tell({"event": "begin"})
    begun_s = time.monotonic()
    going: set[asyncio.Task[None]] = set()
    try:
        for number, (call, token) in enumerate(zip(calls, content["tokens"], strict=True)):
            await asyncio.sleep(begun_s + call.at_s - time.monotonic())
            tell({"event": "came"})
            own = [said[(number + turn) % len(said)] for turn in range(call.turns)]
            caller = LightCaller(number, listens_s=content["listens_s"])
            task = asyncio.create_task(_one(caller, call, own, content["url"], token, tell))
            going.add(task)
            task.add_done_callback(going.discard)
        await asyncio.gather(*going)
        tell({"event": "end"})
    finally:
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)


async def _one(
    caller: LightCaller, call: Planned, said: Sequence[Said], url: str, token: str, tell: Tell
) -> None:
    turns = []
    failure = ""
    try:
        await caller.call(url, token)
        if call.hangs_up != "at once":
            for step, speech in said:
                turns.append(asdict(await caller.take_turn(step, speech)))
        if call.hangs_up == "in mid-answer":
            await asyncio.sleep(_IN_MID_ANSWER_S)
        elif call.hangs_up == "after the answer":
            await caller.listen_to_the_end()
        elif call.hangs_up == "in mid-word":
            with suppress(TimeoutError):
                async with asyncio.timeout(_IN_MID_WORD_S):
                    await caller.say_words(*said[0])
    except CallFailed as e:
        failure = str(e)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await caller.leave()
    late_s = percentile(sorted(caller.clock.lateness_s), 0.99) or 0.0
    tell({"event": "gone", "turns": turns, "failure": failure, "late_p99_s": round(late_s, 4)})


if __name__ == "__main__":
    obey(work)
