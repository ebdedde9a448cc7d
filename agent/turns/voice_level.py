"""How loud the caller usually is, so that a voice from farther away can be told from theirs."""

from __future__ import annotations

from dataclasses import dataclass

FAR_DB = 8.0
"""A voice so much quieter than the caller's own turns is not speaking to the agent."""

_LEAST_S = 0.25
_KEEP = 0.6


@dataclass
class VoiceLevel:
    """The peak level of the caller's own turns, the newest counting most.

    Peaks, because a vowel comes early: after 0.3 s they tell as much as after a sentence.
    """

    dbfs: float | None = None
    """None until a turn has been heard."""

    def spoke(self, peak_dbfs: float, speech_s: float) -> None:
        """A stretch of the caller's own speech has ended; a very short one tells nothing."""
        if speech_s < _LEAST_S:
            return
        if self.dbfs is None:
            self.dbfs = peak_dbfs
        self.dbfs += (peak_dbfs - self.dbfs) * (1 - _KEEP)

    def is_far(self, peak_dbfs: float) -> bool:
        """Whether a sound of that peak comes from somebody else, or is not meant for the agent."""
        return self.dbfs is not None and peak_dbfs < self.dbfs - FAR_DB
