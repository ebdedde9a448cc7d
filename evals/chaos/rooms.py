"""Each fault in a real room, with Parley's chains and with livekit's own adapters."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evals.ear.systems import System
from tests.chaos.call import Patience, calling
from tests.chaos.providers import Order, Providers, running_providers
from tests.chaos.trials import Trial
from tests.chaos.verdict import Turn
from tests.chaos.workers import ChaosWorker, running_parley, running_system
from tests.stack.processes import LiveKit

Name = Literal["parley", "parley_openai_first", "stock_fallback"]
_WARM_UP_TURNS = 1
"""The first answer of a call is not measured: a room's sound begins with it."""


@dataclass(frozen=True)
class Contender:
    """A system with its engines in some order."""

    name: Name
    order: Order
    patience: Patience
    turns_per_call: int
    """A new call after so many: what remembers a fault for the rest of the call begins anew."""

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("parley")

    def running(
        self, livekit: LiveKit, providers: Providers
    ) -> AbstractAsyncContextManager[ChaosWorker]:
        if self.is_ours:
            return running_parley(livekit, providers)
        command = ("python", "-m", "evals.baselines.stock_fallback")
        environment = providers.environment
        return running_system(
            System(name=self.name, command=command, environment=environment), livekit
        )


CONTENDERS: dict[str, Contender] = {
    it.name: it
    for it in (
        Contender("parley", "deepgram first", Patience(), 12),
        Contender("parley_openai_first", "openai first", Patience(), 12),
        Contender("stock_fallback", "deepgram first", Patience(begin_s=15, go_on_s=6), 1),
    )
}


@asynccontextmanager
async def ready(
    contender: Contender, livekit: LiveKit
) -> AsyncIterator[tuple[Providers, ChaosWorker]]:
    async with (
        running_providers(contender.order) as providers,
        contender.running(livekit, providers) as worker,
    ):
        yield providers, worker


async def measure(
    contender: Contender,
    livekit: LiveKit,
    trials: Sequence[Trial],
    *,
    until_s: float,
    on_turn: Callable[[Turn], None],
) -> None:
    """A turn for each trial, until `until_s` (monotonic) at the latest.

    A call begins with turns without a fault; one in which a fault was heard is left.
    """
    waiting = list(trials)
    again: set[Trial] = set()
    async with ready(contender, livekit) as (providers, worker):
        while waiting and time.monotonic() < until_s:
            call = calling(
                livekit.url,
                worker.agent,
                providers,
                patience=contender.patience,
                heal=worker.forget_faults,
            )
            async with call as room:
                for _ in range(_WARM_UP_TURNS):
                    await room.ask()
                on_turn(await room.ask())
                if any(trial.stage == "tool" for trial in waiting):
                    on_turn(await room.ask(calls_tool=True))
                for _ in range(contender.turns_per_call):
                    if not waiting or time.monotonic() >= until_s:
                        break
                    trial = waiting.pop(0)
                    turn = await room.ask(trial)
                    if not turn.was_met and trial not in again:
                        again.add(trial)  # the engine was left alone for the fault before
                        waiting.append(trial)
                        break
                    on_turn(turn)
                    if turn.problems():
                        break


def row(turn: Turn, healthy: Sequence[Turn]) -> dict[str, Any]:
    """What is kept of a turn, its words included: they are the test's own."""
    return {
        **asdict(turn),
        "extra_s": turn.extra_s(healthy),
        "problems": turn.problems(),
        "lost": len(turn.ear.lost),
        "doubled": len(turn.mouth.added),
        "unspoken": len(turn.mouth.lost),
        "sentences_cut": turn.sentences_cut,
        "torn": turn.ear.torn + turn.mouth.torn,
        "is_answered": turn.is_answered,
    }


def turn_of(kept: dict[str, Any]) -> Turn:
    """From what `row` kept."""
    values = {name: kept[name] for name in Turn.__dataclass_fields__ if name in kept}
    return Turn(**{**values, "spoken": tuple(values["spoken"])})
