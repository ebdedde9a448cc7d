from __future__ import annotations

import numpy as np
import pytest

from agent.sound.halfband import DELAY_SAMPLES, FILTER, Doubler, Halver
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ, Samples

SECOND = np.arange(RATE_HZ) / RATE_HZ


def tone(hz: float) -> Samples:
    return (8000 * np.sin(2 * np.pi * hz * SECOND)).astype(np.float32)


def doubled(samples: Samples) -> Samples:
    doubler = Doubler()
    return np.concatenate([doubler.process(frame) for frame in samples.reshape(-1, FRAME_SAMPLES)])


def halved(samples: Samples) -> Samples:
    halver = Halver()
    return np.concatenate(
        [halver.process(frame) for frame in samples.reshape(-1, 2 * FRAME_SAMPLES)]
    )


@pytest.mark.parametrize("hz", [100, 1000, 4000, 8000])
def test_there_and_back_is_the_same_sound_a_little_later(hz: float) -> None:
    returned = halved(doubled(tone(hz)))
    assert len(returned) == RATE_HZ
    assert returned[DELAY_SAMPLES + 100 :] == pytest.approx(
        tone(hz)[100:-DELAY_SAMPLES], abs=0.01 * 8000
    )


@pytest.mark.parametrize("hz", [500, 4000, 8000])
def test_no_mirror_image_appears_above_the_old_band(hz: float) -> None:
    spectrum = np.abs(np.fft.rfft(doubled(tone(hz)) * np.hanning(2 * RATE_HZ)))
    assert spectrum[12_500:].max() < spectrum.max() / 300


def test_each_way_is_the_whole_filter_over_every_sample_of_the_double_rate() -> None:
    noise = np.random.default_rng(0).normal(0, 3000, 2 * RATE_HZ).astype(np.float32)
    spread = np.zeros(2 * RATE_HZ)
    spread[::2] = 2 * noise[:RATE_HZ]
    whole = np.convolve(spread, FILTER)[: 2 * RATE_HZ]
    assert doubled(noise[:RATE_HZ]) == pytest.approx(whole, abs=0.01)
    assert halved(noise) == pytest.approx(np.convolve(noise, FILTER)[: 2 * RATE_HZ : 2], abs=0.01)
