"""What became final before a member said so itself is not said again."""

from __future__ import annotations

import pytest
from livekit.plugins.chains.stt_heard import Heard, HeardKind, Taken, parted
from livekit.plugins.speechcore import Word

FINAL, INTERIM = HeardKind.FINAL, HeardKind.INTERIM


def timed(text: str, kind: HeardKind = INTERIM) -> Heard:
    words = tuple(Word(word, n / 2, n / 2 + 0.4) for n, word in enumerate(text.split()))
    return Heard(kind, text, words, words[-1].end_s if words else None)


def taken(heard: Heard) -> Taken:
    it = Taken()
    it.take(heard)
    return it


@pytest.mark.parametrize(
    ("before", "now", "rest"),
    [
        ("my name is", "my name is john", "john"),
        ("my name is", "My name is, John.", "John."),
        ("my name is", "my name was john", "john"),
        ("my name is", "my name is", ""),
        ("my name is", "my", ""),
        ("my name is", "", ""),
        ("hello there", "what time is it", "what time is it"),
        ("yes", "yes yes", "yes"),
    ],
)
def test_the_rest_of_an_untimed_segment_is_what_follows(before: str, now: str, rest: str) -> None:
    assert taken(Heard(FINAL, before)).rest(Heard(INTERIM, now)).text == rest


def test_the_rest_of_a_timed_segment_is_what_is_said_later() -> None:
    heard = taken(timed("mine aim is")).rest(timed("my name is john smith", FINAL))
    assert heard.text == "john smith"
    assert [word.text for word in heard.words] == ["john", "smith"]
    assert (heard.skipped, heard.end_s, heard.kind) == (3, 2.4, FINAL)


def test_what_was_taken_twice_adds_up() -> None:
    it = taken(Heard(FINAL, "one two"))
    it.take(it.rest(Heard(INTERIM, "one two three")))
    assert it.rest(Heard(FINAL, "one two three four")).text == "four"
    it.clear()
    assert it.rest(Heard(FINAL, "one two three four")).text == "one two three four"


def test_words_are_parted_where_they_begin() -> None:
    first, second = parted(timed("a b c d"), 1.0)
    assert (first.text, first.end_s) == ("a b", 0.9)
    assert (second.text, second.end_s, second.skipped) == ("c d", 1.9, 2)
    assert [heard.text for heard in parted(timed("a b"), 9.0)] == ["a b", ""]


def test_untimed_words_are_not_parted() -> None:
    assert [heard.text for heard in parted(Heard(INTERIM, "a b c"), 1.0)] == ["a b c", ""]
