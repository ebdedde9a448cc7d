"""evals.phone: figures of calls, a voice as a telephone takes it, two ends of a line, the options."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from evals.ear.recording import Event
from evals.ear.word_errors import word_errors
from evals.phone.__main__ import PARTS, parse_options
from evals.phone.figures import heard_in_turns, summary, understanding
from evals.phone.line import Line
from evals.phone.rtp import RATE_HZ
from evals.phone.sound import narrowed
from tests.fakes.eventually import eventually
from tests.stack.caller import RATE_HZ as WIDE_HZ


def tone(hz: float, rate_hz: int, seconds: float) -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)


def turn(start_s: float) -> Event:
    return Event(kind="turn", utterance="u", text="", voice="v", start_s=start_s, end_s=start_s + 1)


def test_times_that_are_unknown_are_counted_apart() -> None:
    assert summary([0.3, None, 0.1, 0.2]) == {"n": 3, "p50_s": 0.2, "p95_s": 0.3, "failed": 1}
    assert summary([]) == {"n": 0, "p50_s": None, "p95_s": None, "failed": 0}


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("What time is it?", "what time is it", 0),
        ("What time is it?", "what time was it now", 2),
        ("What time is it?", "", 4),
    ],
)
def test_words_are_compared_without_case_and_punctuation(
    said: str, heard: str, errors: int
) -> None:
    assert word_errors(said, heard) == (errors, 4)


def test_an_error_rate_is_over_all_words_that_were_said() -> None:
    found = understanding(["one two three", "four"], ["one two", ""])
    assert found == {
        "turns": 2,
        "words": 4,
        "word_error_rate": 0.5,
        "turns_without_a_word": 1,
        "turns_without_an_error": 0,
    }


def test_words_belong_to_the_turn_in_which_they_came() -> None:
    understood = [(9.0, "three"), (1.5, "one"), (2.5, "and a half"), (0.5, "before")]
    assert heard_in_turns([turn(1.0), turn(5.0)], understood) == ["one and a half", "three"]
    assert heard_in_turns([], understood) == []


@pytest.mark.parametrize(
    ("hz", "passes"), [(100, False), (1000, True), (3000, True), (6000, False)]
)
def test_a_telephone_takes_the_middle_of_a_voice(hz: float, passes: bool) -> None:
    wide = tone(hz, WIDE_HZ, 0.5)
    middle = narrowed(wide)[1000:3000].astype(float)
    db = 20 * np.log10(middle.std() / wide.std() + 1e-9)
    assert abs(db) < 1 if passes else db < -20


def test_it_takes_it_at_the_same_time() -> None:
    click = np.zeros(WIDE_HZ // 2)
    click[12_000:12_006] = 20_000
    narrow = narrowed(click)
    assert len(narrow) == RATE_HZ // 2
    assert abs(int(np.abs(narrow).argmax()) - 2_000) <= 1


async def test_what_is_said_at_one_end_is_heard_at_the_other() -> None:
    here, there = await Line.open(0), await Line.open(1)
    try:
        there.begin(("127.0.0.1", here.port))
        here.begin(("127.0.0.1", there.port))
        await asyncio.sleep(0)
        there.say(tone(1000, RATE_HZ, 0.1).astype(np.int16))
        there.press("1")
        await eventually(lambda: len(here.ears.frames) >= 10 and there.ears.frames)
    finally:
        await here.aclose()
        await there.aclose()
    _, heard = here.lanes()
    assert here.not_sound >= 5  # the key
    assert np.abs(heard.samples.astype(int)).max() > 7000
    assert len(here.ears.onsets_s) == 1


def test_all_parts_are_measured_unless_some_are_named() -> None:
    assert parse_options([]).parts == list(PARTS)
    options = parse_options(["keys", "--n", "3", "--output", "x.json"])
    assert (options.parts, options.n, options.output) == (["keys"], 3, Path("x.json"))


@pytest.mark.parametrize("arguments", [["sing"], ["--n", "0"], ["--n", "many"]])
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(arguments)
