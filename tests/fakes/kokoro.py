"""A model for Kokoro's engine that a test can look into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from livekit.plugins.kokoro.backend import SAMPLE_RATE_HZ, Sound

PHONEME_SAMPLES = SAMPLE_RATE_HZ // 20
SILENCE_SAMPLES = SAMPLE_RATE_HZ // 4
"""Before and after what it speaks."""


@dataclass
class FakeBackend:
    """Letters are phonemes; each sounds for 50 ms, in a quarter of a second of silence."""

    model: str = "fake-kokoro"
    languages: Sequence[str] = ("en-us", "en-gb", "fr-fr")
    voices: Sequence[str] = ("af_heart", "am_adam", "bf_emma", "ff_siwis")
    tells_edges: bool = True
    amplitude: float = 0.2
    is_loaded: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Texts whose phonemes were wanted, with their language."""
    spoken: list[tuple[str, str, float]] = field(default_factory=list)
    """Phonemes, voice and speed of each step."""

    def load(self) -> None:
        self.is_loaded = True

    def phonemes(self, text: str, language: str) -> str:
        assert self.is_loaded
        self.asked.append((text, language))
        return " ".join(text.lower().split())

    def speak(self, phonemes: str, voice: str, speed: float) -> Sound:
        assert any(character.isalnum() for character in phonemes)
        self.spoken.append((phonemes, voice, speed))
        count = len(phonemes) * PHONEME_SAMPLES
        samples = np.zeros(count + 2 * SILENCE_SAMPLES, dtype=np.float32)
        samples[SILENCE_SAMPLES : SILENCE_SAMPLES + count] = self.amplitude
        edges = SILENCE_SAMPLES + np.arange(len(phonemes) + 1) * PHONEME_SAMPLES
        return Sound(samples, edges if self.tells_edges else None)
