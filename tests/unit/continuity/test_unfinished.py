from __future__ import annotations

import pytest

from agent.continuity.thread import Phrases
from agent.continuity.unfinished import UnfinishedTurn, last_words

PHRASES = Phrases(
    greeting=None, resumed="I am back.", heard="You said: {words}. And then?", restarted="Sorry."
)


def test_what_was_heard_before_goes_in_front_with_a_gap() -> None:
    assert UnfinishedTurn(before="set a timer").whole("for tea") == "set a timer … for tea"
    assert UnfinishedTurn().whole("for tea") == "for tea"


def test_the_next_turn_is_one_of_its_own() -> None:
    turn = UnfinishedTurn(before="set a timer", heard="for")
    assert turn.text == "set a timer … for"
    turn.whole("for tea")
    assert turn.text == "set a timer … for"  # it is not in the conversation yet
    turn.taken()
    assert turn.text == ""
    assert turn.whole("thank you") == "thank you"


def test_what_is_typed_meanwhile_does_not_end_it() -> None:
    turn = UnfinishedTurn(before="set a timer")
    turn.taken()
    assert turn.whole("for tea") == "set a timer … for tea"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Set a timer,", "Set a timer"),
        (
            "one two three four five six seven eight nine",
            "two three four five six seven eight nine",
        ),
        ("", ""),
    ],
)
def test_a_caller_is_told_the_last_words(text: str, told: str) -> None:
    assert last_words(text) == told


def test_who_was_speaking_is_told_what_was_heard_and_nobody_else() -> None:
    assert PHRASES.back("") == "I am back."
    assert PHRASES.back("set a timer,") == "I am back. You said: set a timer. And then?"
