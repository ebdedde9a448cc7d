"""Kyutai's recogniser as a livekit STT."""

from __future__ import annotations

from livekit.plugins.speechcore import EngineError
from livekit.plugins.speechio import EngineSTT

from .options import ServerOptions
from .recogniser import KyutaiRecogniser

LANGUAGES = ("en", "fr")


class STT(EngineSTT):
    """Interims word by word, an early transcript at every pause, word times; English and French."""

    def __init__(self, options: ServerOptions, *, language: str = "en") -> None:
        """Raises EngineError for a language that no model of Kyutai's hears."""
        super().__init__(
            KyutaiRecogniser(options), provider="kyutai", language=self.check_language(language)
        )

    def check_language(self, language: str) -> str:
        """It is not told to the server, whose model hears which it is; transcripts carry it."""
        base = language.lower().partition("-")[0]
        if base not in LANGUAGES:
            raise EngineError(
                f"Kyutai's recogniser hears English and French, not {language!r}: "
                "set AGENT_LANGUAGE to en or fr, or AGENT_STT to another engine"
            )
        return base
