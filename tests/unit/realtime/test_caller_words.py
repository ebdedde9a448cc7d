"""Words of a recogniser beside a model that answers before they have come."""

from __future__ import annotations

from agent.realtime.caller_words import CallerWords, Said


def heard(words: CallerWords, *finals: str, now_s: float = 5.0) -> None:
    for text in finals:
        words.heard(text, now_s, is_final=True)


def test_a_turn_is_over_when_the_model_speaks_and_dated_to_where_it_began() -> None:
    words = CallerWords()
    words.began(1.0)
    heard(words, "what time", "is it")
    assert words.ready() is None and words.text == "what time is it"
    words.answered()
    assert words.ready() == Said("what time is it", 1.0)
    assert words.ready() is None and words.text == ""


def test_words_that_come_after_the_answer_began_belong_to_its_question() -> None:
    words = CallerWords()
    words.began(1.0)
    words.answered()
    assert words.ready() is None
    heard(words, "what time is it", now_s=3.0)
    assert words.ready() == Said("what time is it", 1.0)


def test_a_turn_waits_for_the_words_that_are_not_final() -> None:
    words = CallerWords()
    words.began(1.0)
    heard(words, "what time")
    words.heard("is", 2.0, is_final=False)
    words.answered()
    assert words.ready() is None
    heard(words, "is it")
    assert words.ready() == Said("what time is it", 1.0)


def test_what_is_said_over_the_answer_is_the_next_turn() -> None:
    words = CallerWords()
    words.began(1.0)
    heard(words, "what time is it")
    words.answered()
    assert words.ready() is not None
    words.began(4.0)
    heard(words, "stop")
    assert words.ready() is None
    words.answered()
    assert words.ready() == Said("stop", 4.0)


def test_words_taken_back_are_none() -> None:
    words = CallerWords()
    words.heard("hm", 1.0, is_final=False)
    heard(words, "")
    words.answered()
    assert words.ready() is None and words.all() is None


def test_a_cough_long_before_does_not_date_a_turn() -> None:
    words = CallerWords()
    words.began(1.0)
    words.began(30.0)
    heard(words, "hello", now_s=31.0)
    assert words.all() == Said("hello", 30.0)


def test_a_turn_goes_on_after_a_pause() -> None:
    words = CallerWords()
    words.began(1.0)
    heard(words, "I would like")
    words.began(20.0)
    heard(words, "a coffee")
    assert words.all() == Said("I would like a coffee", 1.0)


def test_words_without_a_sound_begin_when_they_come() -> None:
    words = CallerWords()
    heard(words, "psst", now_s=7.0)
    assert words.all() == Said("psst", 7.0)


def test_partial_words_count_when_nothing_more_will_come() -> None:
    words = CallerWords()
    words.began(1.0)
    words.heard("what ti", 2.0, is_final=False)
    assert words.all() == Said("what ti", 1.0)


def test_what_is_heard_again_is_forgotten() -> None:
    words = CallerWords()
    words.began(1.0)
    heard(words, "hello")
    words.forget()
    assert words.all() is None
