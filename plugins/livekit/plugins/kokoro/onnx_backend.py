"""Kokoro by kokoro-onnx: one ONNX file for every language that espeak-ng knows the phonemes of."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from livekit.plugins.speechcore import EngineError
from numpy.typing import NDArray

from .backend import SAMPLE_RATE_HZ, STYLE_SHAPE, Samples, Sound, import_library
from .voices import LANGUAGES

_GET_IT = "get it with `parley download kokoro`"
_EXTRA = "kokoro"
_INPUTS = ({"input_ids", "tokens"}, {"style"}, {"speed"})
_MAX_DATA_PATH_BYTES = 159
"""espeak-ng ends the whole process when it does not find its data, as with a path over 159 bytes."""

_SPELLED = re.compile(r"(?<=\w)\.(?=\w)")
"""Between letters that are spelled, the model would pause as after a sentence."""

_espeak_lock = threading.Lock()
"""espeak-ng has one state a process: two threads at once would get each other's phonemes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxOptions:
    """Which files, run how. fp32, fp16 and int8 are files of their own."""

    model_path: Path

    voices_path: Path
    """An npz of styles by voice."""

    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    """onnxruntime's, the preferred one first. One that is missing is an error, not a slow call."""

    threads: int = 0
    """0 leaves it to onnxruntime: one a core."""

    name: str = "kokoro"
    """What metrics call it; tells a precision from another in a phrase cache."""


class OnnxBackend:
    """One session of onnxruntime, which takes several threads at once."""

    def __init__(self, options: OnnxOptions) -> None:
        """Raises EngineError when a file is not there."""
        for path in (options.model_path, options.voices_path):
            if not path.is_file():
                raise EngineError(f"kokoro's {path.name} is not in {path.parent}: {_GET_IT}")
        self._options = options
        self._lock = threading.Lock()
        self._kokoro: Any = None
        self._styles: dict[str, Samples] = {}

    @property
    def model(self) -> str:
        return self._options.name

    @property
    def languages(self) -> Sequence[str]:
        """espeak-ng's phonemes of Japanese and Chinese are not the model's."""
        return [language for language in LANGUAGES.values() if language not in ("ja", "zh")]

    @property
    def voices(self) -> Sequence[str]:
        return list(self._styles)

    def load(self) -> None:
        with self._lock:
            if self._kokoro is None:
                session = _open_session(self._options)
                self._styles = _read_styles(self._options.voices_path)
                self._kokoro = _open_kokoro(session, self._options)

    def phonemes(self, text: str, language: str) -> str:
        phonemizer = import_library("phonemizer", extra=_EXTRA)
        with _espeak_lock:
            found = phonemizer.phonemize(
                text,
                language,
                preserve_punctuation=True,
                with_stress=True,
                language_switch="remove-flags",
            )
        known = self._kokoro.tokenizer.known(_SPELLED.sub("", found))
        return " ".join(known.split())

    def speak(self, phonemes: str, voice: str, speed: float) -> Sound:
        samples, _, timings = self._kokoro.create_timed(
            phonemes,
            self._styles[voice],
            speed,
            is_phonemes=True,
            trim=False,
            sentence_pause=0.0,
            clause_pause=0.0,
        )
        if not timings:
            return Sound(samples, None)
        seconds = [*(timing.start for timing in timings), timings[-1].end]
        return Sound(samples, np.rint(np.array(seconds) * SAMPLE_RATE_HZ).astype(np.int64))


def _open_session(options: OnnxOptions) -> Any:
    onnxruntime = import_library("onnxruntime", extra=_EXTRA)
    available = onnxruntime.get_available_providers()
    if missing := [name for name in options.providers if name not in available]:
        raise EngineError(
            f"this onnxruntime has no {missing[0]}, only {', '.join(available)}:"
            " install the onnxruntime for your device, or run kokoro on the CPU"
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    path = options.model_path
    try:
        session = onnxruntime.InferenceSession(
            str(path), settings, providers=list(options.providers)
        )
    except Exception as e:  # onnxruntime's own, which have no base class but this
        raise EngineError(
            f"onnxruntime cannot load {path} ({type(e).__name__}); it may be cut short or not meant"
            f" for this device: {_GET_IT}"
        ) from e
    inputs = {each.name for each in session.get_inputs()}
    if any(not names & inputs for names in _INPUTS):
        raise EngineError(f"{path} is not a model of kokoro: {_GET_IT}")
    if options.providers[0] not in session.get_providers():
        raise EngineError(
            f"onnxruntime cannot use {options.providers[0]} on this machine:"
            " install what it needs, or run kokoro on the CPU"
        )
    return session


def _open_kokoro(session: Any, options: OnnxOptions) -> Any:
    library = import_library("kokoro_onnx", extra=_EXTRA)
    loader = import_library("espeakng_loader", extra=_EXTRA)
    if len(os.fsencode(loader.get_data_path())) > _MAX_DATA_PATH_BYTES:
        raise EngineError(
            f"espeak-ng cannot read its data from a path over {_MAX_DATA_PATH_BYTES} bytes"
            f" ({loader.get_data_path()}): move the Python environment to a shorter one"
        )
    kokoro = library.Kokoro.from_session(session, str(options.voices_path))
    kokoro.voices.close()  # all are in memory already
    outputs = [each.name for each in session.get_outputs()]
    if outputs[1:2] == ["durations"]:
        kokoro.sess = _WholeFrames(session)
        kokoro.has_timings = True
    return kokoro


def _read_styles(path: Path) -> dict[str, Samples]:
    try:
        with path.open("rb") as file, np.load(file) as voices:
            styles = {name: np.asarray(voices[name], np.float32) for name in sorted(voices.files)}
    except Exception as e:  # of the zip, the npy and the file layer, and what a plain array lacks
        raise EngineError(
            f"{path} is not kokoro's file of voices, or cut short ({type(e).__name__}): {_GET_IT}"
        ) from e
    if not styles or any(style.shape[1:] != STYLE_SHAPE for style in styles.values()):
        raise EngineError(f"{path} holds no voices of kokoro: {_GET_IT}")
    return styles


class _WholeFrames:
    """A session whose second output is as kokoro-onnx takes it.

    The export that is called timestamped gives durations before the graph rounds them to frames.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def run(self, names: Any, inputs: Any) -> list[NDArray[Any]]:
        samples, durations = self._session.run(names, inputs)[:2]
        return [samples, np.maximum(np.rint(durations), 1).astype(np.int64)]
