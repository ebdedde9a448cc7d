"""The sound in LLMVoX's answer: raw 32-bit floats at 24 kHz, cut anywhere."""

from __future__ import annotations

import numpy as np
from livekit.plugins.speechcore import from_floats

SAMPLE_RATE_HZ = 24_000
_SAMPLE_BYTES = 4


class FloatSound:
    """Takes the answer piece by piece, gives mono int16 PCM."""

    def __init__(self) -> None:
        self._rest = b""

    def push(self, piece: bytes) -> bytes:
        """What can be played now."""
        data = self._rest + piece
        whole = len(data) - len(data) % _SAMPLE_BYTES
        self._rest = data[whole:]
        return from_floats(np.frombuffer(data[:whole], dtype="<f4"))
