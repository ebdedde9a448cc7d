from __future__ import annotations

import asyncio
import time

import pytest

from evals.engines.caller import FLUSH_S, SPOKEN_S, TURN_S, delays_s, spoken_points_s
from evals.engines.lag import LagProbe


def test_the_first_text_that_covers_a_point_of_speech_counts() -> None:
    texts = [(1.0, 1.2), (2.0, 2.5), (2.1, 2.2), (3.3, 3.4)]
    assert delays_s([0.4, 1.0, 1.5, 3.0], texts) == pytest.approx([0.8, 0.2, 0.7, 0.4])


def test_speech_is_all_of_a_turn_before_its_pause() -> None:
    points_s = spoken_points_s(2)
    assert len(points_s) == 60
    assert points_s[29] == pytest.approx(SPOKEN_S)
    assert points_s[30] == pytest.approx(TURN_S + 0.1)
    assert SPOKEN_S < FLUSH_S < TURN_S


async def test_a_step_that_keeps_the_loop_is_seen() -> None:
    probe = LagProbe()
    probe.begin()
    await asyncio.sleep(0.05)
    time.sleep(0.08)  # noqa: ASYNC251
    await asyncio.sleep(0.05)
    probe.end()
    seen = probe.summary()
    assert seen["max_ms"] >= 70
    assert seen["n"] > 5
    assert seen["p50_ms"] < seen["max_ms"]
