"""Is what the microphone hears the agent's own sound coming back?

The microphone is correlated with what was played over all delays up to 0.8 s. A sound that is a
delayed copy is an echo; with a caller speaking over it, it no longer is, and is louder than the copy.
Both sides are pre-emphasised: voices of like pitch correlate up to 0.95 as they are, 0.55 so
(measured on human recordings, windows of 128 ms).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

RATE_HZ = 8_000
"""Both sides are compared at this rate."""

_WINDOW = 1024
_LONGEST_DELAY = 6400
_FFT = 8192
_HISTORY = 3 * RATE_HZ
_COPY = 0.65
"""Correlation from which a sound is a copy."""

_EMPHASIS = 0.9

_LOUDER_DB = 6.0
"""By so much a sound exceeds the known echo before it counts as another."""

_QUIETEST_DBFS = -58.0
_GAIN_MEMORY = 0.8

Samples = NDArray[np.float32]


@dataclass
class EchoGuard:
    """Samples are float32, full scale 1, at `RATE_HZ`; times are seconds on one clock."""

    echo_db: float | None = None
    """How much quieter the echo is than what is played; None until one was heard."""
    _played: Samples = field(default_factory=lambda: np.zeros(_HISTORY, dtype=np.float32))
    _played_end: int = 0
    """The sample number, counted from time 0, that follows the newest of `_played`."""
    _heard: Samples = field(default_factory=lambda: np.zeros(_WINDOW, dtype=np.float32))
    _last_played: float = 0.0
    _last_heard: float = 0.0

    def played(self, samples: Samples, at_s: float) -> None:
        """The agent's sound, which began to be played at `at_s`."""
        samples, self._last_played = _emphasised(samples, self._last_played), float(samples[-1])
        start = round(at_s * RATE_HZ)
        if abs(start - self._played_end) <= RATE_HZ // 50:
            start = self._played_end  # frames follow each other, whatever the clock's jitter
        self._forget(max(0, start + len(samples) - self._played_end))
        last = len(self._played) - (self._played_end - start - len(samples))
        self._played[last - len(samples) : last] = samples

    def is_echo(self, samples: Samples, at_s: float) -> bool:
        """Takes the microphone's next samples, which end at `at_s`."""
        is_quiet = _dbfs(samples) < _QUIETEST_DBFS
        samples, self._last_heard = _emphasised(samples, self._last_heard), float(samples[-1])
        self._heard = np.concatenate([self._heard, samples])[-_WINDOW:]
        if is_quiet:
            return False
        reference = self._reference(round(at_s * RATE_HZ))
        if reference is None:
            return False
        likeness, gain_db = _best_copy(self._heard, reference)
        if likeness >= _COPY:
            self._learn(gain_db)
            return True
        return self.echo_db is not None and _dbfs(samples) < self._expected_dbfs(reference)

    def _learn(self, gain_db: float) -> None:
        if self.echo_db is None:
            self.echo_db = gain_db
        self.echo_db += (gain_db - self.echo_db) * (1 - _GAIN_MEMORY)

    def _expected_dbfs(self, reference: Samples) -> float:
        """The loudest that the echo may be at present."""
        assert self.echo_db is not None
        return _dbfs(reference[-_LONGEST_DELAY:]) + self.echo_db + _LOUDER_DB

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
