"""When to connect to a server again, and when not any more. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_STEADY_S = 10.0
"""A connection that has lasted so long has worked: failures are counted anew."""

_FIRST_WAIT_S = 0.2


@dataclass
class Retry:
    """Each wait is twice the last one; half of it is left to chance, so that the calls of a server
    that starts anew do not all come back at the same moment."""

    retries: int
    failures: int = 0
    """In a row."""

    def after(self, lasted_s: float, chance: float) -> float | None:
        """Seconds to wait after a connection that lasted so long; None to give up.

        `chance`: a random number from 0 to 1.
        """
        if lasted_s >= _STEADY_S:
            self.failures = 0
        self.failures += 1
        if self.failures > self.retries:
            return None
        longest_s: float = _FIRST_WAIT_S * 2 ** (self.failures - 1)
        return longest_s * (0.5 + 0.5 * chance)
