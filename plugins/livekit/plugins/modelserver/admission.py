"""For how many callers an engine has the time: measured while it works. Pure.

What counts is its *cost*: seconds of work for a second of a caller's sound (the real-time factor).
A thread that is busy four fifths of the time serves `0.8 / cost` callers.
"""

from __future__ import annotations

import math

_MEMORY_S = 120.0
"""Sound after which what was measured before has faded to a third."""

_PRIOR_S = 10.0
"""Of sound for which the assumed cost counts."""


class Admission:
    """The capacity of one engine, in callers at the same time."""

    def __init__(
        self,
        *,
        threads: float,
        limit: int | None = None,
        assumed_cost: float = 0.2,
        busy_share: float = 0.8,
    ) -> None:
        """`limit`: a capacity that is set, not measured. `assumed_cost`: until there is a measured one.

        `busy_share`: how busy a thread may be, for a step to find one free in most cases.
        """
        self._threads = threads
        self._limit = limit
        self._busy_share = busy_share
        self._sound_s = _PRIOR_S
        self._busy_s = _PRIOR_S * assumed_cost

    @property
    def cost(self) -> float:
        """Seconds of work for a second of sound."""
        return self._busy_s / self._sound_s

    @property
    def capacity(self) -> int:
        """Never less than one: a machine that is too slow should answer late, not never."""
        if self._limit is not None:
            return self._limit
        return max(1, math.floor(self._threads * self._busy_share / max(self.cost, 1e-4)))

    def heard(self, sound_s: float) -> None:
        """A caller has sent, or been sent, so much sound."""
        faded = math.exp(-sound_s / _MEMORY_S)
        self._busy_s *= faded
        self._sound_s = self._sound_s * faded + sound_s

    def worked(self, busy_s: float) -> None:
        """A thread has worked so long for a caller."""
        self._busy_s += busy_s
