"""The decoder's words become readable text."""

import pytest
from livekit.plugins.pocketsphinx.text import (
    geometric_mean,
    is_filler,
    join_words,
    readable_word,
    transcript,
)
from livekit.plugins.speechcore import Word


@pytest.mark.parametrize("raw", ["<s>", "</s>", "<sil>", "[NOISE]", "[SPEECH]", "+NSN+", ""])
def test_silences_and_noises_are_fillers(raw: str) -> None:
    assert is_filler(raw)


@pytest.mark.parametrize("raw", ["hello", "and(2)", "i'm", "'bout"])
def test_words_are_no_fillers(raw: str) -> None:
    assert not is_filler(raw)


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        ("and(2)", "and"),
        ("i", "I"),
        ("i'm", "I'm"),
        ("i'll(3)", "I'll"),
        ("it", "it"),
        ("in", "in"),
    ],
)
def test_words_lose_their_alternative_and_the_speaker_gets_a_capital(
    raw: str, readable: str
) -> None:
    assert readable_word(raw) == readable


def test_only_the_first_word_of_a_segment_gets_a_capital() -> None:
    words = [Word("what", 0.0, 0.2), Word("I", 0.2, 0.3), Word("said", 0.3, 0.5)]
    assert join_words(words) == "What I said"
    assert join_words([]) == ""


def test_one_doubtful_word_weighs_more_than_in_a_plain_mean() -> None:
    assert geometric_mean([]) == 0.0
    assert geometric_mean([0.5, 0.5]) == pytest.approx(0.5)
    assert geometric_mean([1.0, 0.01]) == pytest.approx(0.1)
    assert 0.0 < geometric_mean([0.0]) < 0.001


def test_a_transcript_carries_text_words_and_confidence() -> None:
    words = [Word("yes", 1.0, 1.4)]
    made = transcript(words, [0.9], is_settled=True)
    assert (made.text, made.words, made.is_settled) == ("Yes", tuple(words), True)
    assert made.confidence == pytest.approx(0.9)
