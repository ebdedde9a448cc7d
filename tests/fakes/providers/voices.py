"""What the fakes speak with, and when each word of it is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from livekit.plugins.speechcore import Word, duration_s

from .coded_speech import GAP_S, WORD_S, say_word, words_of

PROMISED_RATE_HZ = 24_000
WRONG_RATE_HZ = 16_000
_CHARACTERS = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class Spoken:
    """A text as sound."""

    pcm: bytes
    """Mono int16."""
    words: tuple[Word, ...]
    """As they are written, the blanks behind them included; seconds from the first sample."""


Voice = Callable[[str, int], Spoken]
"""A text and the rate of its sound, in Hz."""


def tone_voice(text: str, rate_hz: int) -> Spoken:
    """Coded speech: a listener can read the words from it."""
    pcm = b""
    words = []
    for written in _CHARACTERS.findall(text):
        start_s = duration_s(pcm, rate_hz)
        pcm += b"".join(say_word(word, rate_hz) for word in words_of(written))
        words.append(Word(written, start_s, duration_s(pcm, rate_hz)))
    return Spoken(pcm, tuple(words))


def espeak_voice(text: str, rate_hz: int) -> Spoken:
    """Real speech. espeak does not tell when a word is said: each gets time by its length."""
    from livekit.plugins.espeak.engine import Espeak

    engine = Espeak()
    try:
        pcm = b"".join(chunk.pcm for chunk in engine.steps(text))
        samples = np.frombuffer(pcm, "<i2")
        count = round(len(samples) * rate_hz / engine.sample_rate_hz)
    finally:
        engine.close()
    places = np.linspace(0, max(0, len(samples) - 1), count)
    pcm = np.interp(places, np.arange(len(samples)), samples).astype("<i2").tobytes()
    return Spoken(pcm, _spread(text, duration_s(pcm, rate_hz)))


def length_s(text: str) -> float:
    """How long the tone voice takes for it."""
    return len(words_of(text)) * (WORD_S + GAP_S)


def _spread(text: str, total_s: float) -> tuple[Word, ...]:
    written = _CHARACTERS.findall(text)
    per_character_s = total_s / max(1, sum(map(len, written)))
    words, at_s = [], 0.0
    for word in written:
        words.append(Word(word, at_s, at_s + len(word) * per_character_s))
        at_s += len(word) * per_character_s
    return tuple(words)
