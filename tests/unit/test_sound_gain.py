from __future__ import annotations

import numpy as np
import pytest

from agent.sound.gain import LEAST_DB, MOST_DB, TARGET_DBFS, Gain
from agent.sound.stage import FRAME_SAMPLES, Samples, level_dbfs

ROOM_DBFS = -70


def sound(level_dbfs: float, frames: int) -> Samples:
    rms = 32768 * 10 ** (level_dbfs / 20)
    noise = np.random.default_rng(0).normal(0, rms, frames * FRAME_SAMPLES)
    return noise.astype(np.float32)


def turned(samples: Samples, gain: Gain) -> Samples:
    return np.concatenate([gain.process(frame) for frame in samples.reshape(-1, FRAME_SAMPLES)])


def say(gain: Gain, level_dbfs: float, words: int = 8) -> Samples:
    """Words of half a second with pauses between them; the last word."""
    said = sound(level_dbfs, 50)
    for _ in range(words):
        turned(sound(ROOM_DBFS, 30), gain)
        said = turned(sound(level_dbfs, 50), gain)
    return said


@pytest.mark.parametrize("level_dbfs", [-36, -30, -23, -15])
def test_a_voice_comes_to_the_usual_level(level_dbfs: float) -> None:
    assert level_dbfs_of(say(Gain(), level_dbfs)) == pytest.approx(TARGET_DBFS, abs=1.5)


def level_dbfs_of(samples: Samples) -> float:
    return level_dbfs(samples[-20 * FRAME_SAMPLES :])


@pytest.mark.parametrize(("level_dbfs", "gain_db"), [(-54, MOST_DB), (-6, LEAST_DB)])
def test_it_never_turns_further_than_its_bounds(level_dbfs: float, gain_db: float) -> None:
    gain = Gain()
    say(gain, level_dbfs, words=20)
    assert gain.gain_db == pytest.approx(gain_db, abs=0.01)


def test_a_room_alone_is_left_as_it_is() -> None:
    gain = Gain()
    turned(sound(-45, 500), gain)
    assert gain.gain_db == 0


def test_the_gain_stays_while_nobody_speaks() -> None:
    gain = Gain()
    say(gain, -36)
    before = gain.gain_db
    turned(sound(ROOM_DBFS, 500), gain)
    assert gain.gain_db == before > 5


def test_what_comes_out_never_exceeds_the_limiter() -> None:
    gain = Gain()
    say(gain, -36)
    shout = turned(np.tile(np.float32([30_000, -30_000]), 12_000), gain)
    assert np.abs(shout).max() <= 32768 * 10 ** (-1 / 20) + 1
