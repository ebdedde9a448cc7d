"""Moonshine for livekit."""

from __future__ import annotations

from livekit.plugins.speechcore import Recogniser
from livekit.plugins.speechio import EngineSTT, InProcessRecogniser

from .models import check_language, parse_model


class STT(EngineSTT):
    """Hears through a Moonshine model of this process."""

    def __init__(
        self, engine: Recogniser, *, language: str | None = None, owns_engine: bool = True
    ) -> None:
        """`owns_engine`: `aclose()` closes it. Raises EngineError for another language than the
        model's."""
        self._name = parse_model(engine.model)
        super().__init__(
            InProcessRecogniser(engine, name="moonshine"),
            provider="moonshine",
            language=self._name.language,
            owns_engine=owns_engine,
            aligned=False,
        )
        if language is not None:
            self.check_language(language)

    def check_language(self, language: str) -> str:
        check_language(language, self._name)
        return self._name.language
