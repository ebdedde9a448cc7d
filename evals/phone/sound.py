"""What a telephone makes of a voice. Pure."""

from __future__ import annotations

import numpy as np

from evals.ear.microphone import low_pass, to_int16
from evals.phone.rtp import RATE_HZ
from tests.stack.caller import RATE_HZ as WIDE_HZ

_LOW_HZ, _HIGH_HZ = 300, 3_400
_STEP = WIDE_HZ // RATE_HZ


def narrowed(samples: np.ndarray) -> np.ndarray:
    """Samples at 48 kHz as they are at 8 kHz, 300 to 3400 Hz; int16, and no later than before."""
    narrow = np.convolve(samples, low_pass(_HIGH_HZ, WIDE_HZ, 193), mode="same")[::_STEP]
    high_pass = -low_pass(_LOW_HZ, RATE_HZ, 101)
    high_pass[50] += 1.0
    if len(narrow) < len(high_pass):
        narrow = np.pad(narrow, (0, len(high_pass) - len(narrow)))
    return to_int16(np.convolve(narrow, high_pass, mode="same"))
