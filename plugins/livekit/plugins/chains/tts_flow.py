"""Whether a voice's sound comes as fast as it is played. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

HELD_BACK_S = 0.015
"""livekit keeps 10 ms back, and gives them when a voice has been silent for a while: that is no life."""
_DRY_S = 0.5
"""So much quiet in one text, in two holes or more, is heard as a stutter and not as a pause."""
_HOLE_S = 0.1
"""Less is what the network and the player smooth out."""


@dataclass
class Flow:
    """Of one voice speaking one text. Times are on a clock of the caller's."""

    dry_s: float = 0.0
    """Quiet in the holes so far."""
    _played_at_s: float | None = None
    """When everything that came will have been played."""
    _is_excused: bool = False

    def add(self, length_s: float, due_since_s: float, now_s: float) -> None:
        """Sound to be played came. `due_since_s`: when the voice last got something to speak."""
        if not length_s:
            return
        played_at_s = self._played_at_s
        if played_at_s is not None and self._is_owed(played_at_s, due_since_s):
            hole_s = now_s - played_at_s
            if hole_s >= _HOLE_S and length_s <= HELD_BACK_S:
                return  # the hole goes on
            self.dry_s += hole_s if hole_s >= _HOLE_S else 0.0
        self._is_excused = False
        self._played_at_s = max(now_s, played_at_s or now_s) + length_s

    def end_part(self) -> None:
        """What comes next is asked for anew, and may take its time."""
        self._is_excused = True

    def too_dry_at_s(self, due_since_s: float) -> float:
        """When the next hole will be one too much; the first is left to whoever looks for stalls."""
        played_at_s = self._played_at_s
        if played_at_s is None or not self.dry_s or not self._is_owed(played_at_s, due_since_s):
            return math.inf
        return played_at_s + max(_HOLE_S, _DRY_S - self.dry_s)

    def _is_owed(self, played_at_s: float, due_since_s: float) -> bool:
        return not self._is_excused and due_since_s <= played_at_s
