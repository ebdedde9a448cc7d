"""An utterance as samples: its words, its pauses, where it begins and ends."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from livekit.plugins.speechcore import Word

from evals.ear.active_level import active_end_s
from evals.ear.activity import audible_spans, join, silences
from evals.ear.flite import AUDIBLE, Synthesis, VoiceError, spoken_words, synthesise
from evals.ear.recording import Lane
from evals.ear.scenario import Utterance
from evals.ear.sounds import make_sound
from tests.stack.caller import RATE_HZ, resample
from tests.stack.speech import read_wav

TURNS = Path(__file__).parents[1] / "data" / "turns"
"""Recordings of people, with a manifest."""

_FADE_SAMPLES = RATE_HZ // 200
_LEAST_PAUSE_S = 0.3
"""Of a recording of one's own; a shorter silence is the closure of a consonant, or a breath."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spoken:
    """int16 mono at RATE_HZ; times are seconds from the first sample."""

    samples: np.ndarray
    words: tuple[Word, ...] = ()
    """None for a sound nobody could understand."""
    pauses_s: tuple[tuple[float, float], ...] = ()
    """The end of a part and the start of the next."""
    start_s: float = 0.0
    """Of the first audible sample."""
    end_s: float
    """Of the last audible sample."""


def speak(utterance: Utterance) -> Spoken:
    """Renders an utterance or a sound. Raises VoiceError."""
    if utterance.voice == "sound":
        return _sound(utterance)
    if utterance.wav is not None:
        return _own(utterance)
    if utterance.voice == "human":
        return _human(str(utterance.recording))
    return with_pauses(_parts(utterance), utterance.pauses_s)


def with_pauses(parts: Sequence[Synthesis], pauses_s: Sequence[float]) -> Spoken:
    """The parts one after the other with silence of exactly those lengths between them."""
    samples: list[np.ndarray] = []
    words: list[Word] = []
    pauses: list[tuple[float, float]] = []
    at = 0
    for part, pause_s in zip(parts, [*pauses_s, 0.0], strict=True):
        words += shifted(part.words, at / RATE_HZ)
        silence = round(pause_s * RATE_HZ)
        samples += [part.samples, np.zeros(silence, dtype=np.int16)]
        at += len(part.samples)
        if silence:
            pauses.append((at / RATE_HZ, (at + silence) / RATE_HZ))
        at += silence
    return Spoken(
        samples=np.concatenate(samples),
        words=tuple(words),
        pauses_s=tuple(pauses),
        end_s=at / RATE_HZ,
    )


def cut(whole: Synthesis, counts: Sequence[int]) -> list[Synthesis]:
    """Cuts a sentence into parts of so many words each, between the words, with soft edges."""
    parts: list[Synthesis] = []
    first, start_s = 0, 0.0
    for count in counts:
        words = whole.words[first : first + count]
        first += count
        last = first >= len(whole.words)
        after_s = len(whole.samples) / RATE_HZ if last else whole.words[first].start_s
        end_s = after_s if last else (words[-1].end_s + after_s) / 2
        parts.append(_trimmed(whole, words, start_s, end_s))
        start_s = end_s
    return parts


def shifted(words: Sequence[Word], by_s: float) -> list[Word]:
    return [Word(word.text, word.start_s + by_s, word.end_s + by_s) for word in words]


def spread(text: str, start_s: float, end_s: float) -> list[Word]:
    """Words of a recording without word times: each lasts its share of the letters."""
    names = spoken_words(text)
    ends = start_s + np.cumsum([len(n) for n in names]) * (end_s - start_s) / len("".join(names))
    starts = [start_s, *ends[:-1]]
    return [Word(n, float(a), float(b)) for n, a, b in zip(names, starts, ends, strict=True)]


def _parts(utterance: Utterance) -> list[Synthesis]:
    if utterance.apart or len(utterance.parts) == 1:
        return [synthesise(part, utterance.voice) for part in utterance.parts]
    whole = synthesise(utterance.plain_text, utterance.voice)
    return cut(whole, [len(spoken_words(part)) for part in utterance.parts])


def _trimmed(whole: Synthesis, words: Sequence[Word], start_s: float, end_s: float) -> Synthesis:
    first, last = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
    loud = np.flatnonzero(np.abs(whole.samples[first:last].astype(int)) > AUDIBLE)
    if not len(loud):
        said = " ".join(word.text for word in words)
        raise VoiceError(f"nothing can be heard of {said!r} between its pauses")
    first, last = first + int(loud[0]), first + int(loud[-1]) + 1
    samples = whole.samples[first:last].astype(float)
    fade = np.linspace(0, 1, min(_FADE_SAMPLES, len(samples) // 2), endpoint=False)
    if first > 0:
        samples[: len(fade)] *= fade
    if last < len(whole.samples):
        samples[len(samples) - len(fade) :] *= fade[::-1]
    length_s = len(samples) / RATE_HZ

    def within(at_s: float) -> float:
        return min(max(at_s - first / RATE_HZ, 0.0), length_s)

    inner = [Word(word.text, within(word.start_s), within(word.end_s)) for word in words]
    inner[0] = Word(inner[0].text, 0.0, inner[0].end_s)
    inner[-1] = Word(inner[-1].text, inner[-1].start_s, length_s)
    return Synthesis(samples.astype(np.int16), tuple(inner))


def _sound(utterance: Utterance) -> Spoken:
    samples = make_sound(str(utterance.sound), seed=utterance.seed)
    return Spoken(samples=samples, end_s=len(samples) / RATE_HZ)


@cache
def tail_s(name: str) -> float:
    """How long the speech in a recording is over before its labelled end, which is that of its last
    audible sample; 0.0 for any other utterance."""
    if name not in _manifest():
        return 0.0
    spoken = _human(name)
    return spoken.end_s - active_end_s(spoken.samples, RATE_HZ)


@cache
def _manifest() -> dict[str, dict[str, Any]]:
    turns = json.loads((TURNS / "manifest.json").read_text())
    return {turn["id"]: turn for turn in turns}


@cache
def _human(recording: str) -> Spoken:
    turn = _manifest().get(recording)
    if turn is None:
        known = ", ".join(sorted(_manifest()))
        raise VoiceError(f"there is no recording {recording!r}; there are {known}")
    samples, rate_hz = read_wav(TURNS / turn["wav"])
    words = [
        word
        for part in turn["parts"]
        for word in spread(part["text"], part["start_s"], part["end_s"])
    ]
    return Spoken(
        samples=resample(samples, rate_hz, RATE_HZ),
        words=tuple(words),
        pauses_s=tuple((start_s, end_s) for start_s, end_s in turn["pauses_s"]),
        start_s=turn["speech_start_s"],
        end_s=turn["speech_end_s"],
    )


def _own(utterance: Utterance) -> Spoken:
    samples = _read(Path(str(utterance.wav)))
    lane = Lane(samples=samples, rate_hz=RATE_HZ, start_s=0.0)
    spans = join(audible_spans(lane), _LEAST_PAUSE_S)
    if not spans:
        raise VoiceError(f"nothing can be heard in {utterance.wav}")
    parts = utterance.parts if utterance.plain_text else ()
    if parts and len(parts) != len(spans):
        raise VoiceError(
            f"{utterance.wav} has {len(spans)} stretches of sound with {_LEAST_PAUSE_S} s of quiet or "
            f"more between them: its text needs as many parts, with | between them"
        )
    return Spoken(
        samples=samples,
        words=tuple(
            word
            for part, span in zip(parts, spans, strict=False)
            for word in spread(part, span.start_s, span.end_s)
        ),
        pauses_s=tuple((hole.start_s, hole.end_s) for hole in silences(spans)) if parts else (),
        start_s=spans[0].start_s,
        end_s=spans[-1].end_s,
    )


def _read(path: Path) -> np.ndarray:
    try:
        with wave.open(str(path)) as wav:
            if (wav.getnchannels(), wav.getsampwidth()) != (1, 2):
                raise VoiceError(f"{path} is not 16 bit mono")
        samples, rate_hz = read_wav(path)
    except (OSError, EOFError, wave.Error) as e:
        raise VoiceError(f"{path} cannot be read: {e}") from None
    return resample(samples, rate_hz, RATE_HZ)
