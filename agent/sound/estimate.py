"""How noisy a microphone is, from the levels of its last seconds, and whether that calls for cleaning."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.sound.stage import FRAME_S, level_dbfs

_MEMORY_FRAMES = round(5.0 / FRAME_S)
_QUIETEST_DBFS = -90.0

_FLOOR_PERCENT, _VOICE_PERCENT = 10, 95
_LEAST_VOICE_OVER_FLOOR_DB = 9.0
_CREST_DB = 5.0
"""By so much the loudest frames of a voice exceed its mean level."""

USUAL_VOICE_DBFS = -26.0
"""Taken for the caller's until a voice has stood out from the noise."""

_LAG_FRAMES = round(0.1 / FRAME_S)
"""Whole periods of hum, of 50 Hz and of 60."""

_NEAR_FLOOR_DB = 10.0

_DC_KEEP = 0.95


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Of the newest seconds."""

    floor_dbfs: float
    """The level that 90 % of the frames exceed."""
    voice_dbfs: float | None
    """Mean level of what stands out from the floor; None when nothing does."""
    swing_db: float
    """How much frames near the floor, 0.1 s apart, differ in level: the median. Of hum 0.1, of a
    street 1 to 2, of the voices of others 2.2 to 3.1 (docs/sound.md)."""

    @property
    def snr_db(self) -> float:
        voice_dbfs = USUAL_VOICE_DBFS if self.voice_dbfs is None else self.voice_dbfs
        return voice_dbfs - self.floor_dbfs


class NoiseEstimate:
    """Takes the microphone frame by frame; bounded memory."""

    def __init__(self) -> None:
        self._levels = np.zeros(_MEMORY_FRAMES)
        self._frames = 0
        self._dc = 0.0

    @property
    def heard_s(self) -> float:
        return self._frames * FRAME_S

    def hear(self, frame: NDArray[np.int16]) -> float:
        """The frame's level. A constant offset of the microphone is no sound."""
        samples = frame.astype(np.float32)
        self._dc = _DC_KEEP * self._dc + (1 - _DC_KEEP) * float(samples.mean())
        level = max(_QUIETEST_DBFS, level_dbfs(samples - np.float32(self._dc)))
        self._levels[self._frames % _MEMORY_FRAMES] = level
        self._frames += 1
        return level

    def read(self) -> Noise:
        """After one frame at least."""
        levels = self._levels[: min(self._frames, _MEMORY_FRAMES)]
        floor, loudest = np.percentile(levels, [_FLOOR_PERCENT, _VOICE_PERCENT])
        stands_out = loudest - floor >= _LEAST_VOICE_OVER_FLOOR_DB
        return Noise(
            floor_dbfs=float(floor),
            voice_dbfs=float(loudest) - _CREST_DB if stands_out else None,
            swing_db=_swing_db(levels, float(floor)),
        )


def _swing_db(levels: NDArray[np.float64], floor_dbfs: float) -> float:
    """Infinite when hardly anything is near the floor. The few pairs across the seam of the ring are
    no neighbours, and too few to move a median."""
    before, after = levels[:-_LAG_FRAMES], levels[_LAG_FRAMES:]
    near = np.maximum(before, after) < floor_dbfs + _NEAR_FLOOR_DB
    return float(np.median(np.abs(after - before)[near])) if near.any() else math.inf


ON_SNR_DB = 15.0
OFF_SNR_DB = 21.0
"""Between the two what is on stays on, and what is off stays off. The first verdict of a call has
nothing to keep, and is drawn at `ON_SNR_DB`."""

LOUDEST_QUIET_DBFS = -55.0
"""A floor below it is no noise, however soft the caller's voice."""

MOST_SWING_DB = 2.1
"""What swings more is voices: RNNoise takes them for the caller's, and makes them worse."""

_AGREEING = 2
"""Verdicts in a row that change what a call has: a word or a slammed door is not the room."""


@dataclass
class NoisePolicy:
    """Asked every now and then; says whether the chain should be on."""

    is_on: bool = False
    _is_first: bool = True
    _dissenting: int = field(default=0)

    def decide(self, noise: Noise) -> bool:
        wanted = self._wanted(noise)
        self._dissenting = self._dissenting + 1 if wanted != self.is_on else 0
        if self._dissenting >= (1 if self._is_first else _AGREEING):
            self.is_on, self._dissenting = wanted, 0
        self._is_first = False
        return self.is_on

    def _wanted(self, noise: Noise) -> bool:
        if noise.floor_dbfs < LOUDEST_QUIET_DBFS or noise.swing_db > MOST_SWING_DB:
            return False
        return noise.snr_db < (OFF_SNR_DB if self.is_on else ON_SNR_DB)
