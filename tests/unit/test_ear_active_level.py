"""Where the speech in a noisy recording ends."""

from __future__ import annotations

import numpy as np
import pytest

from evals.ear.active_level import active_end_s

RATE_HZ = 16000
HARD_END_S = 0.05
"""Sound that stops at once keeps its envelope up a little longer than speech that fades."""


def sound(*parts: tuple[float, float]) -> np.ndarray:
    """Noise of so many seconds at such levels in dBFS, one after the other."""
    random = np.random.default_rng(5)
    pieces = [
        random.standard_normal(round(seconds * RATE_HZ)) * 32768 * 10 ** (dbfs / 20)
        for seconds, dbfs in parts
    ]
    return np.concatenate(pieces).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("room_dbfs", [-90.0, -60.0, -45.0])
def test_speech_ends_where_only_the_room_is_left(room_dbfs: float) -> None:
    recording = sound((0.3, room_dbfs), (1.0, -22.0), (0.8, room_dbfs))
    assert active_end_s(recording, RATE_HZ) == pytest.approx(1.3, abs=HARD_END_S)


def test_a_pause_is_not_the_end() -> None:
    recording = sound((1.0, -22.0), (0.7, -50.0), (0.5, -25.0), (0.5, -50.0))
    assert active_end_s(recording, RATE_HZ) == pytest.approx(2.2, abs=HARD_END_S)


def test_the_level_of_the_recording_does_not_matter() -> None:
    parts = ((0.2, -60.0), (0.8, -20.0), (0.4, -60.0))
    ends_s = [
        active_end_s(sound(*((seconds, dbfs - by_db) for seconds, dbfs in parts)), RATE_HZ)
        for by_db in (0.0, 20.0)
    ]
    assert ends_s[0] == pytest.approx(ends_s[1], abs=0.011)


def test_silence_has_no_speech() -> None:
    assert active_end_s(np.zeros(RATE_HZ, dtype=np.int16), RATE_HZ) == 0.0
    assert active_end_s(np.zeros(0, dtype=np.int16), RATE_HZ) == 0.0
