"""An engine of a chain, and what brings it back after its breaker has opened."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from livekit.agents.utils import aio

from .breakers import Breakers, EngineBreaker
from .faults import classify, late
from .strays import Strays

T = TypeVar("T")

_IS_PROBE = contextvars.ContextVar("chain_probe", default=False)


def is_probe() -> bool:
    """Whether what runs, a metrics listener say, is for a probe and no caller's doing."""
    return _IS_PROBE.get()


_LOOK_AGAIN_S = 0.5
"""For a process that waits for another one's probe."""


@dataclass(frozen=True)
class Member(Generic[T]):
    """The engine stays its maker's to close: a chain closes none."""

    name: str
    """As in the settings, "deepgram:nova-3": what breakers, events and logs call it."""
    engine: T
    deadline_s: float
    """To the first result, token or byte."""

    def __post_init__(self) -> None:
        if not self.deadline_s > 0:
            raise ValueError(f"{self.name}: a deadline of {self.deadline_s} s cannot be met")


class Prober(Generic[T]):
    """Tries open members again, with nothing of a caller's, when their time has come.

    `watch()` is cheap: call it whenever a request begins or a member has failed.
    """

    def __init__(
        self,
        members: Sequence[Member[T]],
        breakers: Breakers,
        probe: Callable[[T], Awaitable[object]],
    ) -> None:
        """`probe` raises what is wrong with an engine; it has the member's deadline."""
        self._members = members
        self._breakers = breakers
        self._probe = probe
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._strays = Strays()
        self._context = contextvars.copy_context()
        """The call's, not a turn's: a probe is in no turn's trace."""

    def watch(self) -> None:
        for member in self._members:
            wait_s = self._breakers.of(member.name).probe_in_s()
            task = self._tasks.get(member.name)
            if wait_s is None or wait_s == math.inf or (task is not None and not task.done()):
                continue
            self._tasks[member.name] = asyncio.create_task(
                self._bring_back(member),
                name=f"chain.probe.{member.name}",
                context=self._context.copy(),
            )

    async def aclose(self) -> None:
        await aio.cancel_and_wait(*self._tasks.values())
        await self._strays.aclose()

    async def _bring_back(self, member: Member[T]) -> None:
        _IS_PROBE.set(True)
        breaker = self._breakers.of(member.name)
        while (wait_s := breaker.probe_in_s()) is not None and wait_s != math.inf:
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            elif breaker.take_probe():
                await self._try(member, breaker)
            else:
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _try(self, member: Member[T], breaker: EngineBreaker) -> None:
        work = asyncio.ensure_future(self._probe(member.engine))
        try:
            await self._strays.within(work, member.deadline_s)
        except TimeoutError:
            breaker.failed(late(member.deadline_s, "answer to a probe"))
        except Exception as e:
            breaker.failed(classify(e))
        else:
            breaker.succeeded()
