"""When a microphone is noisy: tables of what is heard and what follows."""

from __future__ import annotations

import numpy as np
import pytest

from agent.sound.estimate import (
    MOST_SWING_DB,
    USUAL_VOICE_DBFS,
    Noise,
    NoiseEstimate,
    NoisePolicy,
)
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ
from evals.sound.noises import make_noise


def sound(level_dbfs: float, frames: int, offset: float = 0.0) -> np.ndarray:
    rms = 32768 * 10 ** (level_dbfs / 20)
    noise = np.random.default_rng(frames).normal(0, rms, frames * FRAME_SAMPLES) + offset
    return np.clip(noise, -32768, 32767).astype(np.int16)


def heard(*sounds: np.ndarray) -> NoiseEstimate:
    estimate = NoiseEstimate()
    for frame in np.concatenate(sounds).reshape(-1, FRAME_SAMPLES):
        estimate.hear(frame)
    return estimate


@pytest.mark.parametrize("level_dbfs", [-60, -45, -30, -10])
def test_noise_alone_is_a_floor_without_a_voice(level_dbfs: float) -> None:
    noise = heard(sound(level_dbfs, 100)).read()
    assert noise.floor_dbfs == pytest.approx(level_dbfs, abs=1)
    assert noise.voice_dbfs is None
    assert noise.snr_db == USUAL_VOICE_DBFS - noise.floor_dbfs


def test_a_voice_over_noise_gives_both_levels() -> None:
    noise = heard(sound(-50, 200), sound(-20, 200)).read()
    assert noise.floor_dbfs == pytest.approx(-50, abs=1)
    assert noise.voice_dbfs == pytest.approx(-25, abs=1)
    assert noise.snr_db == pytest.approx(25, abs=2)


def test_only_the_newest_five_seconds_count() -> None:
    assert heard(sound(-30, 500), sound(-60, 500)).read().floor_dbfs == pytest.approx(-60, abs=1)


def test_a_constant_offset_is_no_noise() -> None:
    assert heard(sound(-60, 100, 9000), sound(-60, 400, 9000)).read().floor_dbfs < -58


def test_digital_silence_has_a_level_too() -> None:
    assert heard(np.zeros(100 * FRAME_SAMPLES, dtype=np.int16)).read().floor_dbfs == -90


def test_what_is_steady_swings_little_and_voices_swing() -> None:
    time_s = np.arange(5 * RATE_HZ) / RATE_HZ
    hum = 1000 * np.sin(2 * np.pi * 50 * time_s) + 500 * np.sin(2 * np.pi * 60 * time_s)
    assert heard(sound(-40, 500)).read().swing_db < 1
    assert heard(hum.astype(np.int16)).read().swing_db < 0.5
    talkers = [("rms", "Spring came early this year."), ("kal16", "Put forty on the red card.")]
    for name, swings in (("babble", True), ("street", False), ("hum", False)):
        noise = (300 * make_noise(name, 5.0, talkers, seed=3)).astype(np.int16)
        assert (heard(noise).read().swing_db > MOST_SWING_DB) is swings, name


def noises(*snrs_db: float, floor_dbfs: float = -40.0, swing_db: float = 0.5) -> list[Noise]:
    return [
        Noise(floor_dbfs=floor_dbfs, voice_dbfs=floor_dbfs + snr_db, swing_db=swing_db)
        for snr_db in snrs_db
    ]


@pytest.mark.parametrize(
    ("heard", "is_on"),
    [
        (noises(10), [True]),
        (noises(30), [False]),
        (noises(30, 10), [False, False]),  # once is no room
        (noises(30, 10, 10), [False, False, True]),
        (noises(30, 10, 30, 10), [False] * 4),
        (noises(10, 18, 18, 18), [True] * 4),  # what is on stays on…
        (noises(30, 18, 18, 18), [False] * 4),  # …and what is off stays off between the bounds
        (noises(10, 25, 25), [True, True, False]),
        (noises(5, floor_dbfs=-60), [False]),  # a soft voice in a quiet room
        (noises(5, swing_db=2.5), [False]),  # others talk
        (noises(5) + noises(5, 5, swing_db=2.5), [True, True, False]),
        (noises(10, 10) + noises(10, 10, floor_dbfs=-60), [True, True, True, False]),
    ],
)
def test_the_policy_switches_for_what_lasts(heard: list[Noise], is_on: list[bool]) -> None:
    policy = NoisePolicy()
    assert [policy.decide(noise) for noise in heard] == is_on


def test_before_anybody_has_spoken_the_noise_alone_decides() -> None:
    assert NoisePolicy().decide(Noise(floor_dbfs=-35, voice_dbfs=None, swing_db=0.5))
    assert not NoisePolicy().decide(Noise(floor_dbfs=-50, voice_dbfs=None, swing_db=0.5))
