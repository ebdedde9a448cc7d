"""How well and how fast a VAD tells speech from the rest. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
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


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Of START or END after the labelled edge, of those edges that have quiet on their other side."""

    p50_s: float | None
    p95_s: float | None
    found: int
    missed: int
    """START or END did not come before the next edge."""


@dataclass(frozen=True, kw_only=True)
class VadComparison:
    """One VAD over all windows of all recordings, with the same bounds as the others."""

    name: str
    windows: int
    window_ms: float
    average_precision: float
    auc: float
    """Area under the true over the false positive rate."""
    precision: float
    recall: float
    """Both where 0.5 parts speech from the rest."""
    p50_us: float
    """Of the model, for one window."""
    p95_us: float
    us_per_s: float
    """The same for a second of sound, at p50: windows differ in length."""
    start: Delays
    stop: Delays


def read_vad_figures(path: Path | None) -> VadFigures | None:
    """None when they were not measured. Raises OSError for a file that is not there."""
    return VadFigures(**json.loads(path.read_text(encoding="utf-8"))) if path else None


def average_precision(scores: np.ndarray, is_speech: np.ndarray) -> float:
    """Area under precision over recall, in steps at each score that occurs; the windows of one
    score count together. `is_speech` must hold at least once."""
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(is_speech[order])
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    precision = hits[last] / (last + 1)
    recall = hits[last] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def roc_auc(scores: np.ndarray, is_speech: np.ndarray) -> float:
    """The chance that a window of speech scores higher than another; equal scores count half.
    Both kinds must occur."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    speech = int(is_speech.sum())
    others = len(is_speech) - speech
    return float((ranks[is_speech].sum() - speech * (speech + 1) / 2) / (speech * others))


def precision_recall(decided: np.ndarray, is_speech: np.ndarray) -> tuple[float, float]:
    """1 and 0 when nothing was taken for speech."""
    hits = int((decided & is_speech).sum())
    taken = int(decided.sum())
    return hits / taken if taken else 1.0, hits / int(is_speech.sum())


LEAST_GAP_S = 0.4
"""An edge counts if so much quiet is on its other side: with less a VAD may hear one speech."""

_EARLY_S = 0.2
"""So long before the labelled edge START or END still belongs to it."""

Spans = list[tuple[float, float, bool]]


def start_delays(spans: Spans, told_s: list[float]) -> list[float | None]:
    """How long after each labelled beginning START was told; None when it was not."""
    found = []
    for before, speech in pairwise(spans):
        if speech[2] and not before[2] and before[1] - before[0] >= LEAST_GAP_S:
            found.append(_delay(speech[0], speech[1], told_s))
    return found


def stop_delays(spans: Spans, told_s: list[float]) -> list[float | None]:
    """How long after each labelled end END was told; None when it was not."""
    found = []
    for speech, after in pairwise(spans):
        if speech[2] and not after[2] and after[1] - after[0] >= LEAST_GAP_S:
            found.append(_delay(speech[1], after[1], told_s))
    return found


def _delay(edge_s: float, until_s: float, told_s: list[float]) -> float | None:
    times_s = [time_s for time_s in told_s if edge_s - _EARLY_S <= time_s <= until_s]
    return times_s[0] - edge_s if times_s else None


def sum_up(delays: list[float | None]) -> Delays:
    found = [delay for delay in delays if delay is not None]
    p50_s, p95_s = (
        (round(float(np.percentile(found, percent)), 3) for percent in (50, 95))
        if found
        else (None, None)
    )
    return Delays(p50_s=p50_s, p95_s=p95_s, found=len(found), missed=len(delays) - len(found))


def parse_labels(text: str) -> Spans:
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


def label_windows(spans: Spans, count: int, window_s: float) -> np.ndarray:
    """Whether the middle of each window lies in speech."""
    middles_s = (np.arange(count) + 0.5) * window_s
    is_speech = np.zeros(count, dtype=bool)
    for start_s, end_s, speech in spans:
        if speech:
            is_speech |= (middles_s >= start_s) & (middles_s < end_s)
    return is_speech
