"""The judge of the chaos calls, on turns that it must not let pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.trials import all_trials
from tests.chaos.verdict import Difference, Turn, compare
from tests.chaos.voice import voiced
from tests.fakes.providers.coded_speech import TORN, read, words_of
from tests.hosted.stock import FAULTS
from tests.stack.caller import RATE_HZ

REPLY = "It is noon. The sun shines."
GOOD = Turn(
    trial="llm stall",
    question="what time is it",
    understood="What time is it?",
    reply=REPLY,
    spoken=tuple(words_of(REPLY)),
    response_s=0.5,
    longest_gap_s=0.1,
    tool_runs=1,
)


def test_a_good_turn_has_no_problem() -> None:
    assert GOOD.problems() == []
    assert (GOOD.is_answered, GOOD.sentences_cut) == (True, 0)


def test_a_word_that_is_missing_doubled_or_nobodys_is_found() -> None:
    assert replace(GOOD, understood="What is it?").problems() == [
        "lost of the caller's words: time"
    ]
    doubled = replace(GOOD, understood="what what time is it")
    assert doubled.problems() == ["not of the caller's words: what"]
    cut = replace(GOOD, spoken=("it", "is", "noon", "the", "sun"))
    assert (cut.problems(), cut.sentences_cut) == (["not spoken: shines"], 1)
    again = replace(GOOD, spoken=(*GOOD.spoken, "shines"))
    assert again.problems() == ["spoken too often: shines"]


def test_silence_a_second_tool_run_and_the_end_of_the_call_are_found() -> None:
    silent = replace(GOOD, spoken=(), response_s=None)
    assert "no answer" in silent.problems()
    assert silent.sentences_cut == 2
    assert silent.extra_s([GOOD]) is None
    assert replace(GOOD, tool_runs=2).problems() == ["the tool ran 2 times"]
    assert replace(GOOD, has_ended=True).problems() == ["the call ended"]
    assert replace(GOOD, was_met=False).problems() == ["the fault did not happen"]


def test_a_torn_word_stands_for_one_that_is_missing_and_for_no_more() -> None:
    said = ["one", "two", "three", "four"]
    assert compare(said, ["one", TORN, "three", "four"]).lost == ()
    assert compare(said, ["one", TORN, "four"]).lost == ("three",)
    assert compare(said, ["one", TORN, TORN, "two", "three", "four"]).added == ()
    assert compare(said, ["one", "one", TORN, "three", "four"]).added == ("one",)
    assert compare(said, ["one", "river", "three", "four"]) == Difference(torn=1)


def test_extra_is_what_is_later_than_in_healthy_turns_at_the_begin_or_in_the_midst() -> None:
    assert replace(GOOD, response_s=1.5).extra_s([GOOD]) == 1.0
    assert replace(GOOD, longest_gap_s=0.6).extra_s([GOOD]) == 0.5
    assert replace(GOOD, response_s=0.3).extra_s([GOOD]) == 0.0
    after_tool = replace(GOOD, response_s=0.8, calls_tool=True)
    assert replace(after_tool, response_s=1.0).extra_s([GOOD, GOOD, after_tool]) == pytest.approx(
        0.2
    )


def test_the_voice_of_the_caller_keeps_its_words() -> None:
    text = "please tell me something about the river"
    assert read(voiced(text).tobytes(), RATE_HZ) == words_of(text)


def test_every_fault_is_tried_at_every_stage() -> None:
    tried = {(trial.stage, trial.name) for trial in all_trials()}
    assert {name for stage, name in tried if stage == "tts"} == set(FAULTS)
    assert {name for stage, name in tried if stage == "stt"} == set(FAULTS) - {"wrong rate"}
    assert {trial.when for trial in all_trials()} == {"connect", "first", "midway", "whole"}
