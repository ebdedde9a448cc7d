"""The waterfall of a turn in the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from agent.console.screen import Screen, waterfall
from agent.console.waterfall import Bar, bars
from agent.turn_record import TurnRecord


def record(**facts: object) -> TurnRecord:
    engines = {"stt": "pocketsphinx", "llm": "responder", "tts": "espeak"}
    return TurnRecord(**{"call": "c", "turn": 3, "outcome": "answered", "engines": engines} | facts)


def drawn(of: TurnRecord) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    console.print(waterfall(of))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_stage_begins_when_what_it_waited_for_was_there() -> None:
    found = bars(
        record(
            eot_s=0.5,
            stt_final_s=0.3,
            llm_first_s=0.7,
            clause_s=0.8,
            tts_first_s=0.9,
            playout_s=1.0,
        )
    )
    assert [(bar.label, bar.from_s, bar.at_s) for bar in found] == [
        ("end of turn", 0.0, 0.5),
        ("STT final", 0.0, 0.3),
        ("LLM first token", 0.5, 0.7),
        ("first clause", 0.7, 0.8),
        ("TTS first audio", 0.8, 0.9),
        ("playout", 0.9, 1.0),
    ]
    assert [bar.engine for bar in found] == [
        None,
        "pocketsphinx",
        "responder",
        None,
        "espeak",
        None,
    ]


def test_what_was_done_on_speculation_did_not_wait() -> None:
    (first, token) = bars(record(eot_s=0.5, llm_first_s=-0.1))
    assert token == Bar("LLM first token", "responder", -0.1, -0.1)
    assert token.is_early and not first.is_early


def test_behind_a_stage_that_is_not_known_the_one_before_it_counts() -> None:
    (_, token, playout) = bars(record(eot_s=0.0, llm_first_s=0.2, playout_s=0.25))
    assert (token.from_s, playout.from_s) == (0.0, pytest.approx(0.2))


def test_the_bars_are_drawn_to_scale_with_times_and_engines() -> None:
    times = {"speech_start_s": -1.0, "eot_s": 0.5, "llm_first_s": 1.0, "playout_s": 1.0}
    lines = drawn(record(**times, speculated="adopted"))
    assert lines[0].split() == ["end", "of", "turn", "█" * 20, "500", "ms"]
    assert lines[1].index("█") == lines[0].index("█") + 20
    assert "responder" in lines[1]
    assert lines[-1].startswith("turn 3 answered") and lines[-1].endswith("1000 ms begun early")


def test_a_turn_without_an_answer_says_so_and_what_failed() -> None:
    lines = drawn(record(outcome="failed", eot_s=0.0, faults=["llm"]))
    assert "turn 3 failed" in lines[-1]
    assert lines[-1].endswith("no answer llm failed")
    assert drawn(TurnRecord(call="c", turn=1))[-1].endswith("no answer")


def test_the_screen_ends_a_line_that_goes_on_before_it_shows_another() -> None:
    console = Console(file=io.StringIO(), width=80)
    screen = Screen(console)
    screen.agent(" Hello,")
    screen.agent(" it is [noon].")
    screen.tell("The call has ended.")
    screen.prompt()
    screen.agent("Your timer is up.")
    screen.end_of_words()
    screen.prompt()
    screen.typed()
    screen.user("what time is it")
    assert isinstance(console.file, io.StringIO)
    assert [line.rstrip() for line in console.file.getvalue().splitlines()] == [
        "agent Hello, it is [noon].",
        "The call has ended.",
        "you",
        "agent Your timer is up.",
        "you   you   what time is it",  # between the two a person has typed, and ended the line
    ]
