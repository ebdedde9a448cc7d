"""What the fake microphone of Chromium plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.stack.caller import NOISE_DBFS, RATE_HZ
from tests.stack.speech import speech, write_wav

LENGTH_S = 90.0
"""Longer than any call of these tests: after its end the file would be digital silence."""


def write_microphone(path: Path, *sentences: tuple[float, str]) -> Path:
    """A room's quiet noise with sentences spoken into it, each from its second on."""
    rng = np.random.default_rng(1)
    level = 32768 * 10 ** (NOISE_DBFS / 20)
    samples = rng.normal(0, level, int(LENGTH_S * RATE_HZ))
    for start_s, text in sentences:
        spoken = speech(text)
        start = int(start_s * RATE_HZ)
        samples[start : start + len(spoken)] += spoken
    write_wav(path, np.clip(samples, -32768, 32767))
    return path
