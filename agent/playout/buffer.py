"""Speech that waits to be played, cut into frames, with a gain that moves without clicks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.02
DUCKED_DB = -15.0
"""Still well heard: a gap begins below -30 dB."""

_DUCKED = 10 ** (DUCKED_DB / 20)
_RAMP_S = 0.03
"""From silence to full level or back."""

Samples = NDArray[np.int16]


@dataclass
class PlayoutBuffer:
    """One segment of int16 mono speech. Positions and sizes are in samples of `sample_rate_hz`."""

    sample_rate_hz: int
    played_samples: int = 0
    """How much of the segment has left."""
    is_complete: bool = False
    """No more audio of this segment comes."""
    _waiting: bytearray = field(default_factory=bytearray)
    _gain: float = 1.0
    _target: float = 1.0
    _is_stopping: bool = False

    @property
    def frame_samples(self) -> int:
        return round(FRAME_S * self.sample_rate_hz)

    @property
    def is_ducked(self) -> bool:
        return self._target < 1.0

    @property
    def waiting_s(self) -> float:
        return len(self._waiting) / 2 / self.sample_rate_hz

    @property
    def is_over(self) -> bool:
        """Whether all of the segment has left."""
        return self.is_complete and not self._waiting

    @property
    def has_frame(self) -> bool:
        """Whether `next_frame` would give one."""
        return len(self._waiting) >= 2 * self.frame_samples or (
            self.is_complete and bool(self._waiting)
        )

    def push(self, pcm: bytes) -> None:
        self._waiting += pcm

    def duck(self) -> None:
        """Plays on, 15 dB lower."""
        self._target = _DUCKED

    def restore(self) -> None:
        """Back to full level."""
        self._target = 1.0

    def stop(self) -> None:
        """Fades out within the next frame and drops the rest."""
        self._is_stopping = True
        self.is_complete = True

    def start_over(self) -> None:
        """Ready for the next segment, at full level."""
        self._waiting.clear()
        self.played_samples = 0
        self.is_complete = self._is_stopping = False
        self._gain = self._target = 1.0

    def next_frame(self) -> Samples | None:
        """The next 20 ms; None when there are not as many yet. The last frame ends in silence."""
        if not self.has_frame:
            return None
        count = min(self.frame_samples, len(self._waiting) // 2)
        heard = np.frombuffer(bytes(self._waiting[: 2 * count]), dtype=np.int16)
        del self._waiting[: 2 * count]
        self.played_samples += count
        frame = np.zeros(self.frame_samples, dtype=np.int16)
        frame[:count] = self._shaped(heard)
        if self._is_stopping:
            self._waiting.clear()
        return frame

    def _shaped(self, samples: Samples) -> Samples:
        if self._is_stopping:
            fade = np.linspace(self._gain, 0.0, len(samples), dtype=np.float32)
            return (samples * fade).astype(np.int16)
        if self._gain == self._target:
            return samples if self._gain == 1.0 else (samples * self._gain).astype(np.int16)
        step = len(samples) / self.sample_rate_hz / _RAMP_S
        end = min(self._target, self._gain + step)
        if self._target < self._gain:
            end = max(self._target, self._gain - step)
        ramp = np.linspace(self._gain, end, len(samples), dtype=np.float32)
        self._gain = end
        return (samples * ramp).astype(np.int16)
