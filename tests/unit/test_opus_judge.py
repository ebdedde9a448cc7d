"""What is late, missing and misunderstood of a sentence, on sound that was damaged on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from evals.ear.recording import Lane
from evals.ear.word_errors import word_errors
from evals.opus.judge import Recogniser, cut_out, judge
from tests.stack.caller import RATE_HZ
from tests.stack.speech import speech

TEXT = "What time do you close today?"
SENT_S = 100.0


def received(samples: np.ndarray, delay_s: float, noise: float = 20.0) -> Lane:
    """Seven seconds from two before the sentence."""
    bed = np.random.default_rng(3).normal(0, noise, 7 * RATE_HZ)
    first = round((2.0 + delay_s) * RATE_HZ)
    bed[first : first + len(samples)] += samples
    return Lane(samples=bed.astype(np.int16), rate_hz=RATE_HZ, start_s=SENT_S - 2.0)


@pytest.mark.parametrize("delay_s", [0.0, 0.1234, 0.9])
def test_the_delay_is_found(delay_s: float) -> None:
    sent = speech(TEXT, "rms")
    arrival = judge(sent, received(sent, delay_s), SENT_S)
    assert arrival.delay_s == pytest.approx(delay_s, abs=0.0002)
    assert arrival.missing_windows == 0 < arrival.speech_windows


def test_what_was_lost_is_missing() -> None:
    sent = speech(TEXT, "rms")
    torn = sent.copy()
    hole = slice(len(sent) // 2, len(sent) // 2 + round(0.3 * RATE_HZ))
    torn[hole] = 0
    arrival = judge(sent, received(torn, 0.1), SENT_S)
    assert arrival.delay_s == pytest.approx(0.1, abs=0.0002)
    assert 5 <= arrival.missing_windows <= 16


def test_a_sentence_that_was_stretched_on_its_way_is_found() -> None:
    """As NetEq does where packets are late or lost: 3 ms more in each tenth of a second."""
    sent = speech(TEXT, "rms")
    step, more = RATE_HZ // 10, RATE_HZ * 3 // 1000
    pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
    stretched = np.concatenate([np.append(piece, piece[-more:]) for piece in pieces])
    arrival = judge(sent, received(stretched, 0.1), SENT_S)
    assert arrival.delay_s is not None
    assert 0.1 <= arrival.delay_s <= 0.1 + 0.003 * len(pieces)


def test_noise_is_no_sentence() -> None:
    sent = speech(TEXT, "rms")
    assert judge(sent, received(np.zeros(1), 0.0, noise=3000.0), SENT_S).delay_s is None


def test_a_sentence_that_never_came_is_all_missing() -> None:
    sent = speech(TEXT, "rms")
    arrival = judge(sent, received(np.zeros(1), 0.0), SENT_S)
    assert arrival.delay_s is None
    assert arrival.missing_windows == arrival.speech_windows > 0


def test_a_lane_that_ends_before_the_sentence_has_none_of_it() -> None:
    sent = speech(TEXT, "rms")
    short = Lane(samples=np.ones(10, dtype=np.int16), rate_hz=RATE_HZ, start_s=SENT_S)
    assert judge(sent, short, SENT_S).delay_s is None


@pytest.mark.parametrize(
    ("understood", "errors"),
    [("what time do you close today", 0), ("What time to close", 3), ("", 6)],
)
def test_word_errors_are_words_left_out_put_in_or_changed(understood: str, errors: int) -> None:
    assert word_errors(TEXT, understood) == (errors, 6)


def test_clean_sound_is_understood_and_silence_is_not() -> None:
    recogniser = Recogniser()
    sent = speech(TEXT, "rms")
    clean = cut_out(sent, received(sent, 0.1), SENT_S, 0.1)
    assert word_errors(TEXT, recogniser.text_of(clean))[0] <= 2
    assert recogniser.text_of(np.zeros(RATE_HZ, dtype=np.int16)) == ""
