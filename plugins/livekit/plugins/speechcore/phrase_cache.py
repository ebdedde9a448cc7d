"""Phrases that are said again and again are made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .engine import DEFAULT_VOICING, SpeechChunk, Synthesiser, Voicing

DEFAULT_CACHE_BYTES = 16_000_000
"""Five and a half minutes of speech at 24 kHz."""

_PHRASE_BYTES = 500
_WORD_BYTES = 150
"""What the objects themselves take."""

_LARGEST_SHARE = 8
"""One phrase takes an eighth of the cache at most: a long reply drives out no greetings."""


@dataclass(frozen=True, slots=True)
class PhraseKey:
    """What makes two phrases the same sound. Capitals and punctuation count: they are heard."""

    model: str
    voicing: Voicing
    text: str


class PhraseCache:
    """The phrases that were spoken last, up to `max_bytes`; what was not wanted for longest goes
    first. May serve several engines, calls and threads at once.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._phrases: OrderedDict[PhraseKey, tuple[SpeechChunk, ...]] = OrderedDict()
        self._size_bytes = 0
        self._hits = 0
        self._misses = 0

    @property
    def hits(self) -> int:
        """How often a phrase was there; with `misses`, how often one was asked for."""
        return self._hits

    @property
    def misses(self) -> int:
        return self._misses

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    @property
    def longest_phrase_bytes(self) -> int:
        return self.max_bytes // _LARGEST_SHARE

    def __len__(self) -> int:
        return len(self._phrases)

    def get(self, key: PhraseKey) -> tuple[SpeechChunk, ...] | None:
        """The whole phrase, or None; counted."""
        with self._lock:
            chunks = self._phrases.get(key)
            if chunks is None:
                self._misses += 1
                return None
            self._phrases.move_to_end(key)
            self._hits += 1
            return chunks

    def put(self, key: PhraseKey, chunks: Iterable[SpeechChunk]) -> None:
        """Keeps a whole phrase, unless it is too long to be kept."""
        phrase = tuple(chunks)
        size_bytes = _size_bytes(key, phrase)
        if size_bytes > self.longest_phrase_bytes:
            return
        with self._lock:
            if (old := self._phrases.pop(key, None)) is not None:
                self._size_bytes -= _size_bytes(key, old)
            self._phrases[key] = phrase
            self._size_bytes += size_bytes
            while self._size_bytes > self.max_bytes:
                self._size_bytes -= _size_bytes(*self._phrases.popitem(last=False))

    def record(self, key: PhraseKey) -> Recording:
        """For a phrase that is being made."""
        return Recording(self, key)

    def clear(self) -> None:
        """Forgets all phrases; the counters go on."""
        with self._lock:
            self._phrases.clear()
            self._size_bytes = 0


class Recording:
    """A phrase on its way into a cache; one that gets too long is let go at once."""

    def __init__(self, cache: PhraseCache, key: PhraseKey) -> None:
        self._cache = cache
        self._key = key
        self._chunks: list[SpeechChunk] = []
        self._left_bytes = cache.longest_phrase_bytes

    def add(self, chunk: SpeechChunk) -> None:
        self._left_bytes -= len(chunk.pcm)
        if self._left_bytes >= 0:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    def keep(self) -> None:
        """It was made to its end."""
        if self._left_bytes >= 0:
            self._cache.put(self._key, self._chunks)


class CachingEngine:
    """A `Synthesiser` that speaks what its cache knows at once, and fills it with the rest.

    A phrase is kept when it was made to its end; one that was interrupted or failed is not. Engines
    of one model whose default voices differ must not share a cache. `close()` closes the engine.
    """

    def __init__(self, engine: Synthesiser, cache: PhraseCache) -> None:
        self.cache = cache
        self._engine = engine

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def sample_rate_hz(self) -> int:
        return self._engine.sample_rate_hz

    def steps(self, text: str, voicing: Voicing = DEFAULT_VOICING) -> Iterator[SpeechChunk]:
        key = PhraseKey(self._engine.model, voicing, text)
        if (known := self.cache.get(key)) is not None:
            yield from known
            return
        recording = self.cache.record(key)
        for chunk in self._engine.steps(text, voicing):
            recording.add(chunk)
            yield chunk
        recording.keep()

    def close(self) -> None:
        self._engine.close()


def _size_bytes(key: PhraseKey, phrase: tuple[SpeechChunk, ...]) -> int:
    words = sum(len(chunk.words) for chunk in phrase)
    sound = sum(len(chunk.pcm) for chunk in phrase)
    return sound + 2 * len(key.text) + _WORD_BYTES * words + _PHRASE_BYTES
