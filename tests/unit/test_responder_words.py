import pytest
from livekit.plugins.responder.words import (
    MAX_WORDS,
    plain,
    preamble_ends,
    split_clauses,
    split_words,
    written,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What's the time, please?", "what is the time"),
        ("Um, I don't know", "i do not know"),
        ("don’t can't", "do not can not"),
        ("twenty-five 1,000 2.5", "twenty five 1000 2.5"),
        ("12-7 and 12 - 7 and -3", "12 - 7 and 12 - 7 and - 3"),
        ("10s", "10 s"),
        ("Größe: Ärger!", "größe ärger"),
        ("…", ""),
    ],
)
def test_text_becomes_comparable_words(text: str, words: str) -> None:
    assert " ".join(plain(split_words(text))) == words


def test_the_words_can_be_written_as_they_were() -> None:
    assert written(split_words("My dog's called Rex, isn't he")) == "My dog's called Rex isn't he"


def test_a_very_long_text_is_cut() -> None:
    assert len(split_words("word " * 10_000)) == MAX_WORDS


def test_politeness_in_front_is_known_for_what_it_is() -> None:
    assert preamble_ends(split_words("hey could you tell me the time")) == {0, 1, 3, 5}
    assert preamble_ends(split_words("the time")) == {0}
    assert preamble_ends(split_words("hey")) == {0}
    assert preamble_ends([]) == {0}


def test_sentences_are_told_apart_but_decimals_are_not() -> None:
    assert split_clauses("It is 2.5 now. Is it? yes\nno") == [
        "It is 2.5 now.",
        "Is it?",
        "yes",
        "no",
    ]
    assert split_clauses("no punctuation here") == ["no punctuation here"]
