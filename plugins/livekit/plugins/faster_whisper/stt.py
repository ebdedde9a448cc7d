"""Whisper for livekit, by faster-whisper."""

from __future__ import annotations

from livekit.plugins.speechio import EngineSTT, InProcessRecogniser, RecogniserHandle

from .engine import FasterWhisperEngine
from .languages import whisper_language
from .options import WhisperOptions


class STT(EngineSTT):
    """Interims, an early transcript at every pause, word times; 99 languages by model."""

    def __init__(
        self, *, engine: RecogniserHandle | None = None, options: WhisperOptions | None = None
    ) -> None:
        """`engine`: a shared one, here or on a model server, which the caller closes; without it the
        STT makes and closes its own, by the `options`.

        Raises EngineError for a language Whisper does not know.
        """
        chosen = options or WhisperOptions()
        super().__init__(
            engine or InProcessRecogniser(FasterWhisperEngine(chosen), name="whisper"),
            provider="faster-whisper",
            language=self.check_language(chosen.language or ""),
            owns_engine=engine is None,
        )

    def check_language(self, language: str) -> str:
        """Nothing stands for a language that is detected."""
        return whisper_language(language) or ""
