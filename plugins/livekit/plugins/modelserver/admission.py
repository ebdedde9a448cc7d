"""For how many calls a lane has the time: measured while it works. Pure.

What counts is its *cost*: seconds of work of all its engines for a second of a call. A thread that is
busy four fifths of the time serves `0.8 / cost` calls.
"""

from __future__ import annotations

import math

DEFAULT_COST = 0.2
_MEMORY_S = 120.0
"""Of calls, after which what was measured before has faded to a third."""

_PRIOR_S = 10.0
"""Of a call for which the assumed cost counts."""


class Admission:
    """The capacity of one lane, in calls at the same time."""

    def __init__(
        self, *, threads: int, assumed_cost: float = DEFAULT_COST, busy_share: float = 0.8
    ) -> None:
        """`assumed_cost`: until calls have been measured. `busy_share`: how busy a thread may be,
        for a step to find one free in most cases.
        """
        self._threads = threads
        self._busy_share = busy_share
        self._call_s = _PRIOR_S
        self._busy_s = _PRIOR_S * assumed_cost

    @property
    def cost(self) -> float:
        """Seconds of work for a second of a call."""
        return self._busy_s / self._call_s

    @property
    def capacity(self) -> int:
        """Never less than one: a machine that is too slow should answer late, not never."""
        return max(1, math.floor(self._threads * self._busy_share / max(self.cost, 1e-4)))

    def lasted(self, call_s: float) -> None:
        """A call has gone on for so long."""
        faded = math.exp(-call_s / _MEMORY_S)
        self._busy_s *= faded
        self._call_s = self._call_s * faded + call_s

    def worked(self, busy_s: float) -> None:
        """A thread has worked so long for a call."""
        self._busy_s += busy_s
