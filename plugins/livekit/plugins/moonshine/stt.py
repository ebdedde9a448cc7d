"""Moonshine for livekit."""

from __future__ import annotations

from pathlib import Path

from livekit.plugins.speechio import EngineSTT, InProcessRecogniser, RecogniserHandle

from .engine import MoonshineEngine
from .models import check_language, parse_model


class STT(EngineSTT):
    """Hears through a Moonshine model, in this process or on a model server."""

    def __init__(
        self,
        engine: MoonshineEngine | RecogniserHandle,
        *,
        language: str | None = None,
        owns_engine: bool = True,
    ) -> None:
        """`owns_engine`: `aclose()` closes it. Raises EngineError for another language than the
        model's, and for an engine whose `model` does not end with the name of one."""
        self._name = parse_model(Path(engine.model.rpartition(":")[2]).name)
        handle: RecogniserHandle = (
            InProcessRecogniser(engine, name="moonshine")
            if isinstance(engine, MoonshineEngine)
            else engine
        )
        super().__init__(
            handle,
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
