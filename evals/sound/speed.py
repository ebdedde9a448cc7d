"""What a frame of 10 ms costs, stage by stage, on one core."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from agent.sound.chain import Chain
from agent.sound.estimate import NoiseEstimate
from agent.sound.plan import STAGES, Stage
from agent.sound.stage import FRAME_SAMPLES


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of frames of 10 ms, in milliseconds of processor time."""

    what: str
    frames: int
    p50_ms: float
    p95_ms: float


def costs(heard: np.ndarray) -> list[Cost]:
    """`heard`: a microphone's int16 at the worker's rate."""
    frames = heard[: len(heard) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    chains: dict[str, tuple[Stage, ...]] = {
        **{stage: (stage,) for stage in STAGES},
        "highpass, rnnoise": ("highpass", "rnnoise"),
        "all": STAGES,
    }
    found = [_cost("estimate of auto", NoiseEstimate().hear, frames)]
    return found + [_cost(name, Chain(stages).process, frames) for name, stages in chains.items()]


def _cost(what: str, process: object, frames: np.ndarray) -> Cost:
    times_s = []
    for frame in frames:
        begun_s = time.thread_time()
        process(frame)  # type: ignore[operator]
        times_s.append(time.thread_time() - begun_s)
    p50_ms, p95_ms = np.percentile(times_s, [50, 95]) * 1000
    return Cost(what=what, frames=len(frames), p50_ms=round(p50_ms, 4), p95_ms=round(p95_ms, 4))
