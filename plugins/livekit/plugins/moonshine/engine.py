"""Moonshine as a `Recogniser`: transcribers are slow to make, so they are lent out and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from livekit.plugins.speechcore import EngineError
from livekit.plugins.speechcore.lending import Lender
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
        self._transcribers = Lender(
            self._new, most=max_sessions, engine="moonshine", things="transcribers"
        )
        self._model = model
        self._name = parse_model(model)
        self._mend = f"run `parley download moonshine:{model}`"
        for file in FILES:
            if not (folder / file).is_file():
                raise EngineError(
                    f"moonshine's model {model!r} is not in {folder}, {file} is missing: {self._mend}"
                )
        self._folder = folder
        self._make_detector = make_detector
        self._clock = clock

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
        self._transcribers.load()

    def open(self, *, language: str | None = None) -> Session:
        """Raises EngineError for another language than the model's, EngineBusy when all are taken."""
        check_language(language, self._name)
        transcriber = self._transcribers.lend()
        try:
            return Session(
                transcriber,
                self._make_detector(),
                window_samples=WINDOW_SAMPLES,
                joint=self._name.joint,
                release=lambda: self._transcribers.take_back(transcriber),
                clock=self._clock,
            )
        except BaseException:
            self._transcribers.take_back(transcriber)
            raise

    def close(self) -> None:
        """Frees the idle transcribers at once, the others when their sessions close."""
        self._transcribers.close()

    def _new(self) -> Transcriber:
        return Transcriber(self._folder, self._name, self._mend)
