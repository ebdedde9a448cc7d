"""How well and how fast a VAD tells speech from the rest. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, kw_only=True)
class VadFigures:
    """Over all windows of all recordings."""

    recordings: int
    windows: int
    speech_share: float
    average_precision: float
    p50_us: float
    """Of the model, for one window."""
    p95_us: float
    p50_with_hop_us: float
    """The same as a call waits for it: with the way to the VAD's thread and back."""


def read_vad_figures(path: Path) -> VadFigures | None:
    """None when they were not measured."""
    return VadFigures(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def average_precision(scores: np.ndarray, is_speech: np.ndarray) -> float:
    """Area under precision over recall, in steps at each score that occurs; the windows of one
    score count together. `is_speech` must hold at least once."""
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(is_speech[order])
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    precision = hits[last] / (last + 1)
    recall = hits[last] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def parse_labels(text: str) -> list[tuple[float, float, bool]]:
    """Spans (start, end, whether speech) of a `.scv` file: the recording's name, then start, end
    and 0 or 1 of each span, with commas between. Raises ValueError."""
    values = text.strip().split(",")[1:]
    if not values or len(values) % 3:
        raise ValueError("labels are start, end and 0 or 1, again and again")
    starts_s, ends_s, speech = values[0::3], values[1::3], values[2::3]
    return [
        (float(start_s), float(end_s), float(flag) > 0)
        for start_s, end_s, flag in zip(starts_s, ends_s, speech, strict=True)
    ]


def label_windows(
    spans: list[tuple[float, float, bool]], count: int, window_s: float
) -> np.ndarray:
    """Whether the middle of each window lies in speech."""
    middles_s = (np.arange(count) + 0.5) * window_s
    is_speech = np.zeros(count, dtype=bool)
    for start_s, end_s, speech in spans:
        if speech:
            is_speech |= (middles_s >= start_s) & (middles_s < end_s)
    return is_speech
