"""Long noises of a room and a street, made from numbers and a seed: float64 at the worker's rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from agent.sound.stage import RATE_HZ
from evals.ear.flite import synthesise
from tests.stack.caller import RATE_HZ as CALLER_RATE_HZ
from tests.stack.caller import resample

Wave = np.ndarray

TALKERS = 6
_CAR_EVERY_S = 7.0
_CLICKS_PER_S = 1.5


def make_noise(name: str, seconds: float, sentences: Sequence[tuple[str, str]], seed: int) -> Wave:
    """Of RMS 1. `sentences` are (voice, text), for babble. Raises KeyError for another name."""
    rng = np.random.default_rng([seed, *name.encode()])
    count = round(seconds * RATE_HZ)
    wave = NOISES[name](rng, count, sentences)
    return wave / np.sqrt(np.mean(wave**2))


def babble(rng: np.random.Generator, count: int, sentences: Sequence[tuple[str, str]]) -> Wave:
    """Six talkers at once, each somewhere in sentences that follow each other."""
    wave = np.zeros(count)
    for _ in range(TALKERS):
        order = rng.permutation(len(sentences))
        said: list[Wave] = []
        length = 0
        while length < count + RATE_HZ:
            voice, text = sentences[order[len(said) % len(order)]]
            pause = np.zeros(round(rng.uniform(0.1, 0.5) * RATE_HZ))
            said.append(np.concatenate([_sentence(text, voice), pause]))
            length += len(said[-1])
        start = rng.integers(0, length - count)
        wave += np.concatenate(said)[start : start + count] * rng.uniform(0.7, 1.0)
    return wave


def street(rng: np.random.Generator, count: int, sentences: Sequence[tuple[str, str]]) -> Wave:
    """Rumble and tyres that swell as cars pass, and short clicks: steps, gravel, crossings."""
    time_s = np.arange(count) / RATE_HZ
    nearness = np.full(count, 0.35)
    for _ in range(max(1, round(count / RATE_HZ / _CAR_EVERY_S))):
        passing_s, width_s = rng.uniform(0, time_s[-1]), rng.uniform(0.8, 2.0)
        nearness += rng.uniform(0.5, 1.0) * np.exp(-(((time_s - passing_s) / width_s) ** 2))
    rumble = _normalised(_shaped(rng, count, 30, 300))
    tyres = _normalised(_shaped(rng, count, 300, 3000))
    clicks = np.zeros(count)
    length = RATE_HZ // 40
    decay = np.exp(-np.arange(length) / (RATE_HZ * 0.004))
    for at in rng.integers(0, count - length, round(count / RATE_HZ * _CLICKS_PER_S)):
        clicks[at : at + length] += rng.uniform(1, 4) * rng.normal(size=length) * decay
    return nearness * (rumble + 0.7 * tyres) + clicks


def hum(rng: np.random.Generator, count: int, sentences: Sequence[tuple[str, str]]) -> Wave:
    """Mains hum of 50 Hz with twenty harmonics that fall off, and a little hiss."""
    time_s = np.arange(count) / RATE_HZ
    wave = 0.03 * rng.normal(size=count)
    for harmonic in range(1, 21):
        phase = rng.uniform(0, 2 * np.pi)
        wave += np.sin(2 * np.pi * 50 * harmonic * time_s + phase) / harmonic**0.7
    return wave


NOISES: dict[str, Callable[[np.random.Generator, int, Sequence[tuple[str, str]]], Wave]] = {
    "babble": babble,
    "street": street,
    "hum": hum,
}


@cache
def _sentence(text: str, voice: str) -> Wave:
    return resample(synthesise(text, voice).samples, CALLER_RATE_HZ, RATE_HZ) / 32768.0


def _shaped(rng: np.random.Generator, count: int, low_hz: float, high_hz: float) -> Wave:
    """Noise between two frequencies; the edges fall by 12 dB an octave."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 1e-3)
    spectrum /= (1 + (low_hz / hz) ** 2) * (1 + (hz / high_hz) ** 2)
    return np.fft.irfft(spectrum, count)


def _normalised(wave: Wave) -> Wave:
    return wave / np.sqrt(np.mean(wave**2))
