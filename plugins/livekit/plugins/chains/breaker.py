"""When an engine is left alone. Pure: time and chance come in as arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile

from .faults import Fault, FaultKind


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerRules:
    faults: int = 3
    """So many within `window_s` open the breaker, if they are `fault_share` of what is known of that
    time: an engine that fails one request in five is still the best for the other four."""
    fault_share: float = 0.5
    faults_in_a_row: int = 5
    """So many without an answer between them open it, however many answers came before: it has just
    died."""
    window_s: float = 30.0
    first_open_s: float = 5.0
    """How long it opens at first; doubled each time up to `longest_open_s`, reset once it has stayed
    closed for that long."""
    longest_open_s: float = 60.0
    jitter: float = 0.2
    """The share of an open time that is left to chance, either way."""
    unknown_limit_s: float = 10.0
    """How long a rate limit lasts that does not say."""
    busy_s: float = 2.0
    probe_s: float = 10.0
    """After so long a probe is taken for lost with its process, and another one may be made."""


DEFAULT_RULES = BreakerRules()


@dataclass(slots=True)
class Failure:
    at_s: float
    answers: int = 0
    """How many answers came between it and the next failure."""


@dataclass(slots=True)
class Breaker:
    """Of one engine. Times are seconds of the host's monotonic clock."""

    rules: BreakerRules = DEFAULT_RULES
    failures: list[Failure] = field(default_factory=list)
    """Those of the last `window_s` while closed."""
    until_s: float | None = None
    """Closed if None. Open until then, half-open afterwards; infinite once the key was refused."""
    open_s: float = 0.0
    """How long it was opened for the last time, without jitter."""
    closed_at_s: float = -math.inf
    skip_until_s: float = -math.inf
    """The engine is busy until then: not asked, and no health is in question."""
    probe_until_s: float = -math.inf
    """Somebody is probing; until then nobody else may."""
    limited_until_s: float = -math.inf
    """The provider has named this time: it is not asked before, whoever else fails."""

    def state(self, now_s: float) -> BreakerState:
        if self.until_s is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now_s < self.until_s else BreakerState.HALF_OPEN

    def may_try(self, now_s: float) -> bool:
        """Whether a caller's words may go there. Half-open they may not: first comes the probe."""
        return self.until_s is None and now_s >= self.skip_until_s

    def take_probe(self, now_s: float) -> bool:
        """Whether the asker is the one who may probe now; it then owes a result."""
        if self.state(now_s) is not BreakerState.HALF_OPEN or now_s < self.probe_until_s:
            return False
        self.probe_until_s = now_s + self.rules.probe_s
        return True

    def probe_at_s(self) -> float | None:
        """When a probe may next be made; None while closed, infinite if never."""
        return None if self.until_s is None else max(self.until_s, self.probe_until_s)

    def failed(self, fault: Fault, now_s: float, chance: float) -> None:
        """`chance`: a random number from 0 to 1."""
        rules = self.rules
        if fault.kind is FaultKind.BUSY:
            self.skip_until_s = now_s + rules.busy_s
            if self.state(now_s) is BreakerState.HALF_OPEN:
                self._open(now_s, rules.busy_s)
        elif fault.kind is FaultKind.KEY:
            self._open(now_s, math.inf)
        elif fault.kind is FaultKind.RATE_LIMIT:
            wait_s = rules.unknown_limit_s if fault.retry_after_s is None else fault.retry_after_s
            if fault.retry_after_s is not None:
                self.limited_until_s = max(self.limited_until_s, now_s + fault.retry_after_s)
            self._open(now_s, wait_s * (1 + rules.jitter * chance))  # never before it said
        elif self.state(now_s) is BreakerState.HALF_OPEN:
            self._reopen(now_s, chance)
        elif self.until_s is None:
            self._count(now_s, chance)

    def succeeded(self, now_s: float) -> None:
        """The engine answered. Half-open, that closes the breaker. Open, it says nothing: the answer
        had begun before, in another call or clause, or was asked for while nobody else was left."""
        state = self.state(now_s)
        if state is BreakerState.CLOSED:
            if self.failures:
                self.failures[-1].answers += 1
        elif state is BreakerState.HALF_OPEN:
            self.until_s = None
            self.closed_at_s = now_s
            self.probe_until_s = -math.inf
            self.failures.clear()

    def is_changed_by_answers(self, now_s: float) -> bool:
        """Whether `succeeded` would matter."""
        if (state := self.state(now_s)) is not BreakerState.CLOSED:
            return state is BreakerState.HALF_OPEN
        return bool(self.failures) and now_s - self.failures[-1].at_s < self.rules.window_s

    def _count(self, now_s: float, chance: float) -> None:
        since_s = now_s - self.rules.window_s
        self.failures = [failure for failure in self.failures if failure.at_s > since_s]
        self.failures.append(Failure(now_s))
        if self._is_too_much():
            if now_s - self.closed_at_s > self.rules.longest_open_s:
                self.open_s = 0.0
            self._reopen(now_s, chance)

    def _is_too_much(self) -> bool:
        rules, count = self.rules, len(self.failures)
        outcomes = count + sum(failure.answers for failure in self.failures)
        in_a_row = takewhile(lambda failure: not failure.answers, reversed(self.failures))
        is_often = count >= rules.faults and count >= rules.fault_share * outcomes
        return is_often or len(list(in_a_row)) >= rules.faults_in_a_row

    def _reopen(self, now_s: float, chance: float) -> None:
        rules = self.rules
        self.open_s = min(rules.longest_open_s, 2 * self.open_s or rules.first_open_s)
        self._open(now_s, self.open_s * (1 + rules.jitter * (2 * chance - 1)))

    def _open(self, now_s: float, for_s: float) -> None:
        """What is open for longer already stays so."""
        self.until_s = max(now_s + for_s, now_s if self.until_s is None else self.until_s)
        self.probe_until_s = -math.inf
        self.failures.clear()
