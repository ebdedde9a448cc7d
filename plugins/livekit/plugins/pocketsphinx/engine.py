"""pocketsphinx as a `Recogniser`: decoders are slow to make, so they are lent out and kept."""

from __future__ import annotations

from livekit.plugins.speechcore import EngineError
from livekit.plugins.speechcore.lending import Lender

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
        self._decoders = Lender(
            Decoder, most=max_sessions, engine="pocketsphinx", things="decoders"
        )

    @property
    def model(self) -> str:
        return MODEL

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    def load(self) -> None:
        """Makes the first decoder, if there is none, so that the next stream starts at once. Blocks."""
        self._decoders.load()

    def open(self, *, language: str | None = None) -> Session:
        """Raises EngineError for a language other than English, EngineBusy when all are taken."""
        check_language(language)
        decoder = self._decoders.lend()
        return Session(decoder, lambda: self._decoders.take_back(decoder))

    def close(self) -> None:
        """Frees the idle decoders at once, the others when their sessions close."""
        self._decoders.close()
