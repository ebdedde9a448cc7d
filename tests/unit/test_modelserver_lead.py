"""How soon a text is needed."""

from __future__ import annotations

import pytest
from livekit.plugins.modelserver.lead import SpeechLead


def test_a_first_text_is_needed_at_once() -> None:
    assert SpeechLead().begin("a", 30, 100.0) == 0.0


def test_a_text_is_needed_after_those_before_it() -> None:
    lead = SpeechLead()
    lead.begin("a", 30, 0.0)
    assert lead.begin("b", 15, 0.0) == pytest.approx(2.0)
    assert lead.begin("c", 15, 0.0) == pytest.approx(3.0)


def test_speech_that_was_made_and_is_not_yet_played_counts() -> None:
    lead = SpeechLead()
    lead.begin("a", 30, 0.0)
    lead.made("a", 1.5, 0.2)
    assert lead.begin("b", 15, 0.2) == pytest.approx(2.0), "1.5 s are made, 0.5 s are expected"
    lead.end("a", is_whole=True, now_s=0.3)
    lead.end("b", is_whole=True, now_s=0.3)
    assert lead.begin("c", 15, 1.2) == pytest.approx(0.5)


def test_after_the_last_word_was_played_the_next_is_needed_at_once() -> None:
    lead = SpeechLead()
    lead.begin("a", 30, 0.0)
    lead.made("a", 2.0, 0.1)
    lead.end("a", is_whole=True, now_s=0.1)
    assert lead.begin("b", 30, 5.0) == 0.0


def test_an_interrupted_caller_plays_nothing() -> None:
    lead = SpeechLead()
    lead.begin("a", 300, 0.0)
    lead.made("a", 5.0, 0.1)
    lead.end("a", is_whole=False, now_s=0.5)
    assert lead.begin("b", 30, 0.5) == 0.0
