"""How long to wait before the next attempt at something that has failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from `first_s` to `longest_s`; half of each wait is left to chance, so that those who
    failed together do not come back together."""

    first_s: float = 0.05
    longest_s: float = 2.0
    _next_s: float = 0.0

    def next_s(self, chance: float) -> float:
        """Seconds until the next attempt. `chance`: a random number from 0 to 1."""
        wait_s = self._next_s or self.first_s
        self._next_s = min(self.longest_s, 2 * wait_s)
        return wait_s * (0.5 + 0.5 * chance)

    def reset(self) -> None:
        """It has worked: the next failure waits `first_s` again."""
        self._next_s = 0.0
