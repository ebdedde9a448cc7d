"""TEN VAD as a `VoiceDetector`. Its licence is not an open-source one; see `LICENCE_NOTICE`."""

from __future__ import annotations

import ctypes
import logging
import sys
from functools import cache

import numpy as np
from livekit.plugins.speechcore import EngineError

logger = logging.getLogger(__name__)

WINDOW_SAMPLES = 256
"""16 ms at 16 kHz; some 75 µs of computing."""

LICENCE_NOTICE = (
    "TEN VAD is licensed under Apache-2.0 with additional conditions: it may only serve your own"
    " application and its end users, and not compete with Agora's offerings. Its package holds"
    " the whole text."
)


class TenVadDetector:
    """One stream's; 0.4 ms to make once the library is loaded.

    The first one of a process logs the licence notice. Raises EngineError when TEN VAD is not
    there or cannot run here.
    """

    def __init__(self) -> None:
        _check_libcxx()
        try:
            from ten_vad import TenVad
        except ImportError as e:
            raise EngineError("ten_vad is not installed: install the 'tenvad' extra") from e
        try:
            self._vad = TenVad(WINDOW_SAMPLES)
        except (OSError, NotImplementedError, AssertionError) as e:
            raise EngineError(f"ten_vad does not run on this machine: {e}") from e
        _tell_licence()

    def score(self, window: bytes) -> float:
        probability, _ = self._vad.process(np.frombuffer(window, dtype=np.int16))
        return min(1.0, max(0.0, float(probability)))


@cache
def _check_libcxx() -> None:
    """The wheel's library needs LLVM's C++ runtime, which few Linux systems bring along."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libc++.so.1")
    except OSError as e:
        raise EngineError(
            "ten_vad needs the system's libc++: install it, on Debian and Ubuntu libc++1"
        ) from e


@cache
def _tell_licence() -> None:
    logger.warning(LICENCE_NOTICE)
