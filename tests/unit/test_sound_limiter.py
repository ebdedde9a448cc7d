from __future__ import annotations

import numpy as np
import pytest

from agent.sound.limiter import CEILING_DBFS, Limiter, running_max
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ, Samples

CEILING = 32768 * 10 ** (CEILING_DBFS / 20)


def limited(samples: np.ndarray, limiter: Limiter | None = None) -> Samples:
    limiter = limiter or Limiter()
    frames = samples.astype(np.float32).reshape(-1, FRAME_SAMPLES)
    return np.concatenate([limiter.process(frame) for frame in frames])


def noise(rms: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, rms, RATE_HZ)


def test_below_the_ceiling_every_sample_passes_as_it_is_a_little_later() -> None:
    delay = Limiter().delay_samples
    quiet = noise(3000).astype(np.float32)
    assert np.array_equal(limited(quiet)[delay:], quiet[:-delay])


@pytest.mark.parametrize("rms", [15_000, 60_000])
def test_nothing_exceeds_the_ceiling(rms: float) -> None:
    assert np.abs(limited(noise(rms))).max() <= CEILING * 1.0001


def test_a_single_peak_is_turned_down_before_it_comes_and_not_clipped() -> None:
    samples = np.full(RATE_HZ, 1000.0)
    samples[12_000] = 2 * CEILING
    after = limited(samples)
    peak = 12_000 + Limiter().delay_samples
    assert after[peak] == pytest.approx(CEILING, rel=0.001)
    assert 450 < after[peak - 1] < 600
    assert after[peak - 200] == 1000
    assert (
        np.abs(np.diff(np.delete(after, peak)[1000:])).max() < 30
    )  # along a line, without a click


def test_a_frame_after_the_peak_all_is_as_before() -> None:
    samples = np.full(RATE_HZ, 1000.0)
    samples[12_000] = 2 * CEILING
    assert np.array_equal(limited(samples)[13_000:], np.full(RATE_HZ - 13_000, 1000.0))


@pytest.mark.parametrize("width", [1, 2, 3, 48, 288])
def test_the_running_maximum_is_that_of_each_window(width: int) -> None:
    samples = np.random.default_rng(1).normal(size=600).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(samples, width)
    assert np.array_equal(running_max(samples, width), windows.max(axis=1))
