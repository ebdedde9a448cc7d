"""Interims: what two hypotheses agree on stays, and no word comes twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.speechcore import Word
from livekit.plugins.speechcore.agreement import (
    LocalAgreement,
    beyond,
    common_start,
    same_word,
)


def words(line: str, *, start_s: float = 0.0, each_s: float = 0.3) -> list[Word]:
    return [
        Word(text, start_s + n * each_s, start_s + (n + 1) * each_s)
        for n, text in enumerate(line.split())
    ]


def line(found: object) -> str:
    assert isinstance(found, (list, tuple))
    return " ".join(word.text for word in found)


def after(*hypotheses: str) -> LocalAgreement[Word]:
    agreement = LocalAgreement[Word]()
    for hypothesis in hypotheses:
        agreement.insert(words(hypothesis))
    return agreement


def test_the_first_hypothesis_is_shown_and_nothing_of_it_is_confirmed() -> None:
    agreement = after("book a")
    assert line(agreement.words) == "book a"
    assert agreement.confirmed == ()


@pytest.mark.parametrize(
    ("hypotheses", "confirmed", "shown"),
    [
        (("book a", "book a table"), "book a", "book a table"),
        (("book a", "look a table"), "", "look a table"),
        (("book a tab", "book a table for"), "book a", "book a table for"),
        (("book", "book a table", "book a table for two"), "book a table", "book a table for two"),
        (("Book a.", "book a table"), "book a", "book a table"),
        (("book a table", ""), "", ""),
        (("book a", "book a", ""), "book a", "book a"),
    ],
)
def test_what_two_hypotheses_begin_with_is_confirmed(
    hypotheses: tuple[str, ...], confirmed: str, shown: str
) -> None:
    agreement = after(*hypotheses)
    assert line(agreement.confirmed) == confirmed
    assert line(agreement.words) == shown


def test_what_is_confirmed_stays_when_the_model_changes_its_mind() -> None:
    agreement = after("i want to", "i want to go", "i wand two go home")
    assert line(agreement.confirmed) == "i want to go"
    assert line(agreement.words) == "i want to go home"


def test_the_newest_spelling_is_confirmed() -> None:
    assert line(after("go.", "Go to").confirmed) == "Go"


def test_a_reset_begins_a_new_window() -> None:
    agreement = after("one two", "one two three")
    agreement.reset()
    agreement.insert(words("four"))
    assert line(agreement.words) == "four"
    assert agreement.confirmed == ()


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=8))
def test_confirmed_words_are_never_taken_back(hypotheses: list[list[str]]) -> None:
    agreement = LocalAgreement[Word]()
    before: tuple[Word, ...] = ()
    for hypothesis in hypotheses:
        agreement.insert(words(" ".join(hypothesis)))
        assert agreement.confirmed[: len(before)] == before
        assert agreement.words[: len(before)] == before
        before = agreement.confirmed


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12))
def test_a_hypothesis_that_grows_word_by_word_is_confirmed_but_for_the_last(
    spoken: list[str],
) -> None:
    agreement = after(*(" ".join(spoken[:count]) for count in range(1, len(spoken) + 1)))
    assert line(agreement.confirmed) == " ".join(spoken[:-1])
    assert line(agreement.words) == " ".join(spoken)


def test_words_are_the_same_whatever_their_case_and_punctuation() -> None:
    assert same_word("Don't,", "dont")
    assert same_word("Straße", "STRASSE")
    assert not same_word("go", "goes")
    assert not same_word("?", "!")
    assert common_start(words("Go on, now"), words("go on then")) == 2


def test_words_that_overlap_in_time_are_taken_once() -> None:
    earlier = words("two three four", start_s=1.0)
    later = words("three four five six", start_s=1.3)
    assert line(beyond(earlier, later)) == "five six"
    assert line(beyond([], later)) == "three four five six"


@pytest.mark.parametrize("shift_s", [-0.2, -0.1, 0.0, 0.1, 0.2])
def test_overlapping_words_are_taken_once_when_the_two_clocks_differ(shift_s: float) -> None:
    earlier = words("two three four", start_s=1.0)
    later = words("three four five six", start_s=1.3 + shift_s)
    assert line(beyond(earlier, later)) == "five six"


@pytest.mark.parametrize("shift_s", [-0.1, 0.0, 0.1])
def test_a_word_that_is_really_said_twice_is_kept(shift_s: float) -> None:
    earlier = words("no", start_s=1.0)
    later = words("no no", start_s=1.0 + shift_s)
    assert line(beyond(earlier, later)) == "no"


def test_a_word_that_was_misheard_in_the_overlap_is_not_taken_twice() -> None:
    earlier = words("two three for", start_s=1.0)
    later = words("three four five six", start_s=1.3)
    assert line(beyond(earlier, later)) == "five six"
