"""pocketsphinx for livekit: English, from the model inside its wheel."""

from __future__ import annotations

from livekit.plugins.speechcore import Recogniser
from livekit.plugins.speechio import EngineSTT, InProcessRecogniser

from .engine import PocketsphinxEngine, check_language

_LANGUAGE = "en"


class STT(EngineSTT):
    """Nothing to download, no key."""

    def __init__(self, *, engine: Recogniser | None = None, language: str = _LANGUAGE) -> None:
        """`engine`: a loaded one, which the caller closes; without it the STT makes and closes its own.

        Raises EngineError for a language other than English.
        """
        self.check_language(language)
        super().__init__(
            InProcessRecogniser(engine or PocketsphinxEngine(), name="pocketsphinx"),
            provider="pocketsphinx",
            language=_LANGUAGE,
            owns_engine=engine is None,
        )

    def check_language(self, language: str) -> str:
        check_language(language)
        return _LANGUAGE
