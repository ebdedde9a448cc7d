"""Speech that can be read back from its sound: every word is two tones, one after the other.

So a test knows which words were lost, doubled or torn on any way that sound can take: to a fake
recogniser, or from a fake voice to the caller's ear. Tones survive Opus and resampling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from livekit.plugins.speechcore import Word
from numpy.typing import NDArray

WORD_S = 0.2
GAP_S = 0.06
TORN = "…"
"""A word of which a part is missing."""

TONES = 40
"""A word's number is its first tone's times this, and its second one's."""

_LOWEST_HZ, _STEP_HZ = 400, 50
_PEAK = 8000
_LOUD = 1200
_FRAME_S = 0.01
_EDGE_S = 0.03
"""Not looked at on either side of a tone: there it blends into its neighbour."""
_WORD = re.compile(r"[\w'’]+")


@dataclass
class Code:
    """Gives every word a number when it is first met; at most 1600 of them."""

    words: list[str] = field(default_factory=list)

    def number(self, word: str) -> int:
        word = word.lower()
        if word not in self.words:
            self.words.append(word)
        number = self.words.index(word)
        if number >= TONES**2:
            raise ValueError("a test that says more than 1600 different words needs a new Code")
        return number

    def word(self, number: int) -> str:
        return self.words[number] if 0 <= number < len(self.words) else TORN


CODE = Code()
"""The one of this process: what one fake says another understands."""


def words_of(text: str) -> list[str]:
    """The words of a text, without what is not spoken."""
    return _WORD.findall(text.lower())


def say(text: str | Iterable[str], rate_hz: int, *, code: Code = CODE) -> bytes:
    """Mono int16 PCM; each word has a gap after it."""
    words = words_of(text) if isinstance(text, str) else list(text)
    return b"".join(say_word(word, rate_hz, code=code) for word in words)


def say_word(word: str, rate_hz: int, *, code: Code = CODE) -> bytes:
    first, second = divmod(code.number(word), TONES)
    times = np.arange(round(WORD_S / 2 * rate_hz)) / rate_hz
    waves = [np.sin(2 * np.pi * (_LOWEST_HZ + tone * _STEP_HZ) * times) for tone in (first, second)]
    gap = np.zeros(round(GAP_S * rate_hz))
    pcm: bytes = (np.concatenate([*waves, gap]) * _PEAK).astype("<i2").tobytes()
    return pcm


@dataclass
class CodedEar:
    """Reads words from a stream of mono int16 PCM, each when it has ended."""

    rate_hz: int
    code: Code = field(default_factory=lambda: CODE)
    heard_s: float = 0.0
    quiet_s: float = 0.0
    """How long it has been quiet."""
    _rest: bytes = b""
    _sound: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def is_in_word(self) -> bool:
        return bool(self._sound)

    def hear(self, pcm: bytes) -> list[Word]:
        """The words that ended in this piece."""
        step = round(self.rate_hz * _FRAME_S) * 2
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % step
        self._rest = pcm[whole:]
        frames = np.frombuffer(pcm[:whole], "<i2").reshape(-1, step // 2)
        return [word for frame in frames if (word := self._hear_frame(frame))]

    def finish(self) -> list[Word]:
        """The word that has not ended yet, if there is one."""
        word = self._end_word()
        return [word] if word else []

    def _hear_frame(self, samples: NDArray[np.int16]) -> Word | None:
        self.heard_s += _FRAME_S
        if np.abs(samples).max() > _LOUD:
            self.quiet_s = 0.0
            self._sound.append(samples.astype(float))
            return None
        self.quiet_s += _FRAME_S
        return self._end_word()

    def _end_word(self) -> Word | None:
        if not self._sound:
            return None
        sound = np.concatenate(self._sound)
        self._sound.clear()
        end_s = self.heard_s - self.quiet_s
        return Word(self._name(sound), max(0.0, end_s - len(sound) / self.rate_hz), end_s)

    def _name(self, sound: NDArray[np.float64]) -> str:
        if len(sound) / self.rate_hz < WORD_S - 0.03:
            return TORN
        middle, edge = len(sound) // 2, round(_EDGE_S * self.rate_hz)
        half = round(WORD_S / 2 * self.rate_hz)
        tones = (sound[middle - half : middle], sound[middle : middle + half])
        first, second = (self._tone(tone[edge:-edge]) for tone in tones)
        return self.code.word(first * TONES + second)

    def _tone(self, sound: NDArray[np.float64]) -> int:
        """By the phase from one crossing of zero to the last; finer than counting them."""
        signs = np.signbit(sound)
        crossings = np.flatnonzero(signs[1:] != signs[:-1])
        if len(crossings) < 2:
            return -1
        before, after = sound[crossings], sound[crossings + 1]
        times = crossings + before / (before - after)
        hz = (len(crossings) - 1) / 2 * self.rate_hz / (times[-1] - times[0])
        return round((hz - _LOWEST_HZ) / _STEP_HZ)


def read(pcm: bytes, rate_hz: int, *, code: Code = CODE) -> list[str]:
    """The words of a whole recording."""
    ear = CodedEar(rate_hz, code)
    return [word.text for word in [*ear.hear(pcm), *ear.finish()]]
