"""Who of the members speaks first: one after the other, or two at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from livekit.agents import llm

from .faults import Fault
from .llm_attempt import LOOK_S, Attempt, LLMMember
from .order import Order
from .strays import Strays


class Referee(Protocol):
    """Hears what becomes of the members of a race."""

    def failed(self, member: LLMMember, fault: Fault) -> None: ...

    def was_late(self, member: LLMMember, fault: Fault) -> None:
        """Found out after another one had won."""
        ...

    def goes_on(self, member: LLMMember | None) -> None:
        """Who answers in the place of those that failed before; None: nobody is left."""
        ...


@dataclass(kw_only=True)
class Race:
    """Of one question. Who has not won is cancelled and left to `strays`."""

    order: Order[llm.LLM[Any]]
    start: Callable[[LLMMember], Attempt]
    referee: Referee
    strays: Strays
    news: asyncio.Event
    hedge_s: float | None
    """How long one may be silent before the next one is asked too."""
    until_s: float
    """When the race is over for all, on the loop's clock."""
    hedges: list[tuple[Attempt, Attempt]] = field(default_factory=list)
    """Who was silent, and who was asked too for that."""
    _running: list[Attempt] = field(default_factory=list)

    async def winner(self) -> Attempt | None:
        """The one that spoke first, which is the caller's to end; None if nobody did."""
        try:
            while self._start_due():
                for attempt in self._running:
                    attempt.look()
                if winner := next((one for one in self._running if one.has_spoken), None):
                    self._running.remove(winner)
                    self._judge_losers()
                    return winner
                if not self._drop_failed():
                    await wait_for_news(self.news, self._next_due_s() - _now_s())
            return None
        finally:
            for attempt in self._running:
                self.strays.leave(attempt.task)

    def _start_due(self) -> bool:
        """Asks whom it is time to ask. False if nobody works on it any more."""
        now_s = _now_s()
        if not self._running:
            member = self.order.take() if now_s < self.until_s else None
            self.referee.goes_on(member)
            if member is None:
                return False
            self._running.append(self.start(member))
        # The clock has gone on since `start`: with a hedge of 0 s both are asked now.
        is_hedge_due = self._hedge_due_s() <= _now_s() and not self._running[0].has_spoken
        if is_hedge_due and (member := self.order.take(only_new=True)):
            self._running.append(self.start(member))
            self.hedges.append((self._running[0], self._running[1]))
        return True

    def _drop_failed(self) -> bool:
        """Whether any was dropped."""
        before = list(self._running)
        for attempt in before:
            fault = attempt.fault or attempt.lateness(self._deadline_s(attempt) - attempt.begun_s)
            if fault is not None:
                self._running.remove(attempt)
                self.strays.leave(attempt.task)
                self.referee.failed(attempt.member, fault)
        if len(self._running) < len(before) and self._running:
            self.referee.goes_on(self._running[0].member)
        return len(self._running) < len(before)

    def _judge_losers(self) -> None:
        """A second one is cancelled at once. The first one goes on to its deadline or first word: a
        member that hangs would otherwise lose every race and never be found out."""
        for first in self._running[:1]:
            if not any(first is silent for silent, _ in self.hedges):
                continue
            self._running.remove(first)
            first.is_lost = True
            judging = asyncio.create_task(self._judge(first), name="chain.llm.judge")
            self.strays.keep(judging)

    async def _judge(self, loser: Attempt) -> None:
        deadline_s = self._deadline_s(loser)
        try:
            await asyncio.wait([loser.task], timeout=max(0.0, deadline_s - _now_s()))
            fault = loser.fault or loser.lateness(deadline_s - loser.begun_s)
            if fault is not None and not loser.task.cancelled():
                self.referee.was_late(loser.member, fault)
        finally:
            self.strays.leave(loser.task)

    def _deadline_s(self, attempt: Attempt) -> float:
        return min(attempt.begun_s + attempt.member.deadline_s, self.until_s)

    def _hedge_due_s(self) -> float:
        if self.hedge_s is None or len(self._running) != 1:
            return float("inf")
        return self._running[0].begun_s + self.hedge_s

    def _next_due_s(self) -> float:
        now_s, hedge_due_s = _now_s(), self._hedge_due_s()
        due_s = min(now_s + LOOK_S, *(self._deadline_s(attempt) for attempt in self._running))
        return min(due_s, hedge_due_s) if hedge_due_s > now_s else due_s


async def wait_for_news(news: asyncio.Event, timeout_s: float) -> None:
    """Until `news` is set or the time is over; `news` is then ready for the next."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, timeout_s)):
            await news.wait()
    news.clear()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
