"""Kokoro as a `Synthesiser`: a text is made clause by clause."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

import numpy as np
from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    EngineError,
    SpeechChunk,
    Voicing,
    from_floats,
)
from livekit.plugins.speechcore.text import normaliser, pause_after_ms
from numpy.typing import NDArray

from .backend import MAX_PHONEMES, SAMPLE_RATE_HZ, Backend, Samples, Sound
from .clauses import clauses, halves
from .timing import word_times
from .voices import KokoroOptions, Speaker, find_speaker

MAX_TEXT_CHARS = 20_000
"""Some twenty minutes of speech: no reply is longer, and a mistake should not keep the engine."""

_QUIET = 0.003
"""-50 dBFS: less is silence."""

_KEPT_MS = 20.0


class _Unit(NamedTuple):
    """What is made in one step."""

    written: str
    spoken: str
    phonemes: str


class KokoroEngine:
    """A voice, by whichever library runs the model.

    Words have times from the model's own durations where it tells them (an ONNX export with a
    `duration` or `durations` output, and PyTorch always), else by the number of their phonemes.
    """

    def __init__(self, backend: Backend, options: KokoroOptions | None = None) -> None:
        """Loads nothing."""
        self._backend = backend
        self._options = options or KokoroOptions()
        self._is_closed = False

    @property
    def model(self) -> str:
        return self._backend.model

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    @property
    def options(self) -> KokoroOptions:
        return self._options

    def load(self) -> None:
        """Loads the model and speaks a word, which takes seconds; `steps()` does it otherwise.

        Raises EngineError when files are missing or broken, or lack the set voice.
        """
        for _ in self.steps("Hello."):
            pass

    def steps(
        self, text: str, voicing: Voicing = DEFAULT_VOICING
    ) -> Generator[SpeechChunk, None, None]:
        """Yields a clause at a time, without silence before it and with the pause that belongs
        behind it; nothing for what cannot be pronounced.

        Words are those of `text` as it is written. Raises EngineError, for a text over
        MAX_TEXT_CHARS among other things.
        """
        if len(text) > MAX_TEXT_CHARS:
            raise EngineError(
                f"a text of {len(text)} characters is more than kokoro speaks at once"
                f" ({MAX_TEXT_CHARS}): give it in parts"
            )
        self._check_open()
        self._backend.load()
        speaker = find_speaker(
            voicing,
            self._options,
            voices=self._backend.voices,
            languages=self._backend.languages,
        )
        made_samples = 0
        for unit in self._units(text, speaker):
            self._check_open()
            if chunk := self._speak(unit, speaker, made_samples / SAMPLE_RATE_HZ):
                made_samples += len(chunk.pcm) // 2
                yield chunk

    def close(self) -> None:
        """Ends what is being spoken at its next step; harmless when repeated."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineError("this kokoro voice is closed")

    def _units(self, text: str, speaker: Speaker) -> Iterator[_Unit]:
        options = self._options
        for clause in clauses(text, first_chars=options.first_chars, max_chars=options.max_chars):
            yield from self._pronounceable(clause, speaker)

    def _pronounceable(self, written: str, speaker: Speaker) -> Iterator[_Unit]:
        """In as many parts as the model needs: a long number has many words."""
        spoken = normaliser(speaker.language)(written)
        phonemes = self._backend.phonemes(spoken, speaker.language) if _is_said(spoken) else ""
        if len(phonemes) > MAX_PHONEMES:
            for half in halves(written):
                yield from self._pronounceable(half, speaker)
        elif _is_said(phonemes):  # punctuation alone makes the model mumble
            yield _Unit(written, spoken, phonemes)

    def _speak(self, unit: _Unit, speaker: Speaker, begins_s: float) -> SpeechChunk | None:
        sound = self._backend.speak(unit.phonemes, speaker.voice, speaker.speed)
        if not np.isfinite(sound.samples).all():
            raise EngineError("kokoro's model makes no sound but NaN: use one of another precision")
        start, end = _sounding(sound.samples)
        if start == end:
            return None
        edges_s = begins_s + (_edges(sound, unit.phonemes, start, end) - start) / SAMPLE_RATE_HZ
        pause = bytes(2 * round(SAMPLE_RATE_HZ * pause_after_ms(unit.written) / 1000))
        return SpeechChunk(
            from_floats(sound.samples[start:end]) + pause,
            word_times(unit.written, unit.spoken, unit.phonemes, edges_s.tolist()),
        )


def _is_said(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _sounding(samples: Samples) -> tuple[int, int]:
    """From where to where `samples` are to be heard: silence goes but for 20 ms."""
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    if not len(loud):
        return 0, 0
    kept = round(SAMPLE_RATE_HZ * _KEPT_MS / 1000)
    return max(0, int(loud[0]) - kept), min(len(samples), int(loud[-1]) + 1 + kept)


def _edges(sound: Sound, phonemes: str, start: int, end: int) -> NDArray[np.float64]:
    """Where each phoneme begins and the last one ends, within what is heard."""
    if sound.edges is None or len(sound.edges) != len(phonemes) + 1:
        return np.linspace(start, end, len(phonemes) + 1)
    return np.clip(sound.edges, start, end).astype(np.float64)
