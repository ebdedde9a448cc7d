"""The C library inside the pocketsphinx wheel, called without the interpreter lock.

The wheel's own Python binding keeps the lock through every call: loading stalls the event loop for
0.45 s and the end of an utterance for 0.15 s (measured). Its extension module exports the C functions,
and ctypes releases the lock while they run.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from livekit.plugins.speechcore import EngineError

FRAME_S = 0.01
"""One decoder frame."""

SAMPLE_RATE_HZ = 16_000

INITIAL_CEPSTRAL_MEAN = "49,-3.4,2.4,10,-2.4,-1.2,0.2,-4.2,-2.2,-1.5,2,1,0.5"
"""The mean over human and synthetic voices. The library's own guess (40, 3, -1, 0 …) makes half as
many errors again in a caller's first utterance; from then on the mean follows the caller."""

_OPTIONS = {
    "cmn": "live",
    "cmninit": INITIAL_CEPSTRAL_MEAN,
    # A tenth of the default: half the time for the same word errors. At 2000 they grow.
    "maxhmmpf": 3000,
    "fwdflatsfwin": 15,  # a seventh less time at the end of an utterance, same errors
}

_INT_P = ctypes.POINTER(ctypes.c_int)
_INT32_P = ctypes.POINTER(ctypes.c_int32)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "err_set_loglevel_str": (ctypes.c_char_p, [ctypes.c_char_p]),
    "ps_config_parse_json": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    "ps_config_free": (ctypes.c_int, [ctypes.c_void_p]),
    "ps_init": (ctypes.c_void_p, [ctypes.c_void_p]),
    "ps_free": (ctypes.c_int, [ctypes.c_void_p]),
    "ps_start_stream": (ctypes.c_int, [ctypes.c_void_p]),
    "ps_start_utt": (ctypes.c_int, [ctypes.c_void_p]),
    "ps_process_raw": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int],
    ),
    "ps_end_utt": (ctypes.c_int, [ctypes.c_void_p]),
    "ps_get_hyp": (ctypes.c_char_p, [ctypes.c_void_p, _INT32_P]),
    "ps_get_logmath": (ctypes.c_void_p, [ctypes.c_void_p]),
    "ps_get_cmn": (ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int]),
    "ps_set_cmn": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
    "ps_seg_iter": (ctypes.c_void_p, [ctypes.c_void_p]),
    "ps_seg_next": (ctypes.c_void_p, [ctypes.c_void_p]),
    "ps_seg_word": (ctypes.c_char_p, [ctypes.c_void_p]),
    "ps_seg_frames": (None, [ctypes.c_void_p, _INT_P, _INT_P]),
    "ps_seg_prob": (ctypes.c_int32, [ctypes.c_void_p, _INT32_P, _INT32_P, _INT32_P]),
    "logmath_exp": (ctypes.c_double, [ctypes.c_void_p, ctypes.c_int]),
}


@dataclass(frozen=True, slots=True)
class RawWord:
    """A word as the decoder spells it, fillers such as `<sil>` and `[NOISE]` included."""

    text: str
    start_frame: int
    end_frame: int
    """The last frame of the word."""
    posterior: float
    """0..1; meaningful after `end()` only."""


def _package_folder() -> Path:
    # Found, not imported: the import would keep the interpreter lock for 35 ms.
    spec = importlib.util.find_spec("pocketsphinx")
    if spec is None or spec.origin is None:
        raise EngineError("pocketsphinx is not installed: install the 'embedded' extra")
    return Path(spec.origin).parent


def _extension_file() -> Path:
    folder = _package_folder()
    for suffix in EXTENSION_SUFFIXES:
        file = folder / f"_pocketsphinx{suffix}"
        if file.is_file():
            return file
    raise EngineError("pocketsphinx is installed without its library: reinstall it")


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_extension_file()))
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as e:
        raise EngineError(
            "this build of pocketsphinx does not export its C functions:"
            " use the wheel for Linux or macOS from PyPI"
        ) from e
    return library


def model_folder() -> Path:
    """The en-us model that comes with the wheel. Raises EngineError when it is not there."""
    folder = _package_folder() / "model" / "en-us"
    # The C library ends the process when a file of the model is missing.
    missing = [
        name
        for name in ("en-us/mdef", "en-us.lm.bin", "cmudict-en-us.dict")
        if not (folder / name).is_file()
    ]
    if missing:
        raise EngineError(
            f"the pocketsphinx model lacks {', '.join(missing)}: reinstall pocketsphinx"
        )
    return folder


class Decoder:
    """One pocketsphinx decoder: about 90 MB and half a second to load. For one thread at a time."""

    def __init__(self) -> None:
        folder = model_folder()
        self._library = _library()
        self._library.err_set_loglevel_str(b"FATAL")  # it writes to the process's stderr
        config = {
            "hmm": str(folder / "en-us"),
            "lm": str(folder / "en-us.lm.bin"),
            "dict": str(folder / "cmudict-en-us.dict"),
            "loglevel": "FATAL",
            **_OPTIONS,
        }
        parsed = self._library.ps_config_parse_json(None, json.dumps(config).encode())
        self._handle = self._library.ps_init(parsed) if parsed else None
        if parsed:
            self._library.ps_config_free(parsed)
        if not self._handle:
            raise EngineError(f"pocketsphinx could not load its model from {folder}")
        self._logmath = self._library.ps_get_logmath(self._handle)

    @property
    def cepstral_mean(self) -> str:
        """The mean subtracted from the features, as the library prints it."""
        return (self._library.ps_get_cmn(self._handle, 0) or b"").decode()

    @cepstral_mean.setter
    def cepstral_mean(self, mean: str) -> None:
        self._library.ps_set_cmn(self._handle, mean.encode())

    def start(self) -> None:
        """Begins an utterance; what was known of the noise is forgotten."""
        self._library.ps_start_stream(self._handle)
        self._checked(self._library.ps_start_utt(self._handle), "start an utterance")

    def process(self, pcm: bytes) -> None:
        """Decodes mono int16 PCM at 16 kHz."""
        processed = self._library.ps_process_raw(self._handle, pcm, len(pcm) // 2, 0, 0)
        self._checked(processed, "decode audio")

    def end(self) -> None:
        """Ends the utterance, running the passes that look at all of it."""
        self._checked(self._library.ps_end_utt(self._handle), "end an utterance")

    def words(self) -> list[RawWord]:
        """The best path so far, fillers included."""
        return list(self._segments())

    def close(self) -> None:
        """Frees the decoder; harmless when repeated."""
        handle, self._handle = self._handle, None
        if handle:
            self._library.ps_free(handle)

    def _segments(self) -> Iterator[RawWord]:
        library = self._library
        first, last, score = ctypes.c_int(), ctypes.c_int(), ctypes.c_int32()
        segment = library.ps_seg_iter(self._handle)
        while segment:
            library.ps_seg_frames(segment, ctypes.byref(first), ctypes.byref(last))
            log = library.ps_seg_prob(
                segment, ctypes.byref(score), ctypes.byref(score), ctypes.byref(score)
            )
            text = library.ps_seg_word(segment).decode(errors="replace")
            yield RawWord(text, first.value, last.value, library.logmath_exp(self._logmath, log))
            segment = library.ps_seg_next(segment)

    def _checked(self, status: int, what: str) -> None:
        if status < 0:
            raise EngineError(f"pocketsphinx could not {what}")
