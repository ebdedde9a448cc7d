from __future__ import annotations

import numpy as np
import pytest

from evals.ear.manners import Ears, Manners

LOUD = np.full(480, 3000, dtype=np.int16)
SOFT = np.full(480, 20, dtype=np.int16)


def ears(*spoken_s: tuple[float, float], until_s: float = 30.0) -> Ears:
    """Someone who heard the agent speak in these times."""
    heard = Ears()
    for index in range(1, round(until_s * 100) + 1):
        at_s = index / 100
        is_loud = any(start_s < at_s <= end_s for start_s, end_s in spoken_s)
        heard.hear(at_s, LOUD if is_loud else SOFT)
    return heard


def test_speech_begins_after_silence_and_not_after_a_short_gap() -> None:
    heard = ears((1.0, 2.0), (2.2, 3.0), (3.5, 4.0))
    assert heard.onsets_s == pytest.approx([1.01, 3.51])
    assert heard.last_sound_s == 4.0
    assert heard.onset_after(1.5) == pytest.approx(3.51)
    assert heard.onset_after(3.6) is None


def test_every_frame_is_kept_with_its_time() -> None:
    heard = ears((0.1, 0.2), until_s=0.5)
    assert len(heard.frames) == len(heard.arrivals_s) == 50
    assert heard.arrivals_s[-1] == 0.5


@pytest.mark.parametrize(
    ("what", "spoken_s", "now_s", "wanted_s", "may"),
    [
        ("still waits for an answer", [], 9.0, 1.0, False),
        ("gives an answer up", [], 13.1, 1.0, True),
        ("listens", [(5.5, 7.5)], 7.4, 1.0, False),
        ("lets the agent finish", [(5.5, 7.5)], 8.4, 1.0, False),
        ("has been answered", [(5.5, 7.5)], 8.6, 1.0, True),
        ("was cut off and waits for the real answer", [(4.0, 5.5)], 7.0, 1.0, False),
        ("was cut off and there was no other answer", [(4.0, 5.5)], 8.6, 1.0, True),
        ("was cut off, then answered", [(4.0, 5.2), (6.0, 7.0)], 8.1, 1.0, True),
    ],
)
def test_after_a_question_the_caller_waits_for_the_answer(
    what: str, spoken_s: list[tuple[float, float]], now_s: float, wanted_s: float, may: bool
) -> None:
    manners = Manners()
    manners.said("turn", 5.0)
    heard = ears(*spoken_s, until_s=now_s)
    assert manners.may_speak(heard, now_s, wanted_s) is may, what


def test_before_anything_was_said_quiet_is_enough() -> None:
    assert Manners().may_speak(ears(until_s=2.0), 2.0, 1.0)
    assert not Manners().may_speak(ears((0.0, 1.5), until_s=2.0), 2.0, 1.0)


@pytest.mark.parametrize("kind", ["backchannel", "cough", "noise", "side_talk"])
def test_a_reply_that_was_held_up_may_go_on(kind: str) -> None:
    manners = Manners()
    manners.said("turn", 1.0)
    manners.said(kind, 3.0)  # type: ignore[arg-type]
    heard = ears((1.5, 3.2), until_s=6.0)
    assert not manners.may_speak(heard, 5.6, 1.0)
    assert manners.may_speak(heard, 5.8, 1.0)


def test_an_interruption_asks_anew() -> None:
    manners = Manners()
    heard = ears((1.5, 4.4), (5.0, 6.0), until_s=8.0)
    assert manners.answer_s(heard) is None
    manners.said("turn", 1.0)
    assert manners.answer_s(heard) == pytest.approx(1.51)
    manners.said("cough", 2.0)
    assert manners.answer_s(heard) == pytest.approx(1.51)
    manners.said("interruption", 4.0)
    assert manners.answer_s(heard) == pytest.approx(5.01)
