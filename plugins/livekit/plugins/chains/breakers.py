"""The breakers of a worker's engines, shared by its calls."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from .breaker import Breaker, BreakerState
from .events import BreakerChanged, OnEvent, ignore, report
from .faults import Fault

Table = dict[str, Breaker]


class Store(Protocol):
    """Where the breakers are. Neither method raises or waits for longer than ten milliseconds."""

    def read(self, now_s: float) -> Table:
        """The table as it was at most a moment ago; not to be changed."""
        ...

    def changing(self) -> AbstractContextManager[Table]:
        """The newest table, to be changed; nobody else changes it meanwhile."""
        ...


def _monotonic_s() -> float:
    return time.monotonic()  # looked up at each call: in tests it follows virtual time


class MemoryStore:
    """For one process."""

    def __init__(self) -> None:
        self._table: Table = {}

    def read(self, now_s: float) -> Table:
        return self._table

    def changing(self) -> AbstractContextManager[Table]:
        return nullcontext(self._table)


class Breakers:
    """By engine name: engines of the same name, in whatever call, are one engine."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        on_event: OnEvent = ignore,
        clock: Callable[[], float] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`store`: a FileStore where calls are processes of their own. `on_event` gets the changes
        that this process makes. `clock`: the host's monotonic one if None."""
        self._store = store or MemoryStore()
        self._on_event = on_event
        self._clock = clock or _monotonic_s
        self._chance = chance
        self.spared: set[str] = set()
        """Engines that this process asks only when there is nobody else, healthy as they are."""

    def of(self, name: str) -> EngineBreaker:
        return EngineBreaker(name, self)

    def now_s(self) -> float:
        return self._clock()

    def read(self, name: str, now_s: float) -> Breaker:
        """Not to be changed."""
        return self._store.read(now_s).get(name) or Breaker()

    def failed(self, name: str, fault: Fault) -> None:
        now_s = self._clock()
        with self._store.changing() as table:
            breaker = table.setdefault(name, Breaker())
            before_s = breaker.until_s
            breaker.failed(fault, now_s, self._chance())
            until_s = breaker.until_s
        if until_s is not None and until_s != before_s:
            state = breaker.state(now_s)
            self._report(
                BreakerChanged(name=name, state=state, fault=fault, open_s=until_s - now_s)
            )

    def succeeded(self, name: str) -> None:
        now_s = self._clock()
        if not self.read(name, now_s).is_changed_by_answers(now_s):
            return  # the rule: nothing to write, several times a turn
        with self._store.changing() as table:
            breaker = table.setdefault(name, Breaker())
            was_open = breaker.until_s is not None
            breaker.succeeded(now_s)
            state = breaker.state(now_s)
        if was_open and state is BreakerState.CLOSED:
            self._report(BreakerChanged(name=name, state=state))

    def take_probe(self, name: str) -> bool:
        with self._store.changing() as table:
            return table.setdefault(name, Breaker()).take_probe(self._clock())

    def _report(self, event: BreakerChanged) -> None:
        report(event, self._on_event)


@dataclass(frozen=True, slots=True)
class EngineBreaker:
    """One engine's breaker, as its users see it."""

    name: str
    _all: Breakers

    @property
    def state(self) -> BreakerState:
        now_s = self._all.now_s()
        return self._all.read(self.name, now_s).state(now_s)

    def may_try(self) -> bool:
        """Whether a caller's words may go to the engine."""
        now_s = self._all.now_s()
        is_spared = self.name in self._all.spared
        return not is_spared and self._all.read(self.name, now_s).may_try(now_s)

    def is_hopeless(self) -> bool:
        """Nothing is to be asked of the engine, not even when all else fails: its key is refused."""
        return self.probe_in_s() == math.inf

    def is_forbidden(self) -> bool:
        """The same, or its provider has named a time before which it is not to be asked."""
        return self.is_hopeless() or self.limited_for_s() > 0

    def limited_for_s(self) -> float:
        """How long it is still not to be asked by its provider's word; 0 if that named no time."""
        now_s = self._all.now_s()
        return max(0.0, self._all.read(self.name, now_s).limited_until_s - now_s)

    def failed(self, fault: Fault) -> None:
        self._all.failed(self.name, fault)

    def succeeded(self) -> None:
        self._all.succeeded(self.name)

    def probe_in_s(self) -> float | None:
        """Seconds until a probe may be made; None while closed, infinite if never."""
        now_s = self._all.now_s()
        at_s = self._all.read(self.name, now_s).probe_at_s()
        return None if at_s is None else max(0.0, at_s - now_s)

    def take_probe(self) -> bool:
        """Whether the asker is the one, of all processes, who may probe now; it owes `failed` or
        `succeeded`."""
        return self._all.take_probe(self.name)
