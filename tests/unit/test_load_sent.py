"""A microphone fed in pieces: what is in them, and when each sample left."""

from __future__ import annotations

import numpy as np
import pytest

from evals.load.sent import PIECE_SAMPLES, PieceMicrophone, SentClock
from tests.stack.caller import RATE_HZ

LOUD = 8000
QUIET_DBFS = -60.0


def test_speech_begins_with_the_next_piece_and_ends_where_it_ends() -> None:
    microphone = PieceMicrophone(0, QUIET_DBFS)
    microphone.next_piece()
    length = PIECE_SAMPLES + PIECE_SAMPLES // 2
    first = microphone.say(np.full(length, LOUD))
    sent = np.concatenate([microphone.next_piece() for _ in range(3)])
    loud = np.flatnonzero(np.abs(sent) > LOUD / 2) + PIECE_SAMPLES
    assert (first, loud[0], loud[-1]) == (PIECE_SAMPLES, PIECE_SAMPLES, PIECE_SAMPLES + length - 1)


def test_what_is_said_while_something_is_being_said_follows_it() -> None:
    microphone = PieceMicrophone(0, QUIET_DBFS)
    assert microphone.say(np.full(100, LOUD)) == 0
    assert microphone.say(np.full(100, LOUD)) == 100
    assert np.flatnonzero(np.abs(microphone.next_piece()) > LOUD / 2)[-1] == 199


def test_between_the_words_there_is_noise_and_never_digital_silence() -> None:
    piece = PieceMicrophone(0, QUIET_DBFS).next_piece()
    assert np.sqrt(np.mean(piece.astype(float) ** 2)) == pytest.approx(32.8, rel=0.1)


def test_the_level_of_speech_can_be_lowered() -> None:
    microphone = PieceMicrophone(0, -100.0)
    microphone.say(np.full(PIECE_SAMPLES, LOUD), -20.0)
    assert np.median(microphone.next_piece()) == pytest.approx(LOUD / 10, abs=2)


def fed(late_s: dict[int, float], pieces: int = 40) -> SentClock:
    """A clock told of pieces that a queue of two takes up, each so much too late; it began at 100 s."""
    clock = SentClock(queue_samples=2 * PIECE_SAMPLES)
    for number in range(pieces):
        due_s = 100.0 + max(0, number - 1) * PIECE_SAMPLES / RATE_HZ
        clock.taken_up(PIECE_SAMPLES, due_s + late_s.get(number, 0.0))
    return clock


def test_a_sample_left_as_long_after_the_first_as_its_number_says() -> None:
    clock = fed({})
    assert clock.left_s(0) == pytest.approx(100.0)
    assert clock.left_s(3 * RATE_HZ) == pytest.approx(103.0)


def test_a_loop_that_notices_late_moves_nothing_and_its_lateness_is_known() -> None:
    clock = fed({20: 0.08, 21: 0.03})
    assert clock.left_s(0) == pytest.approx(100.0)
    assert sorted(clock.lateness_s)[-2:] == pytest.approx([0.03, 0.08])
    assert sum(late_s > 0.001 for late_s in clock.lateness_s) == 2


def test_a_queue_that_stood_still_is_believed_after_three_seconds() -> None:
    late = dict.fromkeys(range(5, 60), 0.5)
    assert fed(late, pieces=20).left_s(0) == pytest.approx(100.0)
    assert fed(late, pieces=60).left_s(0) == pytest.approx(100.5)


def test_before_the_queue_is_full_nothing_is_known() -> None:
    clock = SentClock(queue_samples=2 * PIECE_SAMPLES)
    clock.taken_up(PIECE_SAMPLES, 100.0)
    assert clock.left_s(0) == float("inf")
    assert clock.lateness_s == []
