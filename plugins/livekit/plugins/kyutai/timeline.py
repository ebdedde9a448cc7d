"""Where in the caller's audio a moment of the server's is: the server is also given silence of ours. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .messages import SAMPLE_RATE_HZ

_KEPT = 256
"""Insertions that are looked through; words never refer back so far."""


@dataclass
class Timeline:
    """Counts samples. The server's clock is the sound it was sent, whoever made it."""

    _sent: int = 0
    _inserted: deque[tuple[int, int]] = field(default_factory=deque)
    """Where on the server's clock, and how much."""
    _before: int = 0
    """Inserted earlier than what is kept."""

    def heard(self, samples: int) -> None:
        """The server got so much of the caller's audio."""
        self._sent += samples

    def inserted(self, samples: int) -> None:
        """The server got so much silence of ours."""
        self._inserted.append((self._sent, samples))
        self._sent += samples
        if len(self._inserted) > _KEPT:
            self._before += self._inserted.popleft()[1]

    def to_caller_s(self, server_s: float) -> float:
        """A moment in inserted silence is where it was inserted."""
        at = server_s * SAMPLE_RATE_HZ
        ours = self._before
        for place, samples in self._inserted:
            if place >= at:
                break
            ours += min(samples, round(at) - place)
        return max(0.0, (at - ours) / SAMPLE_RATE_HZ)
