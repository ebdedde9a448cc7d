"""Written words get the time of what they were read out as."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.kokoro.timing import word_times
from livekit.plugins.speechcore import Word


def times(written: str, spoken: str, phonemes: str) -> list[tuple[str, float, float]]:
    """With every phoneme 1 s long."""
    edges = [float(second) for second in range(len(phonemes) + 1)]
    return [(w.text, w.start_s, w.end_s) for w in word_times(written, spoken, phonemes, edges)]


def test_words_that_are_read_as_they_are_written_have_their_own_time() -> None:
    assert times("Go on, now!", "Go on, now!", "ɡˈoʊ ˈɔn, nˈaʊ!") == [
        ("Go ", 0, 4),
        ("on, ", 5, 9),
        ("now!", 10, 15),
    ]


def test_a_sign_has_the_time_of_its_words() -> None:
    assert times("It is $5 now", "It is five dollars now", "ɪt ɪz faɪv dɑlɚz naʊ") == [
        ("It ", 0, 2),
        ("is ", 3, 5),
        ("$5 ", 6, 16),
        ("now", 17, 20),
    ]


def test_words_that_are_spoken_as_one_share_its_time_and_disturb_no_other() -> None:
    assert times("five of the cats", "five of the cats", "faɪv ʌvðə kæts") == [
        ("five ", 0, 4),
        ("of ", 5, 6.6),
        ("the ", 6.6, 9),
        ("cats", 10, 14),
    ]


def test_a_word_that_is_spoken_as_two_has_the_time_of_both() -> None:
    assert times("an international act", "an international act", "ən ɪntɚ næʃənəl ækt") == [
        ("an ", 0, 2),
        ("international ", 3, 15),
        ("act", 16, 19),
    ]


def test_what_is_not_read_out_takes_no_time() -> None:
    assert times("see https://x.y there", "see there", "siː ðɛɹ") == [
        ("see ", 0, 3),
        ("https://x.y ", 3, 3),
        ("there", 4, 7),
    ]


def test_punctuation_and_emoji_go_with_the_word_before_them() -> None:
    assert times("— Well \U0001f600 then —", "Well then", "wɛl ðɛn") == [
        ("— Well \U0001f600 ", 0, 3),
        ("then —", 4, 7),
    ]


def test_a_language_without_blanks_shares_the_time_by_its_letters() -> None:
    assert times("你好世界", "你好世界", "ni xaʊ ʂɻ tɕjɛ") == [("你好世界", 0, 14)]


@pytest.mark.parametrize(
    ("written", "phonemes"), [("", "a"), ("…", "a"), ("word", "…"), ("word", "")]
)
def test_without_words_or_sounds_there_is_nothing(written: str, phonemes: str) -> None:
    assert times(written, written, phonemes) == []


WORDS = st.lists(st.text("abc$5,", min_size=1, max_size=6), min_size=1, max_size=12).map(" ".join)
SOUNDS = st.lists(st.text("abɛɪ", min_size=1, max_size=8), min_size=1, max_size=12).map(" ".join)


@given(WORDS, WORDS, SOUNDS)
def test_whatever_is_heard_times_never_go_backwards_and_no_word_is_lost(
    written: str, spoken: str, phonemes: str
) -> None:
    edges = [0.05 * count for count in range(len(phonemes) + 1)]
    words: tuple[Word, ...] = word_times(written, spoken, phonemes, edges)
    if not words:
        return
    assert "".join(word.text for word in words) == written
    now_s = 0.0
    for word in words:
        assert now_s <= word.start_s + 1e-9
        assert word.start_s <= word.end_s + 1e-9
        now_s = word.end_s
    assert now_s <= edges[-1] + 1e-9
