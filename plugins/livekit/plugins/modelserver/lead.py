"""How much speech a caller still has to play: how soon the next text is needed. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

_CHARACTERS_PER_S = 15.0
"""Of English speech; only an estimate is wanted."""


@dataclass(slots=True)
class SpeechLead:
    """The texts of one caller, which are played in the order in which they are begun."""

    _plays_until_s: float = 0.0
    _expected_s: dict[Hashable, float] = field(default_factory=dict)
    """What texts that are being made have still to give."""

    def begin(self, text: Hashable, length: int, now_s: float) -> float:
        """A text of so many characters is begun; returns how many seconds are played before it."""
        lead_s = max(0.0, self._plays_until_s - now_s) + sum(self._expected_s.values())
        self._expected_s[text] = length / _CHARACTERS_PER_S
        return lead_s

    def made(self, text: Hashable, duration_s: float, now_s: float) -> None:
        """So much more of it has been made."""
        self._plays_until_s = max(self._plays_until_s, now_s) + duration_s
        self._expected_s[text] = max(0.0, self._expected_s[text] - duration_s)

    def end(self, text: Hashable, *, is_whole: bool, now_s: float) -> None:
        """It was made to its end, or given up: then the caller was interrupted, and plays nothing."""
        del self._expected_s[text]
        if not is_whole:
            self._plays_until_s = now_s
