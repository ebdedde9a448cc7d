"""Many turns of which every engine call may fail, and how many are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from livekit.agents import utils

from evals.chaos.lines import break_at_random, many_turns, reply_to, settings_of
from evals.ear.metrics import percentile
from evals.engines.lag import LagProbe
from tests.chaos.providers import running_providers
from tests.chaos.verdict import Turn

_SEED = 6


@dataclass
class Tally:
    turns: list[Turn] = field(default_factory=list)
    lag: LagProbe = field(default_factory=LagProbe)
    """With a slow machine the deadlines are not the engines' fault."""

    def figures(self, share: float, lines: int) -> dict[str, Any]:
        turns = self.turns
        times_s = sorted(it.response_s for it in turns if it.response_s is not None)
        count = max(1, len(turns))
        return {
            "n": len(turns),
            "fault_share": share,
            "calls_at_once": lines,
            "answered": sum(it.is_answered for it in turns) / count,
            "whole": sum(not it.problems() for it in turns) / count,
            "caller_words_lost": sum(len(it.ear.lost) for it in turns),
            "words_unspoken": sum(len(it.mouth.lost) for it in turns),
            "words_doubled": sum(len(it.mouth.added) for it in turns),
            "first_audio_p50_s": percentile(times_s, 0.5),
            "first_audio_p95_s": percentile(times_s, 0.95),
            "loop_lag_worst_s": self.lag.summary()["max_ms"] / 1000,
            "problems": [it.problems() for it in turns if it.problems()],
        }


async def thousand_turns(
    count: int, lines: int, share: float, on_turn: Callable[[], None]
) -> dict[str, Any]:
    """In real time, on real sockets, without a room; a thousand calls in rooms would take hours.

    Each stage has two engines, as in the first order of `LISTS`; the embedded voice is left out.
    `figures` of what came until it was cancelled, too.
    """
    tally = Tally()

    def note(turn: Turn) -> None:
        tally.turns.append(turn)
        on_turn()

    async with utils.http_context.open(), running_providers("deepgram first") as providers:
        providers.openai.reply = reply_to
        break_at_random(providers, share, Random(_SEED))
        tally.lag.begin()
        try:
            await many_turns(providers, settings_of(providers), count, lines, note)
        except asyncio.CancelledError:
            if not tally.turns:
                raise
        finally:
            tally.lag.end()
    return tally.figures(share, lines)
