"""A microphone that is fed in pieces, and when what was fed has left it. Pure.

A caller who hands over each frame of 10 ms keeps a processor busy by that alone. Here sound goes in pieces of
100 ms into the queue behind the microphone, whose own thread sends 10 ms of it every 10 ms, and which takes
up the next piece when no more than its length waits. Each piece that it takes up tells so how much it has
sent; the earliest of these moments tell its clock, whatever a busy loop has added to the others.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from evals.ear.microphone import gain, to_int16
from tests.stack.caller import RATE_HZ, queue_ms

PIECE_MS = 100
PIECE_SAMPLES = RATE_HZ * PIECE_MS // 1000

_NOISE_S = 2
_NEIGHBOURS = 30
"""Pieces, 3 s: a clock that was moved is believed again after so many."""


class PieceMicrophone:
    """Speech over a noise bed, mixed piece by piece; samples are numbered from the first."""

    def __init__(self, seed: int, noise_dbfs: float) -> None:
        level = 32768 * gain(noise_dbfs)
        self._noise = np.random.default_rng(seed).normal(0, level, (_NOISE_S * 10, PIECE_SAMPLES))
        self._speech = np.zeros(0)
        self._pieces = 0

    def say(self, samples: np.ndarray, level_db: float = 0.0) -> int:
        """Speech that begins with the next piece; returns the number of its first sample."""
        first = self._pieces * PIECE_SAMPLES + len(self._speech)
        self._speech = np.concatenate([self._speech, samples * gain(level_db)])
        return first

    def next_piece(self) -> np.ndarray:
        """int16."""
        piece = self._noise[self._pieces % len(self._noise)].copy()
        spoken, self._speech = self._speech[:PIECE_SAMPLES], self._speech[PIECE_SAMPLES:]
        piece[: len(spoken)] += spoken
        self._pieces += 1
        return to_int16(piece)


@dataclass
class SentClock:
    """When each sample left. Seconds, on the clock of whoever tells."""

    rate_hz: int = RATE_HZ
    queue_samples: int = RATE_HZ * queue_ms(PIECE_MS) // 1000
    lateness_s: list[float] = field(default_factory=list)
    """Of each piece that was taken up: by the queue's thread or by the loop that noticed it."""
    _taken: int = 0
    _offsets_s: deque[float] = field(default_factory=lambda: deque(maxlen=_NEIGHBOURS))

    def taken_up(self, samples: int, at_s: float) -> None:
        """A further piece of so many samples was handed over, and taken up at `at_s`."""
        self._taken += samples
        sent = self._taken - self.queue_samples
        if sent <= 0:
            return  # the queue is being filled
        self._offsets_s.append(at_s - sent / self.rate_hz)
        self.lateness_s.append(self._offsets_s[-1] - min(self._offsets_s))

    def left_s(self, sample: int) -> float:
        """When that sample left or will leave; never (infinity) before the queue has begun."""
        return min(self._offsets_s, default=float("inf")) + sample / self.rate_hz
