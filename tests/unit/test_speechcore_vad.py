"""When scores become speech: tables of scores, one window of 0.1 s a letter."""

from __future__ import annotations

import pytest
from livekit.plugins.speechcore.vad import SpeechBounds, SpeechChange, SpeechState

WINDOW_S = 0.1
SCORES = {"S": 0.9, "m": 0.4, ".": 0.1}
"""Speech, something between the two thresholds, silence."""

BOUNDS = SpeechBounds(least_speech_s=0.2, least_silence_s=0.3)


def changes(scores: str, bounds: SpeechBounds = BOUNDS) -> str:
    """A letter a window: < speech has started, > it has ended, - neither."""
    state = SpeechState(bounds)
    signs = {SpeechChange.STARTED: "<", SpeechChange.ENDED: ">", None: "-"}
    return "".join(signs[state.process(SCORES[score], WINDOW_S)] for score in scores)


def after(scores: str, bounds: SpeechBounds = BOUNDS) -> SpeechState:
    state = SpeechState(bounds)
    for score in scores:
        state.process(SCORES[score], WINDOW_S)
    return state


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ("......", "------"),
        ("SS...", "-<-->"),
        ("S.S.S.", "------"),  # each too short
        ("SS..SS..S...", "-<--------->"),  # pauses shorter than the least silence
        ("SS...SS...", "-<-->-<-->"),
        ("mmmm", "----"),  # not enough to begin with
        ("SSmmmm", "-<----"),  # enough to go on
        ("SSm..m...", "-<------>"),
        ("SmSS", "---<"),  # a beginning has no doubtful window in it
    ],
)
def test_speech_begins_and_ends_where_the_scores_say_so_for_long_enough(
    scores: str, expected: str
) -> None:
    assert changes(scores) == expected


def test_windows_of_a_hundredth_add_up_to_a_quarter_of_a_second() -> None:
    state = SpeechState(SpeechBounds(least_speech_s=0.05, least_silence_s=0.25))
    begun = [state.process(0.9, 0.01) for _ in range(5)]
    ended = [state.process(0.0, 0.01) for _ in range(25)]
    assert begun == [None] * 4 + [SpeechChange.STARTED]
    assert ended == [None] * 24 + [SpeechChange.ENDED]


def test_with_bounds_of_no_length_each_window_decides() -> None:
    bounds = SpeechBounds(least_speech_s=0.0, least_silence_s=0.0)
    assert changes("S.S.", bounds) == "<><>"
    assert changes("..", bounds) == "--"


def test_the_length_of_speech_counts_from_its_first_window() -> None:
    assert after("..SSS").speech_s == pytest.approx(0.3)
    assert after("..SSS..").speech_s == pytest.approx(0.5)
    assert after("..S").speech_s == 0.0


def test_what_came_of_speech_is_told_without_the_silence_that_closed_it() -> None:
    ended = after("SSSS...")
    assert ended.last_speech_s == pytest.approx(0.4)
    assert ended.silence_s == pytest.approx(0.3)
    assert ended.speech_s == 0.0


def test_silence_counts_from_the_last_window_of_speech() -> None:
    assert after("SS....").silence_s == pytest.approx(0.4)
    assert after("SS..").silence_s == 0.0, "speech is not over yet"
    assert after("....").silence_s == pytest.approx(0.4)


def test_unbroken_runs_are_counted_whatever_is_told() -> None:
    assert after("SS..").unlikely_s == pytest.approx(0.2)
    assert after("SS..").likely_s == 0.0
    assert after("..S").likely_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"activation": 0.3},
        {"activation": 1.0},
        {"deactivation": 0.0},
        {"least_silence_s": -0.1},
    ],
)
def test_bounds_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        SpeechBounds(**wrong)
