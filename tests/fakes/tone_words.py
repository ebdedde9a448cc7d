"""Speech of numbered words that a fake Whisper understands: every number is a tone of its own.

So a test can tell whether a word was lost, doubled or torn, from the audio that reached the decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from livekit.plugins.faster_whisper.hypothesis import HeardWord, Hypothesis, Scores
from livekit.plugins.faster_whisper.request import Request
from numpy.typing import NDArray

from .audio import BED_DBFS, noise

RATE_HZ = 16_000
WORD_S = 0.24
_LOWEST_HZ, _STEP_HZ = 300, 25
_FRAME = RATE_HZ // 100
_LOUD = 0.05

SURE = Scores(mean_log_probability=-0.2, no_speech_probability=0.01, compression_ratio=1.1)


def quiet(duration_s: float) -> bytes:
    return noise(duration_s, BED_DBFS, RATE_HZ)


def say(numbers: Iterable[int], *, gap_s: float = 0.06) -> bytes:
    """The words, each with a gap after it."""
    return b"".join(_word(number) + quiet(gap_s) for number in numbers)


def spoken(numbers: Iterable[int]) -> str:
    return " ".join(str(number) for number in numbers)


def _word(number: int) -> bytes:
    times = np.arange(round(WORD_S * RATE_HZ)) / RATE_HZ
    wave = np.sin(2 * np.pi * (_LOWEST_HZ + number * _STEP_HZ) * times)
    pcm: bytes = (wave * 8000).astype("<i2").tobytes()
    return pcm


@dataclass
class ToneDecoder:
    """A `session.PieceDecoder`. A word that is heard in part is "uh"."""

    scores: Scores = SURE
    language: str = "en"
    language_probability: float = 1.0
    on_decode: Callable[[], None] = lambda: None
    requests: list[Request] = field(default_factory=list)
    lengths_s: list[float] = field(default_factory=list)

    def decode(self, samples: NDArray[np.float32], request: Request) -> Hypothesis:
        self.on_decode()
        self.requests.append(request)
        self.lengths_s.append(len(samples) / RATE_HZ)
        words = tuple(_heard(samples))
        return Hypothesis(
            words=words,
            scores=self.scores,
            language=request.language or self.language,
            language_probability=1.0 if request.language else self.language_probability,
        )

    @property
    def finals(self) -> int:
        return sum(request.is_final for request in self.requests)


def _heard(samples: NDArray[np.float32]) -> list[HeardWord]:
    usable = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud = np.abs(usable).max(axis=1) > _LOUD
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    return [
        HeardWord(
            _name(samples[start * _FRAME : end * _FRAME]), start / 100, end / 100, probability=0.9
        )
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def _name(sound: NDArray[np.float32]) -> str:
    duration_s = len(sound) / RATE_HZ
    if duration_s < WORD_S - 0.02:
        return "uh"
    crossings = np.count_nonzero(np.diff(np.signbit(sound)))
    number = (crossings / 2 / duration_s - _LOWEST_HZ) / _STEP_HZ
    return str(round(number))


def parts(pcm: bytes, part_s: float = 0.1) -> Sequence[bytes]:
    """As a microphone gives it."""
    step = round(part_s * RATE_HZ) * 2
    return [pcm[start : start + step] for start in range(0, len(pcm), step)]
