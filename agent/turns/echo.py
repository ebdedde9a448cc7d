"""Is what the microphone hears the agent's own sound coming back?

The microphone is correlated with what was played over all delays up to 0.8 s. A sound that is a
delayed copy is an echo; with a caller speaking over it, it no longer is, and is louder than the copy.
Both sides are pre-emphasised: voices of like pitch correlate up to 0.95 as they are, 0.55 so
(measured on human recordings, windows of 128 ms).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

RATE_HZ = 8_000
"""Both sides are compared at this rate."""

_WINDOW = 1024
WINDOW_S = _WINDOW / RATE_HZ
_LONGEST_DELAY = 6400
_FFT = 8192
_HISTORY = 3 * RATE_HZ
_COPY = 0.65
"""Correlation from which a sound is a copy, once an echo is known."""

_SURE_COPY = 0.8
_STEADY_DB = 1.5
_LEARNT_S = 0.2
_FORGOTTEN_S = 4.0
"""An echo is known when sure copies were equally loud for 0.2 s: a voice that happens to share
a pitch with the agent's comes and goes. It is forgotten after 4 s of sound without a copy."""

_SUSPICION_S = 0.25
_GAIN_MARGIN_DB = 4.0
_EMPHASIS = 0.9
_STEP = RATE_HZ // 50
"""The question is asked anew every 20 ms of sound."""

_LOUDER_DB = 6.0
"""By so much a sound exceeds the known echo before it counts as another."""

_QUIETEST_DBFS = -58.0
_GAIN_MEMORY = 0.8

Samples = NDArray[np.float32]


@dataclass
class EchoPath:
    """What is known of the way from the loudspeaker to the microphone."""

    gain_db: float | None = None
    """How loud the echo is against what is played; None until one is known."""
    _copies: deque[tuple[float, float]] = field(default_factory=deque)
    _unlike_s: float = 0.0

    def seen(self, likeness: float, gain_db: float, at_s: float, duration_s: float) -> None:
        """A loud piece of sound, with how much it is like a copy, and how loud a one."""
        if likeness < _SURE_COPY:
            self._unlike_s += duration_s
            if self._unlike_s > _FORGOTTEN_S:
                self.gain_db = None
            return
        self._unlike_s = 0.0
        self._copies.append((at_s, gain_db))
        while self._copies[0][0] < at_s - 2 * _LEARNT_S:
            self._copies.popleft()
        gains = [gain for _, gain in self._copies]
        is_steady = at_s - self._copies[0][0] >= _LEARNT_S and float(np.std(gains)) < _STEADY_DB
        if self.gain_db is None and is_steady:
            self.gain_db = float(np.median(gains))
        elif self.gain_db is not None and abs(gain_db - self.gain_db) < _GAIN_MARGIN_DB:
            self.gain_db += (gain_db - self.gain_db) * (1 - _GAIN_MEMORY)

    def is_copy(self, likeness: float, gain_db: float) -> bool:
        if self.gain_db is None:
            return False
        return likeness >= _COPY and abs(gain_db - self.gain_db) < _GAIN_MARGIN_DB


@dataclass
class EchoGuard:
    """Samples are float32, full scale 1, at `RATE_HZ`; times are seconds on one clock."""

    path: EchoPath = field(default_factory=EchoPath)
    _played: Samples = field(default_factory=lambda: np.zeros(_HISTORY, dtype=np.float32))
    _played_end: int = 0
    """The sample number, counted from time 0, that follows the newest of `_played`."""
    _sound_end: int = -_HISTORY
    """The one that follows the last that the agent played."""
    _heard: Samples = field(default_factory=lambda: np.zeros(_WINDOW, dtype=np.float32))
    _last_played: float = 0.0
    _last_heard: float = 0.0
    _new: int = 0
    _was_echo: bool = False
    _suspected_s: float = float("-inf")

    def played(self, samples: Samples, at_s: float) -> None:
        """The agent's sound, which began to be played at `at_s`."""
        samples, self._last_played = _emphasised(samples, self._last_played), float(samples[-1])
        start = round(at_s * RATE_HZ)
        if abs(start - self._played_end) <= RATE_HZ // 50:
            start = self._played_end  # frames follow each other, whatever the clock's jitter
        self._forget(max(0, start + len(samples) - self._played_end))
        self._sound_end = start + len(samples)
        last = len(self._played) - (self._played_end - self._sound_end)
        self._played[last - len(samples) : last] = samples

    def may_hear(self, at_s: float) -> bool:
        """Whether anything was played so lately that its echo may be in what is heard now."""
        return round(at_s * RATE_HZ) - self._sound_end < _WINDOW + _LONGEST_DELAY

    def listen(self, samples: Samples) -> None:
        """Takes samples of the microphone in which there can be no echo."""
        self._take(samples)
        self._was_echo, self._new = False, 0

    def is_echo(self, samples: Samples, at_s: float) -> bool:
        """Takes the microphone's next samples, which end at `at_s`."""
        is_quiet = _dbfs(samples) < _QUIETEST_DBFS
        self._take(samples)
        self._new += len(samples)
        if self._new >= _STEP or is_quiet:
            self._was_echo = not is_quiet and self._judge(at_s)
            self._new = 0
        return self._was_echo

    def is_suspected(self, now_s: float) -> bool:
        """Whether there was an echo just now, or what may turn out to be the first."""
        return now_s - self._suspected_s < _SUSPICION_S

    def _take(self, samples: Samples) -> None:
        samples, self._last_heard = _emphasised(samples, self._last_heard), float(samples[-1])
        self._heard = np.concatenate([self._heard, samples])[-_WINDOW:]

    def _judge(self, at_s: float) -> bool:
        reference = self._reference(round(at_s * RATE_HZ))
        if reference is None:
            return False
        likeness, gain_db = _best_copy(self._heard, reference)
        self.path.seen(likeness, gain_db, at_s, self._new / RATE_HZ)
        if likeness >= _SURE_COPY:
            self._suspected_s = at_s
        if self.path.is_copy(likeness, gain_db):
            return True
        if self.path.gain_db is None:
            return False
        loudest_dbfs = _dbfs(reference[-_LONGEST_DELAY:]) + self.path.gain_db + _LOUDER_DB
        return _dbfs(self._heard[-_STEP:]) < loudest_dbfs

    def _reference(self, end: int) -> Samples | None:
        """What was played in the longest delay and window before `end`; None if that was silence."""
        self._forget(max(0, end - self._played_end))
        offset = self._played_end - end
        last = len(self._played) - offset
        reference = self._played[last - _WINDOW - _LONGEST_DELAY : last]
        if len(reference) < _WINDOW + _LONGEST_DELAY or not np.any(reference):
            return None
        return reference

    def _forget(self, count: int) -> None:
        """Silence is played for so long."""
        if count >= len(self._played):
            self._played[:] = 0
        elif count:
            self._played[:-count] = self._played[count:]
            self._played[-count:] = 0
        self._played_end += count


def _best_copy(heard: Samples, reference: Samples) -> tuple[float, float]:
    """The largest normalised correlation over all delays, and the copy's level in dB."""
    spectrum = rfft(reference, _FFT) * np.conj(rfft(heard, _FFT))
    products = np.abs(irfft(spectrum, _FFT)[: _LONGEST_DELAY + 1])
    power = np.concatenate([[0.0], np.cumsum(reference.astype(np.float64) ** 2)])
    energies = (power[_WINDOW:] - power[:-_WINDOW])[: _LONGEST_DELAY + 1]
    heard_energy = float(np.dot(heard, heard))
    floor = 1e-9 + 1e-3 * float(energies.max())
    scores = np.where(energies > floor, products / np.sqrt(energies * heard_energy + 1e-12), 0.0)
    best = int(np.argmax(scores))
    gain = float(products[best] / max(energies[best], 1e-12))
    return float(scores[best]), 20 * float(np.log10(max(gain, 1e-6)))


def _emphasised(samples: Samples, before: float) -> Samples:
    shifted = np.concatenate([np.array([before], dtype=np.float32), samples[:-1]])
    return np.asarray(samples - _EMPHASIS * shifted, dtype=np.float32)


def _dbfs(samples: Samples) -> float:
    return 10 * float(np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-12))
