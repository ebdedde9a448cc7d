from __future__ import annotations

import numpy as np
import pytest
from livekit.plugins.speechcore import level_dbfs

from agent.turns.noise_bed import NoiseBed


def bed() -> NoiseBed:
    return NoiseBed(np.random.default_rng(0))


def test_digital_silence_gets_a_floor_of_minus_60_dbfs() -> None:
    assert level_dbfs(bed().add(bytes(2 * 24_000))) == pytest.approx(-60, abs=0.5)


def test_speech_keeps_its_level() -> None:
    tone = (8000 * np.sin(np.arange(24_000) / 10)).astype(np.int16)
    noisy = np.frombuffer(bed().add(tone.tobytes()), dtype=np.int16)
    assert np.abs(noisy.astype(int) - tone).max() < 300


def test_full_scale_does_not_wrap_around() -> None:
    loud = np.full(24_000, 32767, dtype=np.int16)
    assert np.frombuffer(bed().add(loud.tobytes()), dtype=np.int16).min() > 32000


def test_frames_follow_each_other_without_repeating() -> None:
    source = bed()
    first, second = source.add(bytes(960)), source.add(bytes(960))
    assert first != second
    assert bed().add(bytes(1920)) == first + second


def test_longer_than_its_own_noise_is_fine() -> None:
    assert len(bed().add(bytes(2 * 100_000))) == 2 * 100_000
