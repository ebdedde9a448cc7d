"""Kokoro as a livekit TTS."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.plugins.speechcore import DEFAULT_VOICING, PhraseCache, Voicing
from livekit.plugins.speechio import (
    CachingSynthesiser,
    EngineTTS,
    InProcessSynthesiser,
    SynthesiserHandle,
    in_background,
)

from .backend import Backend
from .engine import KokoroEngine
from .voices import KokoroOptions


class TTS(EngineTTS):
    """Kokoro at 24 kHz, off the event loop, stopped within a clause when cancelled.

    Tells when each word is spoken. Phrases that were spoken before are spoken at once.
    """

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        options: KokoroOptions | None = None,
        engine: SynthesiserHandle | None = None,
        voicing: Voicing = DEFAULT_VOICING,
        cache: PhraseCache | None = None,
    ) -> None:
        """`backend` is run in this process, as `options` say. Or give an `engine` that there is,
        as one of a model server; who gives it closes it. `cache` may be shared with other calls.

        Loads nothing: `prewarm()` does, in the background, or else the first text.
        """
        self._kokoro: KokoroEngine | None = None
        owns_engine = engine is None
        if engine is None:
            if backend is None:
                raise ValueError("kokoro needs a backend, or an engine that there is")
            self._kokoro = KokoroEngine(backend, options)
            engine = InProcessSynthesiser(self._kokoro, name="kokoro")
        self.cache = PhraseCache() if cache is None else cache
        self._phrases = CachingSynthesiser(engine, self.cache)
        super().__init__(
            self._phrases,
            provider="kokoro",
            voicing=voicing,
            owns_engine=owns_engine,
            aligned=True,
        )

    def prewarm(self) -> None:
        """Returns at once. What goes wrong is told by the first text."""
        if self._kokoro is not None:
            in_background("kokoro", self._kokoro.load)

    async def prepare(self, phrases: Iterable[str], *, timeout_s: float) -> None:
        """Makes phrases in the set voice, to be spoken at once when they are wanted.

        Texts count as they reach this TTS: a clause each, as it is read out. Raises EngineError.
        """
        await self._phrases.prepare(phrases, self._voicing, timeout_s=timeout_s)
