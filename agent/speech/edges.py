"""The edges of one clause's audio: no silence before it, a set pause after it, no clicks."""

from __future__ import annotations

import numpy as np
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, EdgeFader
from numpy.typing import NDArray

_SOUND_AMPLITUDE = 104
"""-50 dBFS: less is silence."""

_KEPT_MS = 20.0
_FADE_MS = 3.0


def silence(duration_ms: float, sample_rate_hz: int) -> bytes:
    return bytes(BYTES_PER_SAMPLE * round(sample_rate_hz * duration_ms / 1000))


class ClauseEdges:
    """Trims and fades one clause, given and returned as mono int16 PCM, as it comes.

    Silence is held back until a sound follows it: pauses inside come through whole, those at the
    edges only for 20 ms.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._has_sounded = False
        self._kept_samples = round(sample_rate_hz * _KEPT_MS / 1000)
        self._held: NDArray[np.int16] = np.zeros(0, dtype=np.int16)
        self._fader = EdgeFader(sample_rate_hz, _FADE_MS)

    def process(self, pcm: bytes) -> bytes:
        """What may be played now; nothing while there is only silence."""
        samples = np.concatenate([self._held, np.frombuffer(pcm, dtype=np.int16)])
        # Widened first: the size of -32768 does not fit its own type.
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SOUND_AMPLITUDE)
        first = int(loud[0]) if len(loud) else len(samples)
        start = 0 if self._has_sounded else max(0, first - self._kept_samples)
        end = int(loud[-1]) + 1 if len(loud) else start
        self._held = samples[end:]
        self._has_sounded = self._has_sounded or bool(len(loud))
        return self._fader.process(samples[start:end].tobytes()) if end > start else b""

    def finish(self) -> bytes:
        """The last sound, faded out, with at most 20 ms of silence."""
        tail = self._held[: self._kept_samples].tobytes() if self._has_sounded else b""
        self._held = np.zeros(0, dtype=np.int16)
        return self._fader.process(tail) + self._fader.finish()
