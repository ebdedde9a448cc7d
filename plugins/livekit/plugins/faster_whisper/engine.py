"""Whisper as a `Recogniser`: one loaded model for the sessions of many callers."""

from __future__ import annotations

import importlib
import os
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from livekit.plugins.speechcore import EngineBusy, EngineError, PartialSession, Transcript
from livekit.plugins.speechcore.pace import PartialPace

from . import weights
from .decoder import Decoder
from .languages import whisper_language
from .options import WhisperOptions
from .request import Request
from .session import WhisperSession
from .window import SAMPLE_RATE_HZ

_WARM_UP_S = 0.5
_MOST_THREADS = 4
_GPU_TROUBLE = re.compile("cuda|cublas|cudnn", re.IGNORECASE)
"""In what CTranslate2 says when a GPU is full or its libraries are missing."""


class FasterWhisperEngine:
    """Thread-safe; its sessions are for one thread each, and may decode at the same time.

    The model is loaded by the first stream or by `load()`. A loaded one does not survive `fork()`
    (CTranslate2's threads do not): then it says so instead of hanging.
    """

    def __init__(self, options: WhisperOptions | None = None) -> None:
        self._options = options or WhisperOptions()
        self._loading = threading.Lock()
        self._lock = threading.Lock()
        self._decoder: Decoder | None = None
        self._process = 0
        self._open = 0
        self._closed = False

    @property
    def model(self) -> str:
        """The name of its folder."""
        return Path(self._options.model).name

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    def load(self) -> None:
        """Loads the model and decodes a moment of silence, if it is not loaded. Blocks.

        Raises EngineError, for a set language that the model does not know as well.
        """
        self._check_language(whisper_language(self._options.language))

    def open(self, *, language: str | None = None) -> WhisperSession:
        """None is the language of the options. Raises EngineError for one the model does not know,
        EngineBusy when `max_sessions` are open."""
        chosen = whisper_language(language if language is not None else self._options.language)
        decoder = self._check_language(chosen)
        with self._lock:
            if self._closed:
                raise EngineError("this Whisper engine is closed")
            if self._open >= self._options.max_sessions:
                raise EngineBusy(f"all {self._options.max_sessions} Whisper sessions are open")
            self._open += 1
        pace = PartialPace(share=self._options.partial_share)
        return WhisperSession(decoder, language=chosen, pace=pace, release=self._release)

    def decode_batch(self, sessions: Sequence[PartialSession]) -> list[Transcript]:
        """As `decode()` of each, in their order, with the interims among them decoded together."""
        whisper = cast(Sequence[WhisperSession], sessions)
        interims = {n: due for n, session in enumerate(whisper) if (due := session.next_interim())}
        if len(interims) < 2:
            return [session.decode() for session in whisper]
        started_s = time.perf_counter()
        hypotheses = self._loaded().decode_together(
            [(interim.piece.samples(), interim.request) for interim in interims.values()]
        )
        took_s = (time.perf_counter() - started_s) / len(interims)
        found = dict(zip(interims, hypotheses, strict=True))
        return [
            session.take(interims[n], found[n], took_s) if n in interims else session.decode()
            for n, session in enumerate(whisper)
        ]

    def close(self) -> None:
        """Frees the model when its last session closes."""
        with self._lock:
            self._closed = True
            self._decoder = None

    def _check_language(self, language: str | None) -> Decoder:
        """The decoder. Raises EngineError for a language that it does not know."""
        decoder = self._loaded()
        if language is not None and not decoder.knows(language):
            raise EngineError(
                f"the Whisper model {self.model} does not know the language {language!r}:"
                " take a multilingual model, one without .en in its name"
            )
        return decoder

    def _release(self) -> None:
        with self._lock:
            self._open -= 1

    def _loaded(self) -> Decoder:
        with self._loading:
            if self._closed:
                raise EngineError("this Whisper engine is closed")
            if self._decoder is None:
                self._decoder = load_decoder(self._options)
                self._process = os.getpid()
            if self._process != os.getpid():
                raise EngineError("Whisper was loaded before this process was forked: load it here")
            return self._decoder


def make_engine(**options: Any) -> FasterWhisperEngine:
    """An engine from plain values, those of `WhisperOptions`: a model server's factory."""
    return FasterWhisperEngine(WhisperOptions(**options))


def load_decoder(options: WhisperOptions) -> Decoder:
    """Loads the model. Raises EngineError: not installed, not there, broken, not for this device."""
    try:
        library = importlib.import_module("faster_whisper")
        backend = importlib.import_module("ctranslate2")
    except ImportError as e:
        raise EngineError("faster-whisper is not installed: install the 'whisper' extra") from e
    folder = weights.model_folder(options.model)
    weights.check_files(folder)
    device, compute_type = _device_and_type(options, backend)
    try:
        model = library.WhisperModel(
            str(folder),
            device=device,
            compute_type=compute_type,
            cpu_threads=options.cpu_threads or usual_threads(os.cpu_count() or 1),
            num_workers=options.workers,
            local_files_only=True,
        )
        _check_features(model)
        decoder = Decoder(model, options)
        language = None if decoder.is_multilingual else "en"
        silence = np.zeros(round(_WARM_UP_S * SAMPLE_RATE_HZ), np.float32)
        decoder.decode(silence, Request(language=language, is_final=False))
    except EngineError:
        raise
    except Exception as e:  # the libraries raise RuntimeError, ValueError and plain Exception
        if device == "cuda" and _GPU_TROUBLE.search(str(e)):
            raise EngineError(
                f"Whisper cannot run on this GPU ({e}): choose the device cpu, or hide the GPU"
                " with CUDA_VISIBLE_DEVICES=-1"
            ) from e
        raise weights.broken(folder, f"the library says: {e}") from e
    return decoder


def usual_threads(processors: int) -> int:
    """For one worker, on so many logical processors; see `WhisperOptions.cpu_threads`."""
    return max(1, min(_MOST_THREADS, processors // 2))


def _device_and_type(options: WhisperOptions, backend: Any) -> tuple[str, str]:
    """Where to run and in which precision. Raises EngineError for what this machine cannot do."""
    has_gpu = backend.get_cuda_device_count() > 0
    device = options.device if options.device != "auto" else ("cuda" if has_gpu else "cpu")
    if device == "cuda" and not has_gpu:
        raise EngineError("there is no CUDA device for Whisper: choose the device cpu, or auto")
    supported = backend.get_supported_compute_types(device)
    wanted = options.compute_type or ("int8" if device == "cpu" else "float16")
    if wanted not in supported and options.compute_type is None:
        wanted = "float32"
    if wanted not in supported:
        raise EngineError(
            f"{device} cannot run Whisper in {wanted} here: choose one of {', '.join(sorted(supported))}"
        )
    return device, wanted


def _check_features(model: Any) -> None:
    """large-v3 wants 128 mel bands, the others 80: preprocessor_config.json says so."""
    made, wanted = model.feature_extractor.mel_filters.shape[0], model.model.n_mels
    if made != wanted:
        raise ValueError(f"it wants {wanted} mel bands, its preprocessor_config.json makes {made}")
