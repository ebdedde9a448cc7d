import pytest

from agent.turns.transcript import TurnTranscript, same_words


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What time is it?", "what time is it", True),
        ("it's nine", "its nine", False),
        ("ten of clubs", "ten of", False),
        ("", "…", True),
    ],
)
def test_case_and_punctuation_make_no_other_words(one: str, other: str, same: bool) -> None:
    assert same_words(one, other) is same


def test_finals_and_the_partial_make_the_turn() -> None:
    turn = TurnTranscript()
    turn.heard("eight of", 1.0)
    turn.heard("eight of spades", 1.5)
    turn.finalised("Eight of spades.", 1.8)
    turn.heard("four of", 2.5)
    assert turn.text == "Eight of spades. four of"


def test_only_other_words_are_a_change() -> None:
    turn = TurnTranscript()
    turn.heard("what time", 1.0)
    turn.heard("What time?", 2.0)
    turn.finalised("What time?", 3.0)
    assert turn.changed_s == 1.0
    turn.heard("is it", 4.0)
    assert turn.changed_s == 4.0


def test_each_text_is_speculated_on_once() -> None:
    turn = TurnTranscript()
    assert not turn.speculate()
    turn.heard("what time", 1.0)
    assert turn.speculate()
    assert not turn.speculate()
    turn.heard("What time?", 1.2)
    assert not turn.speculate()
    turn.heard("what time is it", 1.5)
    assert turn.speculate()


def test_a_final_needs_no_speculation_of_its_own() -> None:
    turn = TurnTranscript()
    turn.finalised("hello", 1.0)
    assert not turn.speculate()


def test_a_committed_turn_leaves_nothing_behind() -> None:
    turn = TurnTranscript()
    turn.heard("go somewhere and", 1.0)
    turn.speculate()
    turn.clear()
    assert turn == TurnTranscript()
