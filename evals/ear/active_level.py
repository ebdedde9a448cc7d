"""Where the speech in a noisy recording ends, by its active level: ITU-T P.56, method B.

A recording of a room never falls silent, so its last audible sample says little about its last
word. P.56 calls speech what lies less than 15.9 dB under the level of the speech itself.
"""

from __future__ import annotations

import math

import numpy as np

_STEP_S = 0.005
_TIME_CONSTANT_S = 0.03
"""Of each of the two smoothings that make the envelope."""
_HANGOVER_S = 0.2
"""Shorter gaps belong to the speech."""
_MARGIN_DB = 15.9
_LADDER_DB = np.arange(-90.0, 0.0, 0.5)
_FULL_SCALE = 32768.0


def active_end_s(samples: np.ndarray, rate_hz: int) -> float:
    """When the speech in int16 samples ends, in seconds from the first; 0.0 when there is none.

    The envelope comes late by its two time constants: that is taken off. Where sound stops at once
    0.04 s are left over.
    """
    step = round(rate_hz * _STEP_S)
    count = len(samples) // step
    steps = samples[: count * step].astype(float).reshape(count, step) / _FULL_SCALE
    envelope = _smoothed(_smoothed(np.abs(steps).mean(axis=1)))
    level_dbfs = _active_level_dbfs(envelope, energy=float(np.square(steps).mean(axis=1).sum()))
    if level_dbfs is None:
        return 0.0
    above = np.flatnonzero(envelope >= 10 ** ((level_dbfs - _MARGIN_DB) / 20))
    return max(0.0, (int(above[-1]) + 1) * _STEP_S - 2 * _TIME_CONSTANT_S)


def _smoothed(values: np.ndarray) -> np.ndarray:
    kept = math.exp(-_STEP_S / _TIME_CONSTANT_S)
    smooth, now = np.empty_like(values), 0.0
    for index, value in enumerate(values.tolist()):
        now = kept * now + (1 - kept) * value
        smooth[index] = now
    return smooth


def _active_level_dbfs(envelope: np.ndarray, *, energy: float) -> float | None:
    """The level over the time that counts as speech: at the threshold which lies 15.9 dB under it."""
    hangover = round(_HANGOVER_S / _STEP_S)
    level_dbfs = None
    for threshold_dbfs in _LADDER_DB:
        above = np.flatnonzero(envelope >= 10 ** (threshold_dbfs / 20))
        if not len(above):
            break
        until_next = np.diff(above, append=len(envelope))
        active_steps = int(np.minimum(until_next, hangover).sum())
        level_dbfs = 10 * math.log10(energy / active_steps)
        if level_dbfs - threshold_dbfs <= _MARGIN_DB:
            break
    return level_dbfs
