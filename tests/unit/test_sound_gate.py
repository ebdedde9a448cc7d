from __future__ import annotations

import numpy as np
import pytest

from agent.sound.gate import RANGE_DB, Floor, Gate
from agent.sound.stage import FRAME_SAMPLES, Samples

ROOM_DBFS, VOICE_DBFS = -50, -25


def sound(level_dbfs: float, frames: int, seed: int = 0) -> Samples:
    rms = 32768 * 10 ** (level_dbfs / 20)
    noise = np.random.default_rng(seed).normal(0, rms, frames * FRAME_SAMPLES)
    return noise.astype(np.float32)


def gated(samples: Samples, gate: Gate | None = None) -> Samples:
    gate = gate or Gate()
    return np.concatenate([gate.process(frame) for frame in samples.reshape(-1, FRAME_SAMPLES)])


def gains_db(samples: Samples, after: Samples) -> np.ndarray:
    """Of each frame."""
    powers = [
        (it.reshape(-1, FRAME_SAMPLES).astype(float) ** 2).mean(axis=1) for it in (samples, after)
    ]
    return np.asarray(10 * np.log10(powers[1] / powers[0]))


def test_a_room_alone_is_turned_down_by_its_range_and_no_more() -> None:
    room = sound(ROOM_DBFS, 200)
    assert gains_db(room, gated(room))[100:] == pytest.approx(-RANGE_DB, abs=0.01)


def test_a_voice_passes_from_its_first_frame_on_and_through_its_gaps() -> None:
    gate = Gate()
    gated(sound(ROOM_DBFS, 200), gate)
    word = np.concatenate([sound(VOICE_DBFS, 30), sound(ROOM_DBFS, 15), sound(VOICE_DBFS, 30)])
    gains = gains_db(word, gated(word, gate))
    assert gains[0] > -RANGE_DB / 2  # the line from shut to open
    assert gains[1:] == pytest.approx(0, abs=0.01)


def test_after_the_voice_it_closes_within_half_a_second_without_a_step() -> None:
    gate = Gate()
    both = np.concatenate([sound(ROOM_DBFS, 100), sound(VOICE_DBFS, 50), sound(ROOM_DBFS, 60)])
    gains = gains_db(both, gated(both, gate))[150:]
    assert gains[:19] == pytest.approx(0, abs=0.01)
    assert gains[50:] == pytest.approx(-RANGE_DB, abs=0.01)
    assert np.abs(np.diff(gains)).max() < 1


def test_silence_and_full_scale_are_finite() -> None:
    gate = Gate()
    extremes = np.concatenate([np.zeros(2400), np.full(2400, 32767), np.zeros(2400)])
    assert np.isfinite(gated(extremes.astype(np.float32), gate)).all()


@pytest.mark.parametrize(
    ("levels_dbfs", "floor_dbfs"),
    [
        ([-40], -40),
        ([-40, -60], -60),
        ([-60, -30], -59.97),
        ([-60] + [-30] * 100, -57),
        ([-120], -80),
    ],
)
def test_the_floor_falls_at_once_and_rises_slowly(
    levels_dbfs: list[float], floor_dbfs: float
) -> None:
    floor = Floor()
    for level in levels_dbfs:
        floor.seen(level)
    assert floor.dbfs == pytest.approx(floor_dbfs, abs=0.01)
