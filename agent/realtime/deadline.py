"""How long a realtime model may take for an answer, and for what is missing of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.turns.watchdog import Limits

Overdue = Literal["late", "stalled", "endless"]

FIRST_S = 3.0
"""From the request to the first piece. OpenAI takes 0.3 to 1 s; the cascade needs time, too."""

GAP_S = 2.0
"""Without a new piece when all that came has been played."""

LONGEST_S = 240.0
"""Of one answer's sound: more than the 4096 tokens make that OpenAI gives in one response."""


@dataclass(kw_only=True)
class AnswerDeadline:
    """Of one answer at a time. All times are on one clock, in seconds."""

    first_s: float = FIRST_S
    gap_s: float = GAP_S
    longest_s: float = LONGEST_S
    tool_s: float = Limits.tool_s
    """A tool may run so long, as in a cascade; 0: for ever."""
    _asked_s: float | None = None
    _came_s: float | None = None
    """When the newest piece came."""
    _first_s: float | None = None
    """When the first sound came."""
    _received_s: float = 0.0
    _is_held_up: bool = False

    @property
    def due_s(self) -> float | None:
        """When the model will be overdue; None while nothing is awaited from it."""
        if self._asked_s is None or self._is_held_up:
            return None
        if self._received_s > self.longest_s:
            return self._asked_s
        if self._came_s is None:
            return self._asked_s + self.first_s
        played_s = 0.0 if self._first_s is None else self._first_s + self._received_s
        return max(self._came_s, played_s) + self.gap_s

    def asked(self, now_s: float) -> None:
        """An answer was asked for, or announced."""
        self._asked_s = now_s
        self._came_s = self._first_s = None
        self._received_s = 0.0
        self._is_held_up = False

    def came(self, now_s: float, sound_s: float = 0.0) -> None:
        """A piece of the answer has come, with so much sound."""
        if self._asked_s is None:
            return
        self._came_s = now_s
        if sound_s:
            self._first_s = now_s if self._first_s is None else self._first_s
            self._received_s += sound_s

    def held_up(self) -> None:
        """The player takes its time over a piece: the model is not to blame."""
        self._is_held_up = True

    def taken(self, now_s: float) -> None:
        """The player wants the next one."""
        self._is_held_up = False
        if self._came_s is not None:
            self._came_s = now_s

    def ended(self) -> None:
        """All of it has come, or nobody waits for it any more."""
        self._asked_s = None
        self._is_held_up = False

    def overdue(self, now_s: float) -> Overdue | None:
        """How the model is overdue, if it is."""
        if self.due_s is None or now_s < self.due_s:
            return None
        if self._received_s > self.longest_s:
            return "endless"
        return "late" if self._came_s is None else "stalled"
