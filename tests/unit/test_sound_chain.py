from __future__ import annotations

import itertools

import numpy as np
import pytest

from agent.sound.chain import Chain, Frame
from agent.sound.plan import STAGES
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ

SECOND = np.arange(RATE_HZ) / RATE_HZ
SOUNDS = {
    "digital silence": np.zeros(RATE_HZ),
    "loud noise and nothing else": np.random.default_rng(0).normal(0, 12_000, RATE_HZ),
    "a constant offset": np.full(RATE_HZ, 20_000.0),
    "the lowest sample": np.full(RATE_HZ, -32768.0),
    "clipped speech": 200_000 * np.sin(2 * np.pi * 150 * SECOND) * np.sin(2 * np.pi * 3 * SECOND),
    "clicks": np.where(np.arange(RATE_HZ) % 1000 == 0, 32767.0, 0.0),
}
PAIRS = list(itertools.combinations(("highpass", "gate", "gain"), 2))
SMOOTH = ("a constant offset", "the lowest sample", "clipped speech")


def pcm(samples: np.ndarray) -> Frame:
    return np.clip(samples, -32768, 32767).astype(np.int16)


def through(chain: Chain, samples: Frame) -> Frame:
    return np.concatenate([chain.process(frame) for frame in samples.reshape(-1, FRAME_SAMPLES)])


def test_without_stages_every_bit_stays() -> None:
    everything = np.arange(-32768, 32768 - 32768 % FRAME_SAMPLES).astype(np.int16)
    everything = everything[: len(everything) // FRAME_SAMPLES * FRAME_SAMPLES]
    assert np.array_equal(through(Chain(()), everything), everything)
    assert Chain(()).delay_s == 0


def test_its_delay_is_that_of_its_stages() -> None:
    assert Chain(("highpass", "gate")).delay_s == 0
    assert Chain(("rnnoise",)).delay_s == pytest.approx(0.0206, abs=0.0001)
    assert Chain(STAGES).delay_s == pytest.approx(0.0226, abs=0.0001)


@pytest.mark.parametrize("sound", SOUNDS)
def test_whatever_comes_in_as_many_samples_come_out_and_none_wraps_around(sound: str) -> None:
    heard = pcm(SOUNDS[sound])
    for stages in [*((stage,) for stage in STAGES), STAGES]:
        cleaned = through(Chain(stages), heard)
        assert (cleaned.shape, cleaned.dtype) == (heard.shape, np.int16)
        if sound in SMOOTH:
            assert np.abs(np.diff(cleaned.astype(int))).max() < 50_000, f"it wraps in {stages}"


@pytest.mark.parametrize("stages", PAIRS, ids="+".join)
def test_frames_join_as_if_the_sound_had_come_in_one_piece(
    stages: tuple[str, str],
) -> None:
    """A tone through the chain has no partials at the rate of the frames."""
    tone = pcm(6000 * np.sin(2 * np.pi * 440 * SECOND))
    settled = through(Chain(stages), np.tile(tone, 2))[RATE_HZ:]  # type: ignore[arg-type]
    spectrum = np.abs(np.fft.rfft(settled * np.hanning(RATE_HZ)))
    others = np.concatenate([spectrum[100:430], spectrum[450:]])
    assert others.max() < spectrum[440] / 30


def test_a_bad_microphone_of_offset_and_hum_is_clean_behind_it() -> None:
    hum = 1500 * np.sin(2 * np.pi * 50 * SECOND) + 8000
    cleaned = through(Chain(STAGES), np.tile(pcm(hum), 2))[RATE_HZ:]
    assert np.abs(cleaned.astype(int)).max() < 300
