from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from agent.sound.highpass import CUTOFF_HZ, HighPass
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ, Samples

SECOND = np.arange(RATE_HZ) / RATE_HZ


def filtered(samples: np.ndarray, highpass: HighPass | None = None) -> Samples:
    """Frame by frame, as in a call."""
    highpass = highpass or HighPass()
    frames = samples.astype(np.float32).reshape(-1, FRAME_SAMPLES)
    return np.concatenate([highpass.process(frame) for frame in frames])


def tone(hz: float) -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * hz * SECOND)


def test_it_is_the_filter_that_scipy_computes_sample_by_sample() -> None:
    noise = np.random.default_rng(0).normal(0, 3000, RATE_HZ)
    sections = signal.butter(4, CUTOFF_HZ, "highpass", fs=RATE_HZ, output="sos")
    assert filtered(noise) == pytest.approx(signal.sosfilt(sections, noise), abs=0.01)


@pytest.mark.parametrize(("hz", "db"), [(50, -16.4), (80, -3.0), (150, -0.03), (1000, 0.0)])
def test_hum_falls_and_the_voice_stays(hz: float, db: float) -> None:
    settled = filtered(tone(hz))[RATE_HZ // 2 :]
    assert 20 * np.log10(settled.std() / tone(hz).std()) == pytest.approx(db, abs=0.3)


def test_a_constant_offset_goes() -> None:
    assert np.abs(filtered(tone(440) + 12_000)[RATE_HZ // 2 :].mean()) < 1


def test_a_silence_after_the_loudest_sound_becomes_exact_silence_again() -> None:
    highpass = HighPass()
    filtered(np.full(RATE_HZ, 32767.0), highpass)
    filtered(np.zeros(10 * RATE_HZ), highpass)
    assert np.abs(filtered(np.zeros(RATE_HZ), highpass)).max() < 1e-6
