"""Phrases that are said again and again are made once: the asynchronous face."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable

from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    PhraseCache,
    PhraseKey,
    SpeechChunk,
    Voicing,
)

from .handles import SynthesiserHandle


class CachingSynthesiser:
    """A `SynthesiserHandle` that speaks what its cache knows at once, and fills it with the rest.

    A phrase is kept when it was made to its end; one that was interrupted or failed is not. Two
    calls that miss the same phrase at the same time both make it. Engines of one model whose
    default voices differ must not share a cache. `close()` closes the engine.
    """

    def __init__(self, engine: SynthesiserHandle, cache: PhraseCache) -> None:
        self.cache = cache
        self._engine = engine

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def sample_rate_hz(self) -> int:
        return self._engine.sample_rate_hz

    async def speak(
        self, text: str, voicing: Voicing = DEFAULT_VOICING, *, timeout_s: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        key = PhraseKey(self._engine.model, voicing, text)
        if (known := self.cache.get(key)) is not None:
            for chunk in known:
                yield chunk
                await asyncio.sleep(0)  # the loop stays free while a long phrase is handed on
            return
        recording = self.cache.record(key)
        speech = self._engine.speak(text, voicing, timeout_s=timeout_s)
        async with contextlib.aclosing(speech):
            async for chunk in speech:
                recording.add(chunk)
                yield chunk
        recording.keep()

    async def prepare(
        self, phrases: Iterable[str], voicing: Voicing = DEFAULT_VOICING, *, timeout_s: float
    ) -> None:
        """Makes those phrases that are not known yet, so that they will be spoken at once.

        Raises what the engine raises; the phrases before are kept.
        """
        for phrase in phrases:
            async with contextlib.aclosing(
                self.speak(phrase, voicing, timeout_s=timeout_s)
            ) as speech:
                async for _ in speech:
                    pass

    def close(self) -> None:
        self._engine.close()
