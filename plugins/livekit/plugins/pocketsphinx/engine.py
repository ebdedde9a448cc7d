"""pocketsphinx as a `Recogniser`: decoders are slow to make, so they are lent out and kept."""

from __future__ import annotations

import threading

from livekit.plugins.speechcore import EngineBusy, EngineError

from .native import SAMPLE_RATE_HZ, Decoder
from .session import Session

MODEL = "en-us"


def check_language(language: str | None) -> None:
    """Raises EngineError for anything that is not English. None is English."""
    if language is None:
        return
    primary = language.strip().lower().replace("_", "-").split("-")[0]
    if primary not in {"en", "eng", "english"}:
        raise EngineError(
            f"pocketsphinx knows English only, not {language!r}: choose another speech-to-text engine"
        )


class PocketsphinxEngine:
    """The en-us model of the wheel. Thread-safe; its sessions are for one thread each.

    A decoder takes about half a second to load and 90 MB. A loaded engine survives `fork()`: load
    it in a parent process, and the children share its memory.
    """

    def __init__(self, *, max_sessions: int = 4) -> None:
        """`max_sessions`: how many streams may be open at once in this process."""
        if max_sessions < 1:
            raise EngineError("pocketsphinx needs max_sessions of at least 1")
        self._max_sessions = max_sessions
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._idle: list[Decoder] = []
        self._lent = 0
        self._closed = False

    @property
    def model(self) -> str:
        return MODEL

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    def load(self) -> None:
        """Makes the first decoder, if there is none, so that the next stream starts at once. Blocks."""
        with self._making:
            with self._lock:
                if self._idle or self._lent or self._closed:
                    return
                self._lent += 1
            try:
                decoder = Decoder()
            except BaseException:
                self._release()
                raise
            self._release(decoder)

    def open(self, *, language: str | None = None) -> Session:
        """Raises EngineError for a language other than English, EngineBusy when all are taken."""
        check_language(language)
        self._reserve()
        try:
            decoder = self._take()
        except BaseException:
            self._release()
            raise
        return Session(decoder, lambda: self._release(decoder))

    def close(self) -> None:
        """Frees the idle decoders at once, the others when their sessions close."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for decoder in idle:
            decoder.close()

    def _reserve(self) -> None:
        with self._lock:
            if self._closed:
                raise EngineError("this pocketsphinx engine is closed")
            if self._lent >= self._max_sessions:
                raise EngineBusy(f"all {self._max_sessions} pocketsphinx decoders are in use")
            self._lent += 1

    def _take(self) -> Decoder:
        """An idle decoder, waiting for one that is being loaded; else a new one."""
        with self._making:
            with self._lock:
                if self._idle:
                    return self._idle.pop()
            return Decoder()

    def _release(self, decoder: Decoder | None = None) -> None:
        with self._lock:
            self._lent -= 1
            if decoder is not None and not self._closed:
                self._idle.append(decoder)
                return
        if decoder is not None:
            decoder.close()
