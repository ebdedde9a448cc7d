"""Moonshine as a `Recogniser`: transcribers are slow to make, so they are lent out and kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from livekit.plugins.speechcore import EngineBusy, EngineError
from livekit.plugins.speechcore.vad import VoiceDetector

from .detector import WINDOW_SAMPLES, SileroDetector
from .library import Transcriber
from .models import FILES, check_language, parse_model
from .session import SAMPLE_RATE_HZ, Session

DEFAULT_MODEL = "base"


class MoonshineEngine:
    """Thread-safe; its sessions are for one thread each.

    Each session has a transcriber of its own, because one can follow a single stream only; the
    weights are mapped from their files and shared. To be loaded in the process that uses it: the
    library's threads do not survive `fork()`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: str = DEFAULT_MODEL,
        max_sessions: int = 4,
        make_detector: Callable[[], VoiceDetector] = SileroDetector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folder` holds the model's files. `max_sessions`: how many may be open at once.

        Raises EngineError for a name that is no model and for missing files; loads nothing.
        """
        if max_sessions < 1:
            raise EngineError("moonshine needs max_sessions of at least 1")
        self._model = model
        self._name = parse_model(model)
        self._mend = f"run `parley download moonshine:{model}`"
        for file in FILES:
            if not (folder / file).is_file():
                raise EngineError(
                    f"moonshine's model {model!r} is not in {folder}, {file} is missing: {self._mend}"
                )
        self._folder = folder
        self._max_sessions = max_sessions
        self._make_detector = make_detector
        self._clock = clock
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._idle: list[Transcriber] = []
        self._lent = 0
        self._closed = False

    @property
    def model(self) -> str:
        return self._model

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    @property
    def language(self) -> str:
        return self._name.language

    def load(self) -> None:
        """Makes the first transcriber, if there is none. Blocks. Raises EngineError."""
        with self._making:
            with self._lock:
                if self._idle or self._lent or self._closed:
                    return
                self._lent += 1
            transcriber = None
            try:
                transcriber = self._new()
            finally:
                self._release(transcriber)

    def open(self, *, language: str | None = None) -> Session:
        """Raises EngineError for another language than the model's, EngineBusy when all are taken."""
        check_language(language, self._name)
        with self._lock:
            if self._closed:
                raise EngineError("this moonshine engine is closed")
            if self._lent >= self._max_sessions:
                raise EngineBusy(f"all {self._max_sessions} moonshine transcribers are in use")
            self._lent += 1
        transcriber = None
        try:
            transcriber = self._take()
            return Session(
                transcriber,
                self._make_detector(),
                window_samples=WINDOW_SAMPLES,
                joint=self._name.joint,
                release=lambda lent=transcriber: self._release(lent),  # type: ignore[misc]
                clock=self._clock,
            )
        except BaseException:
            self._release(transcriber)
            raise

    def close(self) -> None:
        """Frees the idle transcribers at once, the others when their sessions close."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for transcriber in idle:
            transcriber.close()

    def _take(self) -> Transcriber:
        """An idle one, waiting for one that is being loaded; else a new one."""
        with self._making:
            with self._lock:
                if self._idle:
                    return self._idle.pop()
            return self._new()

    def _new(self) -> Transcriber:
        return Transcriber(self._folder, self._name, self._mend)

    def _release(self, transcriber: Transcriber | None) -> None:
        """Of a reserved place, and of what was lent for it, if it was."""
        with self._lock:
            self._lent -= 1
            if transcriber is None:
                return
            if not self._closed:
                self._idle.append(transcriber)
                return
        transcriber.close()
