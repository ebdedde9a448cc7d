import pytest

from agent.turns.words.manner import manner


@pytest.mark.parametrize(
    "said",
    [
        "my number is five five five",
        "it's lucy dash marie",
        "k o w",
        "k for kilo o r",
        "we are at eleven old mill lane",
        "flat seven",
        "the code is nine four two",
        "twenty four slash three",
        "j dot miller at",
        "the model is called x",
        "nine willow grove",
        "p o box",
        "it is called q nine",
    ],
)
def test_numbers_spellings_and_addresses_are_dictated(said: str) -> None:
    assert manner(said.split()).dictates


@pytest.mark.parametrize(
    "said",
    [
        "i would like a table for two",
        "is the road to the coast open",
        "i have a question",
        "set a timer for ten minutes",
        "we bought two lemons and a bunch of flowers on the way",
        "the meeting is at ten",
        "my phone number changed when i moved",
        "one of the shops was about to close",
        "is this the one by the park",
        "they moved to a smaller place",
        "who am i",
    ],
)
def test_everyday_sentences_are_not(said: str) -> None:
    assert not manner(said.split()).dictates


@pytest.mark.parametrize(
    "said",
    ["um i want to", "i i want to", "let me think about it", "the er big one", "hold on i have it"],
)
def test_fillers_restarts_and_stalling_are_thinking_aloud(said: str) -> None:
    assert manner(said.split()).thinks


@pytest.mark.parametrize(
    "said", ["what time is it", "i want to change my booking", "nine nine one"]
)
def test_fluent_speech_is_not(said: str) -> None:
    assert not manner(said.split()).thinks


@pytest.mark.parametrize("said", ["come on the fourteenth", "the twenty first", "i land at nine"])
def test_a_day_or_an_hour_may_not_be_the_whole_date(said: str) -> None:
    assert manner(said.split()).tells_date


@pytest.mark.parametrize("said", ["just a second", "put it first", "nine", "look at that"])
def test_other_words_tell_no_date(said: str) -> None:
    assert not manner(said.split()).tells_date


def test_a_date_alone_is_told_from_a_sentence_with_one() -> None:
    assert manner("the ninth of june".split()).is_bare_date
    assert not manner("i leave on the ninth of june".split()).is_bare_date
    assert not manner("twenty two".split()).is_bare_date
