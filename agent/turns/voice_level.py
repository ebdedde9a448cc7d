"""How loud the caller usually is, so that a voice from farther away can be told from theirs."""

from __future__ import annotations

import math
from dataclasses import dataclass

FAR_DB = 9.0
"""A voice so much quieter than the caller's own turns is not speaking to the agent."""

_KNOWN_AFTER_S = 1.0
_MEMORY_S = 20.0


@dataclass
class VoiceLevel:
    """The mean power of the caller's own turns, the newest counting most."""

    _power: float = 0.0
    _heard_s: float = 0.0

    @property
    def dbfs(self) -> float | None:
        """None until a second has been heard."""
        if self._heard_s < _KNOWN_AFTER_S or self._power <= 0:
            return None
        return 10 * math.log10(self._power)

    def heard(self, level_dbfs: float, duration_s: float) -> None:
        """A piece of the caller's own turn in which they spoke."""
        self._heard_s = min(_MEMORY_S, self._heard_s + duration_s)
        share = duration_s / self._heard_s
        self._power += (10 ** (level_dbfs / 10) - self._power) * min(1.0, share)

    def is_far(self, level_dbfs: float) -> bool:
        """Whether a sound of that level comes from somebody else, or is not meant for the agent."""
        usual_dbfs = self.dbfs
        return usual_dbfs is not None and level_dbfs < usual_dbfs - FAR_DB
