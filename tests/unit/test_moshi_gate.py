"""What Moshi says is cut out of sound that never stops."""

from __future__ import annotations

import pytest
from livekit.plugins.moshi.gate import SpeechGate

FRAME_S = 0.08


def run(gate: SpeechGate, *parts: tuple[float, float]) -> list[bool]:
    """`parts`: level in dBFS and seconds."""
    return [
        gate.process(level, FRAME_S)
        for level, seconds in parts
        for _ in range(round(seconds / FRAME_S))
    ]


def opened(states: list[bool]) -> int:
    """How often it opened."""
    return sum(now and not before for before, now in zip([False, *states], states, strict=False))


@pytest.mark.parametrize("silence_dbfs", [-120.0, -70.0, -60.0, -52.0])
def test_a_sentence_is_one_piece_whatever_the_silence_is_like(silence_dbfs: float) -> None:
    states = run(SpeechGate(), (silence_dbfs, 2.0), (-25.0, 2.0), (silence_dbfs, 2.0))
    assert opened(states) == 1
    assert states[25] and not states[24]
    assert not states[-1]


def test_it_opens_on_the_very_first_frame() -> None:
    assert run(SpeechGate(), (-25.0, FRAME_S)) == [True]


def test_a_short_pause_is_within_a_sentence_and_a_long_one_ends_it() -> None:
    states = run(
        SpeechGate(),
        (-65.0, 1.0),
        (-25.0, 1.0),
        (-65.0, 0.32),
        (-25.0, 1.0),
        (-65.0, 0.8),
        (-25.0, 1.0),
    )
    assert opened(states) == 2


def test_noise_after_digital_silence_does_not_keep_it_open_for_good() -> None:
    states = run(SpeechGate(), (-120.0, 3.0), (-25.0, 1.0), (-58.0, 3.0))
    assert not states[-1]


def test_a_noise_that_is_louder_than_silence_is_learnt() -> None:
    gate = SpeechGate()
    run(gate, (-48.0, 25.0))
    assert not gate.is_open
    assert opened(run(gate, (-25.0, 2.0), (-48.0, 2.0))) == 1
    assert not gate.is_open


def test_a_minute_of_speech_without_a_pause_stays_open() -> None:
    assert all(run(SpeechGate(), (-30.0, 60.0)))


def test_closing_it_ends_what_is_said() -> None:
    gate = SpeechGate()
    run(gate, (-25.0, 1.0))
    gate.close()
    assert run(gate, (-65.0, FRAME_S)) == [False]
