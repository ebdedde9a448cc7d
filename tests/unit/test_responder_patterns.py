import pytest
from livekit.plugins.responder.patterns import CAREFUL, RELAXED, Fit, Heard, compile_pattern
from livekit.plugins.responder.words import split_words


def fit(example: str, text: str, *, careful: bool = False) -> Fit | None:
    heard = Heard(split_words(text))
    return compile_pattern(example).fit(heard, CAREFUL if careful else RELAXED)


def test_word_for_word_is_a_full_score() -> None:
    found = fit("what time is it", "What time is it?")
    assert found is not None
    assert (found.score, found.covers_all) == (100, True)


def test_slots_take_the_words_between() -> None:
    found = fit("set a {label} timer for {duration}", "Set a Boiled Egg timer for six minutes")
    assert found is not None
    assert found.slots["label"].said == "Boiled Egg"
    assert found.slots["duration"].value == 360.0
    assert found.slots["duration"].said == "six minutes"


def test_a_mishearing_costs_a_little() -> None:
    found = fit("what time is it", "what dime is it")
    assert found is not None
    assert 85 < found.score < 100


def test_words_run_apart_still_fit() -> None:
    assert fit("set a timer for {duration}", "set a time her for ten minutes", careful=True)


def test_a_wrong_word_of_meaning_does_not_fit_however_alike_the_rest() -> None:
    assert fit("set a timer for {duration}", "set a table for ten minutes") is None


def test_a_typed_slot_takes_nothing_else() -> None:
    assert fit("set a timer for {duration}", "set a timer for the pasta") is None


def test_words_too_many_cost_more_when_careful() -> None:
    text = "my friend said to me hang up"
    assert fit("hang up now", "well hang up now", careful=True)
    assert fit("hang up", text, careful=True) is None


def test_politeness_in_front_costs_nothing() -> None:
    found = fit("set a timer for {duration}", "could you set a timer for one hour", careful=True)
    assert found is not None
    assert (found.score, found.covers_all) == (100, True)


def test_a_negation_does_not_fit() -> None:
    assert fit("set a timer for {duration}", "do not set a timer for one hour") is None
    assert fit("do not forget that {note}", "do not forget that I am here")
    assert fit("remember that {note}", "remember that I do not like tea")


def test_other_word_order_fits_where_there_is_no_slot() -> None:
    assert fit("what time is it", "what time it is")


def test_a_free_slot_needs_the_word_before_it() -> None:
    assert fit("what is the date in {place}", "what is the date of the meeting") is None


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ("", "no words"),
        ("?!", "no words"),
        ("{place}", "match everything"),
        ("go {place", "braces"),
        ("go place}", "braces"),
        ("go {}", "no slot name"),
        ("go {My Place}", "no slot name"),
        ("go {place} {time}", "touch"),
        ("from {place} to {place}", "twice"),
    ],
)
def test_an_example_that_cannot_work_is_refused(example: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        compile_pattern(example)
