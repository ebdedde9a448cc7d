"""Callers of one system, all in their calls at the same time.

    python -m evals.load.steady   # the order in a line of standard input

The turns are dealt out, so that the same sentences are said by one caller or by many. Whoever has said
their share goes on talking until all have: the load stays what it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle
from typing import Any

from evals.ear.caller import CallFailed
from evals.ear.corpus import expand
from evals.ear.metrics import percentile
from evals.ear.scenario import Step
from evals.ear.voices import Spoken, speak
from evals.load.caller import LightCaller
from evals.load.child import GoOn, Tell, obey

SET = "plain"
_STAGGER_S = 1.0
"""Between callers: a worker keeps one warm process, and makes the next meanwhile."""
_SETTLE_S = 3.0

Said = tuple[Step, Spoken]


@dataclass(frozen=True, kw_only=True)
class Order:
    url: str
    tokens: Sequence[str]
    """One for each call."""
    turns: int
    """Of all together."""
    listens_s: float | None = None
    text: str = ""
    """Said in every turn, by the voices of the set in turn; empty for the set's own sentences."""


async def work(content: dict[str, Any], tell: Tell, go_on: GoOn) -> None:
    order = Order(**content)
    said = sentences(order.turns, order.text)
    callers = [LightCaller(seed, listens_s=order.listens_s) for seed in range(len(order.tokens))]
    connected: list[LightCaller] = []
    try:
        for caller, token in zip(callers, order.tokens, strict=True):
            try:
                await caller.call(order.url, token)
                connected.append(caller)
            except CallFailed as e:
                tell({"event": "failed", "why": str(e)})
            await asyncio.sleep(_STAGGER_S)
        await asyncio.sleep(_SETTLE_S)
        for caller in connected:
            caller.clock.lateness_s.clear()
        tell({"event": "begin"})
        await _talk(connected, said, tell)
        tell({"event": "end", "late_p99_s": _late_p99_s(connected)})
        await go_on()
    finally:
        await asyncio.gather(*(caller.leave() for caller in callers), return_exceptions=True)


def sentences(count: int, text: str = "") -> list[Said]:
    """The first so many of the set, or that one text in their voices. Raises CorpusError, VoiceError."""
    steps = [step for call in expand(SET, "dev", count) for step in call.steps]
    if text:
        steps = [
            replace(step, utterance=replace(step.utterance, text=text, pauses_s=()))
            for step in steps
        ]
    return [(step, speak(step.utterance)) for step in steps]


async def _talk(callers: Sequence[LightCaller], said: Sequence[Said], tell: Tell) -> None:
    """Returns when every share has been said, or has come to nothing."""
    shares = [said[number :: len(callers)] for number in range(len(callers))]
    done = [asyncio.Event() for _ in callers]
    talking = [
        asyncio.create_task(_share(*of), name="caller")
        for of in zip(callers, shares, done, [tell] * len(callers), strict=True)
    ]
    try:
        await asyncio.gather(*(event.wait() for event in done))
    finally:
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def _share(
    caller: LightCaller, share: Sequence[Said], done: asyncio.Event, tell: Tell
) -> None:
    try:
        for step, speech in share:
            turn = await caller.take_turn(step, speech)
            tell({"event": "turn"} | asdict(turn))
        done.set()
        for step, speech in cycle(share):
            await caller.take_turn(step, speech)
    except CallFailed as e:
        tell({"event": "failed", "why": str(e)})
    finally:
        done.set()


def _late_p99_s(callers: Sequence[LightCaller]) -> float | None:
    late_s = sorted(late_s for caller in callers for late_s in caller.clock.lateness_s)
    return percentile(late_s, 0.99)


if __name__ == "__main__":
    obey(work)
