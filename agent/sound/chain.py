"""The stages that a call has, one after the other, over frames of int16."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from agent.sound.gain import Gain
from agent.sound.gate import Gate
from agent.sound.highpass import HighPass
from agent.sound.plan import Stage
from agent.sound.rnnoise import Rnnoise
from agent.sound.stage import RATE_HZ, SoundStage

Frame = NDArray[np.int16]
"""Mono, `FRAME_SAMPLES` of them at `RATE_HZ`."""

_MAKERS: Mapping[Stage, Callable[[], SoundStage]] = {
    "highpass": HighPass,
    "rnnoise": Rnnoise,
    "gate": Gate,
    "gain": Gain,
}


class Chain:
    """One stream's."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        """Raises EngineError for a stage whose library is not installed."""
        self._stages = [_MAKERS[stage]() for stage in stages]

    @property
    def delay_s(self) -> float:
        """By so much the sound comes later."""
        return sum(stage.delay_samples for stage in self._stages) / RATE_HZ

    def process(self, frame: Frame) -> Frame:
        """A new frame; what would exceed int16 is clipped, and never wraps around."""
        samples = frame.astype(np.float32)
        for stage in self._stages:
            samples = stage.process(samples)
        return np.rint(samples).clip(-32768, 32767).astype(np.int16)
