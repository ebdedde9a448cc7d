"""RNNoise (Valin, 2018): a small recurrent network that keeps the voice and takes the rest away.

The library comes with pyrnnoise and is called as it is: importing that package would load FFmpeg and
more, and its own frames wrap around where a sample exceeds int16.
"""

from __future__ import annotations

import ctypes
import platform
import weakref
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from livekit.plugins.speechcore import EngineError

from agent.sound.halfband import DELAY_SAMPLES, Doubler, Halver
from agent.sound.stage import Samples

_FRAME_SAMPLES = 480
"""10 ms at 48 kHz, the library's only rate."""

_OWN_DELAY_SAMPLES = 480
"""At 24 kHz: 10 ms of overlapping windows, 10 ms that the network looks ahead."""

_FILES = {"Darwin": "librnnoise.dylib", "Windows": "rnnoise.dll"}


class Rnnoise:
    """One stream's; some 33 kB of state."""

    def __init__(self) -> None:
        """Raises EngineError when pyrnnoise is not installed, or has no library for this machine."""
        self._library = _load()
        self._state = self._library.rnnoise_create(None)
        self._doubler, self._halver = Doubler(), Halver()
        self._frame = np.empty(_FRAME_SAMPLES, dtype=np.float32)
        self._frame_address = self._frame.ctypes.data
        weakref.finalize(self, self._library.rnnoise_destroy, self._state)

    @property
    def delay_samples(self) -> int:
        return _OWN_DELAY_SAMPLES + DELAY_SAMPLES

    def process(self, samples: Samples) -> Samples:
        self._frame[:] = self._doubler.process(samples)
        address = self._frame_address
        self._library.rnnoise_process_frame(self._state, address, address)
        return self._halver.process(self._frame)


def why_not() -> str | None:
    """Why RNNoise cannot be had here, in a sentence without its end; None when it can."""
    try:
        _load()
    except EngineError as e:
        return str(e)
    return None


def _load() -> ctypes.CDLL:
    spec = find_spec("pyrnnoise")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError("rnnoise is not installed: install the 'denoise' extra")
    path = Path(spec.submodule_search_locations[0]) / _FILES.get(platform.system(), "librnnoise.so")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as e:
        raise EngineError(f"rnnoise cannot be loaded: {e}") from e
    pointer = ctypes.c_void_p
    library.rnnoise_create.argtypes, library.rnnoise_create.restype = [pointer], pointer
    library.rnnoise_destroy.argtypes, library.rnnoise_destroy.restype = [pointer], None
    library.rnnoise_process_frame.argtypes = [pointer, pointer, pointer]
    library.rnnoise_process_frame.restype = ctypes.c_float
    if (samples := library.rnnoise_get_frame_size()) != _FRAME_SAMPLES:
        raise EngineError(f"rnnoise takes frames of {samples} samples, not of {_FRAME_SAMPLES}")
    return library
