"""A Piper voice as a livekit TTS."""

from __future__ import annotations

from livekit.plugins.speechcore import DEFAULT_VOICING, Voicing
from livekit.plugins.speechio import EngineTTS, InProcessSynthesiser

from .engine import Piper


class TTS(EngineTTS):
    """Sentence by sentence at 24 kHz, from a process of its own."""

    def __init__(
        self, engine: Piper, *, voicing: Voicing = DEFAULT_VOICING, owns_engine: bool = True
    ) -> None:
        """`owns_engine`: `aclose()` ends Piper's process."""
        super().__init__(
            InProcessSynthesiser(engine, name="piper"),
            provider="piper",
            voicing=voicing,
            owns_engine=owns_engine,
        )
