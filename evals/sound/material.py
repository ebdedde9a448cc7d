"""What is said and over which noise: tracks of a caller's microphone with the truth about them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from livekit.plugins.speechcore import Word

from agent.sound.stage import RATE_HZ
from evals.ear.corpus import PAUSE_MARK, Line, lines
from evals.ear.flite import spoken_words
from evals.ear.scenario import Utterance
from evals.ear.vad_figures import Spans
from evals.ear.voices import shifted, speak
from evals.sound.noises import make_noise
from evals.vad import read_recordings
from tests.stack.caller import RATE_HZ as CALLER_RATE_HZ
from tests.stack.caller import resample

VOICES = ("rms", "kal16")
"""Those of the split dev."""

USUAL_DBFS, SOFT_DBFS = -26.0, -45.0
"""Mean level of the speech."""

MICROPHONE_DBFS = -60.0
"""A noise of its own that every microphone has."""

LEAD_S = 2.0
GAP_S = 3.0
"""Longer than any turn waits for more."""

_PAUSES_S = (0.4, 1.0, 1.6, 0.7, 1.3)
_SEED = 8


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a microphone hears beside the caller."""

    noise: str | None = None
    snr_db: float | None = None
    voice_dbfs: float = USUAL_DBFS

    @property
    def name(self) -> str:
        if self.noise is None:
            return "clean" if self.voice_dbfs == USUAL_DBFS else "clean, soft voice"
        return f"{self.noise}, {self.snr_db:g} dB"


CONDITIONS = (
    Condition(),
    Condition(voice_dbfs=SOFT_DBFS),
    *(Condition(noise=n, snr_db=db) for n in ("babble", "street", "hum") for db in (20, 10, 5)),
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """One utterance; seconds of its track."""

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    pauses_s: tuple[tuple[float, float], ...]

    @property
    def reference(self) -> list[str]:
        return spoken_words(self.text)

    @property
    def spans(self) -> Spans:
        edges = [self.start_s, *(edge for pause in self.pauses_s for edge in pause), self.end_s]
        return [(a, b, True) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """A microphone without noise: float64, full scale 1, its speech at RMS 1."""

    samples: np.ndarray
    spans: Spans
    """Where there is speech."""
    said: tuple[Said, ...] = ()

    def heard(self, condition: Condition, seed: int) -> np.ndarray:
        """int16, as the microphone gives it: speech at its level, the noise under it."""
        speech = self.samples * _amplitude(condition.voice_dbfs)
        own = np.random.default_rng(seed).normal(0, _amplitude(MICROPHONE_DBFS), len(speech))
        heard = speech + own
        if condition.noise is not None and condition.snr_db is not None:
            heard += noise_alone(condition, len(speech) / RATE_HZ, seed)[: len(speech)]
        return np.clip(np.rint(heard * 32768), -32768, 32767).astype(np.int16)


def noise_alone(condition: Condition, seconds: float, seed: int) -> np.ndarray:
    """Full scale 1. Without a noise: silence."""
    if condition.noise is None or condition.snr_db is None:
        return np.zeros(round(seconds * RATE_HZ))
    level = _amplitude(condition.voice_dbfs - condition.snr_db)
    return level * make_noise(condition.noise, seconds, _other_sentences(), seed)


def spoken_tracks(plain: int, paused: int) -> list[Track]:
    """One for each voice: so many sentences said in one go, so many with pauses."""
    by_group = _chosen(plain, paused)
    return [_spoken(voice, by_group[index]) for index, voice in enumerate(VOICES)]


def human_tracks(folder: Path) -> list[Track]:
    """The labelled recordings of people, each as a track. Raises VadDataError."""
    tracks = []
    for recording in read_recordings(folder):
        samples = resample(recording.samples, 16_000, RATE_HZ) / 32768.0
        tracks.append(Track(samples=_levelled(samples, recording.spans), spans=recording.spans))
    return tracks


def _chosen(plain: int, paused: int) -> list[list[Line]]:
    """For each voice its sentences, plain and paused by turns; no voice says another's."""
    rng = random.Random(_SEED)
    plain_lines = [it for it in _of("plain") if 3 <= it.word_count <= 14]
    paused_lines = _of("pauses")
    first = rng.sample(plain_lines, len(VOICES) * plain)
    second = rng.sample(paused_lines, len(VOICES) * paused)
    chosen = []
    for index in range(len(VOICES)):
        own = first[index :: len(VOICES)] + second[index :: len(VOICES)]
        rng.shuffle(own)
        chosen.append(own)
    return chosen


def _other_sentences() -> list[tuple[str, str]]:
    """For babble: nothing that a caller of these tracks says. Stories are left to it."""
    others = [it for it in _of("plain") if it.word_count > 14]
    return list(zip(cycle(VOICES), (it.text for it in others), strict=False))


def _of(group: str) -> list[Line]:
    return [line for line in lines() if line.split == "dev" and line.group == group]


def _spoken(voice: str, chosen: Sequence[Line]) -> Track:
    parts = [np.zeros(round(LEAD_S * RATE_HZ))]
    said = []
    pauses_s = cycle(_PAUSES_S)
    at_s = LEAD_S
    for line in chosen:
        count = line.text.count(PAUSE_MARK)
        utterance = Utterance(
            id=line.id, text=line.text, voice=voice, pauses_s=tuple(islice(pauses_s, count))
        )
        spoken = speak(utterance)
        samples = resample(spoken.samples, CALLER_RATE_HZ, RATE_HZ) / 32768.0
        said.append(
            Said(
                text=utterance.plain_text,
                start_s=at_s + spoken.start_s,
                end_s=at_s + spoken.end_s,
                words=tuple(shifted(spoken.words, at_s)),
                pauses_s=tuple((at_s + a, at_s + b) for a, b in spoken.pauses_s),
            )
        )
        parts += [samples, np.zeros(round(GAP_S * RATE_HZ))]
        at_s = sum(map(len, parts)) / RATE_HZ
    whole = np.concatenate(parts)
    spans = [span for one in said for span in one.spans]
    return Track(samples=_levelled(whole, spans), spans=spans, said=tuple(said))


def _levelled(samples: np.ndarray, spans: Spans) -> np.ndarray:
    """With speech of RMS 1."""
    speech = np.concatenate(list(_pieces(samples, spans)))
    return samples / np.sqrt(np.mean(speech**2))


def _pieces(samples: np.ndarray, spans: Spans) -> Iterator[np.ndarray]:
    for start_s, end_s, is_speech in spans:
        if is_speech:
            yield samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]


def _amplitude(dbfs: float) -> float:
    return float(10 ** (dbfs / 20))
