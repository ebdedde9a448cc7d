"""Words from faster-whisper's alignment, and texts from words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.faster_whisper.hypothesis import HeardWord, readable_words, transcript
from livekit.plugins.faster_whisper.languages import whisper_language
from livekit.plugins.speechcore import EngineError, Transcript


def raw(word: str, start: float, end: float, probability: float = 0.9) -> dict[str, Any]:
    return {"word": word, "start": start, "end": end, "probability": probability}


def test_a_space_begins_a_word_and_is_no_part_of_it() -> None:
    words = readable_words([raw(" Hello", 0.1, 0.4), raw(" there.", 0.4, 0.8)], "en", 1.0)
    assert words == (HeardWord("Hello", 0.1, 0.4, 0.9), HeardWord("there.", 0.4, 0.8, 0.9))


def test_the_parts_of_a_word_with_a_hyphen_are_joined() -> None:
    parts = [raw(" twenty", 0.1, 0.4, 0.9), raw("-five", 0.4, 0.8, 0.5), raw(" euros", 0.8, 1.0)]
    words = readable_words(parts, "en", 1.0)
    assert [word.text for word in words] == ["twenty-five", "euros"]
    assert words[0] == HeardWord("twenty-five", 0.1, 0.8, 0.5)


def test_a_language_without_spaces_keeps_its_characters_apart() -> None:
    words = readable_words([raw("今", 0.0, 0.2), raw("日", 0.2, 0.4)], "ja", 1.0)
    assert [word.text for word in words] == ["今", "日"]
    assert transcript(words, "ja", is_settled=True).text == "今日"


def test_empty_words_are_left_out() -> None:
    assert readable_words([raw(" ", 0.0, 0.2), raw("", 0.2, 0.4)], "en", 1.0) == ()


@given(
    st.lists(st.tuples(st.floats(-1.0, 3.0), st.floats(-1.0, 3.0)), max_size=10),
)
def test_times_are_in_order_and_within_the_audio(times: list[tuple[float, float]]) -> None:
    words = readable_words([raw(f" w{n}", *pair) for n, pair in enumerate(times)], "en", 2.0)
    flat = [time for word in words for time in (word.start_s, word.end_s)]
    assert len(words) == len(times)
    assert flat == sorted(flat)
    assert all(0.0 <= time <= 2.0 for time in flat)


def test_a_transcript_has_the_words_and_their_mean_probability() -> None:
    words = (HeardWord("one", 0.0, 0.3, 0.8), HeardWord("two", 0.3, 0.6, 0.6))
    found = transcript(words, "en", is_settled=True)
    assert found == Transcript("one two", words, pytest.approx(0.7), True, "en")


def test_nothing_is_never_settled() -> None:
    assert transcript((), "en", is_settled=True) == Transcript(language="en")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        (None, None),
        ("", None),
        ("en", "en"),
        ("en-GB", "en"),
        ("PT_br", "pt"),
        ("nb", "no"),
        ("zh-Hans-CN", "zh"),
        ("yue", "yue"),
    ],
)
def test_languages_are_whispers(language: str | None, code: str | None) -> None:
    assert whisper_language(language) == code


@pytest.mark.parametrize("language", ["tlh", "xx-XX", "english please"])
def test_a_language_it_does_not_know_is_refused(language: str) -> None:
    with pytest.raises(EngineError, match="does not know the language"):
        whisper_language(language)
