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
