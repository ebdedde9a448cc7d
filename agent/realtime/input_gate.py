"""What of the caller's sound goes to a model that is told when a turn is over. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from livekit import rtc

LEAD_S = 0.6
"""Passed on from before a turn is noticed."""

STALE_S = 8.0
"""So much silence after sound that was no turn: the model is not to hear it with the next one."""


@dataclass
class InputGate:
    """Open from a little before a turn's first sound to its end.

    The silence and the agent's own voice between two turns stay out: the model would take them for
    a part of the next turn, and each second of them is paid for.
    """

    is_open: bool = False
    _lead: deque[rtc.AudioFrame] = field(default_factory=deque)
    _lead_s: float = 0.0

    def push(self, frame: rtc.AudioFrame) -> list[rtc.AudioFrame]:
        """Takes the next frame; returns those that pass now."""
        self._lead.append(frame)
        self._lead_s += frame.duration
        if self.is_open:
            passed = list(self._lead)
            self._lead.clear()
            self._lead_s = 0.0
            return passed
        while self._lead_s > LEAD_S:
            self._lead_s -= self._lead.popleft().duration
        return []

    def open(self) -> None:
        """The caller speaks."""
        self.is_open = True

    def close(self) -> None:
        """The turn is over, or what came was none."""
        self.is_open = False
