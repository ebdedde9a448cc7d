"""Members' events become what a turn works with, and come out as they went in."""

from __future__ import annotations

import math

import pytest
from livekit.agents import LanguageCode, stt
from livekit.agents.types import TimedString
from livekit.plugins.chains.stt_events import to_event, to_heard
from livekit.plugins.chains.stt_heard import Heard, HeardKind, Taken

Kind = stt.SpeechEventType
EN = LanguageCode("en")


def event(text: str, *, end_s: float = 0.0, timed: bool = False) -> stt.SpeechEvent:
    words = [
        TimedString(word, start_time=100.0 + n, end_time=100.5 + n)
        for n, word in enumerate(text.split())
    ]
    data = stt.SpeechData(EN, text, end_time=end_s, words=words if timed else None)
    return stt.SpeechEvent(Kind.FINAL_TRANSCRIPT, "id", [data])


def test_times_become_places_in_the_audio() -> None:
    heard = to_heard(event("one two", timed=True), 100.0)
    assert heard is not None
    assert [(word.start_s, word.end_s) for word in heard.words] == [(0.0, 0.5), (1.0, 1.5)]
    assert heard.end_s == 1.5


@pytest.mark.parametrize(("end_s", "place_s"), [(0.0, None), (102.0, 2.0), (math.nan, None)])
def test_a_segment_without_words_has_an_end_if_it_is_told(
    end_s: float, place_s: float | None
) -> None:
    heard = to_heard(event("one two", end_s=end_s), 100.0)
    assert heard is not None and heard.end_s == place_s


def test_usage_is_none_of_a_turns_business() -> None:
    assert to_heard(stt.SpeechEvent(Kind.RECOGNITION_USAGE), 0.0) is None


def test_what_is_given_on_whole_is_the_members_own_event() -> None:
    for original in (event("one two", timed=True), stt.SpeechEvent(Kind.START_OF_SPEECH)):
        heard = to_heard(original, 0.0)
        assert heard is not None
        assert to_event(heard, EN) == original


@pytest.mark.parametrize("timed", [True, False])
def test_of_a_part_the_words_and_times_are_those_of_the_part(timed: bool) -> None:
    taken = Taken()
    first = to_heard(event("one two", timed=timed), 100.0)
    both = to_heard(event("one two three four", timed=timed), 100.0)
    assert first is not None and both is not None
    taken.take(first)
    data = to_event(taken.rest(both), EN).alternatives[0]
    assert data.text == "three four"
    if timed:
        assert [str(word) for word in data.words or ()] == ["three", "four"]
        assert (data.start_time, data.end_time) == (102.0, 103.5)


def test_what_a_chain_says_by_itself_has_a_language() -> None:
    made = to_event(Heard(HeardKind.FINAL), EN)
    assert made.alternatives[0].language == "en"
    assert made.alternatives[0].text == ""
    assert to_event(Heard(HeardKind.ENDED), EN).type is Kind.END_OF_SPEECH
