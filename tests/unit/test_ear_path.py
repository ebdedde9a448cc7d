from __future__ import annotations

import numpy as np
import pytest

from evals.ear.path import describe, lags_s
from evals.ear.recording import Event, Lane, Recording

RATE_HZ = 24_000
BEEPS_S = (1.0, 2.0, 3.0)


def lane(starts_s: list[float]) -> Lane:
    samples = np.zeros(5 * RATE_HZ, dtype=np.int16)
    beep = 8000 * np.sin(2 * np.pi * 700 * np.arange(RATE_HZ // 5) / RATE_HZ)
    for start_s in starts_s:
        first = round(start_s * RATE_HZ)
        samples[first : first + len(beep)] = beep
    return Lane(samples=samples, rate_hz=RATE_HZ, start_s=0.0)


def recording(back_s: list[float]) -> Recording:
    events = tuple(
        Event(kind="noise", utterance="beep", text="", voice="sound", start_s=s, end_s=s + 0.2)
        for s in BEEPS_S
    )
    return Recording(caller=lane(list(BEEPS_S)), agent=lane(back_s), events=events)


def test_the_path_is_how_much_later_each_beep_comes_back() -> None:
    found = lags_s(recording([1.1, 2.12, 3.09]))
    assert found == pytest.approx([0.1, 0.12, 0.09], abs=0.002)


def test_a_beep_that_does_not_come_back_is_counted_as_failed() -> None:
    found = lags_s(recording([1.1, 3.1]))
    assert found[1] is None
    told = describe(found)
    assert (told["n"], told["failed"]) == (2, 1)


def test_without_any_sound_of_the_agent_the_path_is_not_known() -> None:
    told = describe(lags_s(recording([])))
    assert (told["n"], told["failed"], told["p50_s"]) == (0, 3, None)
