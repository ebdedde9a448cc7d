"""A recogniser's text as bare words."""

import pytest

from agent.turns.words.tokens import MAX_WORDS, utterance


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, World!", ("hello", "world")),
        ("It’s OK.", ("it's", "okay")),
        ("twenty-four", ("twenty", "four")),
        ("write to john@gmail.com.", ("write", "to", "john@gmail.com")),
        ("at 9 a.m. on 12/05", ("at", "9", "am", "on", "12", "05")),
        ("Uh-huh…", ("uh", "huh")),
        ("", ()),
        ("...", ()),
    ],
)
def test_words_are_bare_and_in_lower_case(text: str, tokens: tuple[str, ...]) -> None:
    assert utterance(text).tokens == tokens


def test_the_last_sentence_begins_behind_the_last_full_stop_inside() -> None:
    words = utterance("I have a question. What time do you open?")
    assert words.sentence == ("what", "time", "do", "you", "open")


def test_a_full_stop_at_the_end_does_not_end_the_sentence_before_it() -> None:
    assert utterance("I have a question.").sentence == ("i", "have", "a", "question")


@pytest.mark.parametrize(
    ("text", "mark"),
    [("yes.", "."), ("yes?", "?"), ("well,", ","), ("i was…", "…"), ("i was...", "…"), ("i —", "-"), ("yes", "")],
)  # fmt: skip
def test_the_mark_is_what_the_text_ends_in(text: str, mark: str) -> None:
    assert utterance(text).mark == mark


def test_only_the_last_words_of_a_long_turn_are_kept() -> None:
    words = utterance("word " * 200 + "end")
    assert len(words.tokens) == MAX_WORDS
    assert words.tokens[-1] == "end"
