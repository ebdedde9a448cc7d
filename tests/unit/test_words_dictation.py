"""Digits, dates and what else is dictated: how much is still to come."""

import pytest

from agent.turns.words.asked import Asked
from agent.turns.words.dates import date_log_odds
from agent.turns.words.dictation import dictation
from agent.turns.words.digits import is_number, trailing_run


@pytest.mark.parametrize(
    ("words", "digits", "letters"),
    [
        ("five five five", 3, ""),
        ("oh seven double four", 4, ""),
        ("triple one two", 4, ""),
        ("twenty one", 2, ""),
        ("twenty oh four", 3, ""),
        ("one two um three", 3, ""),
        ("two hundred and fifty", 5, ""),
        ("k r a u s e", 0, "krause"),
        ("b as in bravo a r", 0, "bar"),
        ("k for kilo o r", 0, "kor"),
        ("a b seven", 1, "ab"),
        ("nothing to count", 0, ""),
        ("call 555 1234", 7, ""),
    ],
)
def test_the_characters_at_the_end_are_counted(words: str, digits: int, letters: str) -> None:
    run = trailing_run(words.split())
    assert (run.digits, run.letters) == (digits, letters)


@pytest.mark.parametrize("words", ["five five double", "b as in", "a b as", "one dash"])
def test_a_run_says_when_something_has_to_follow(words: str) -> None:
    assert trailing_run(words.split()).awaits_more


def test_numbers_are_words_and_digits() -> None:
    assert all(is_number(word) for word in ("oh", "seven", "twelve", "ninety", "hundred", "42"))
    assert not any(is_number(word) for word in ("to", "for", "won", ""))


def _log_odds(words: str, asked: Asked = Asked.NOTHING) -> float:
    dictated = dictation(words.split(), asked)
    assert dictated is not None
    return dictated.log_odds


@pytest.mark.parametrize(
    ("asked", "under_way", "whole"),
    [
        (Asked.PHONE, "five five five one two", "five five five one two nine six six four three"),
        (Asked.PHONE, "oh seven seven double four three", "oh seven seven double four three one nine six two five"),
        (Asked.CARD, "four nine two nine one one eight three", "four nine two nine one one eight three five five six two seven oh four one"),
        (Asked.SHORT_CODE, "six six", "six six one nine"),
        (Asked.NUMBER, "it's seven three", "it's seven three nine double two one"),
        (Asked.EMAIL, "john dot miller", "john dot miller at gmail dot com"),
        (Asked.EMAIL, "john dot miller at web dot co", "john dot miller at web dot co dot uk"),
        (Asked.NOTHING, "john dot miller at web", "john dot miller at web dot de"),
        (Asked.SPELLING, "k r", "k r a u s e f l"),
        (Asked.NOTHING, "my name is smythe s m y", "my name is smythe s m y t h e"),
        (Asked.ADDRESS, "twenty four", "twenty four maple street springfield"),
        (Asked.BIRTH_DATE, "the fourth of july", "the fourth of july nineteen eighty two"),
        (Asked.NOTHING, "my number is", "my number is oh seven seven double four three one nine six two five"),
        (Asked.NOTHING, "my order number is three three", "my order number is three three eight one two seven one"),
    ],
)  # fmt: skip
def test_an_end_is_unlikely_under_way_and_likely_when_it_looks_whole(
    asked: Asked, under_way: str, whole: str
) -> None:
    assert _log_odds(under_way, asked) < 0 < _log_odds(whole, asked)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("i never got the email", Asked.NOTHING),
        ("by email", Asked.CHOICE),
        ("what's your order number", Asked.NOTHING),
        ("i'd like two tickets", Asked.NOTHING),
        ("set a timer for twenty five minutes", Asked.NOTHING),
        ("i don't have an email", Asked.EMAIL),
        ("i can't remember it", Asked.PHONE),
        ("my email is john at gmail dot com thank you", Asked.NOTHING),
        ("one two", Asked.NOTHING),
        ("", Asked.PHONE),
    ],
)
def test_other_talk_is_no_dictation(words: str, asked: Asked) -> None:
    assert dictation(words.split(), asked) is None


@pytest.mark.parametrize(
    ("words", "with_year", "is_whole"),
    [
        ("the fourth of", False, False),
        ("half past", True, False),
        ("march twenty third nineteen", True, False),
        ("march twenty third", True, False),
        ("march twenty third", False, True),
        ("march twenty third nineteen ninety", True, True),
    ],
)
def test_a_date_is_whole_with_its_day_and_the_year_that_was_asked_for(
    words: str, with_year: bool, is_whole: bool
) -> None:
    log_odds = date_log_odds(words.split(), with_year=with_year, is_wanted=True)
    assert log_odds is None or (log_odds > 0) is is_whole


def test_words_without_a_date_say_nothing_of_one() -> None:
    assert date_log_odds(["a", "pizza"], with_year=False, is_wanted=False) is None
