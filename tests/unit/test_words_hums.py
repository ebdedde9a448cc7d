"""Hummed assent as recognisers write it."""

from __future__ import annotations

import pytest

from agent.turns.words.backchannel import overlap_words
from agent.turns.words.features import evidence
from agent.turns.words.hums import is_assent
from agent.turns.words.tokens import utterance

ASSENT = """
um hum | um-hum | Um hum. | UM HUM | um huh | uhm hum | umhum | umhm
uh huh | uh-huh | Uh-huh. | uh, huh | uhhuh | uh hum | unh-hunh | ah huh | a huh
mm hm | mm-hm | mm hmm | Mm-hmm. | Mm, hmm. | mmm hmmm | mmhmm | Mhm. | mhmm | m-hm | M'hm. | mm huh
"""
SOUNDS = "a ha | a-ha | Aha! | ah ha | um | Hmm. | hum | huh | um hmm | uh um | ah hm | mm | uh"
WORDS = "a home | a ham | human | um how | him | a hundred | uh her | mum | hunh hunh what"


def table(text: str) -> list[str]:
    return [entry.strip() for entry in text.strip().replace("\n", " | ").split("|")]


@pytest.mark.parametrize("text", table(ASSENT))
def test_a_hum_of_two_syllables_is_a_backchannel_in_any_spelling(text: str) -> None:
    assert is_assent(utterance(text).tokens)
    assert overlap_words(text) == "backchannel"
    assert overlap_words(f"{text} and how do I pay") == "content"


@pytest.mark.parametrize("text", table(ASSENT))
def test_behind_a_question_it_is_the_answer_and_the_whole_turn(text: str) -> None:
    assert overlap_words(text, "Shall I book it for Monday?") == "content"
    found = evidence(utterance(text), "Shall I book it for Monday?", None)
    assert found.state == "answer" and found.log_odds > 1


@pytest.mark.parametrize("text", table(SOUNDS))
def test_other_sounds_are_backchannels_but_no_answers(text: str) -> None:
    assert not is_assent(utterance(text).tokens)
    assert overlap_words(text) == "backchannel"
    assert overlap_words(text, "Shall I book it for Monday?") == "backchannel"


@pytest.mark.parametrize("text", table(WORDS))
def test_words_that_look_alike_are_no_hums(text: str) -> None:
    assert not is_assent(utterance(text).tokens)
    assert overlap_words(text) != "backchannel"


def test_an_abbreviation_with_full_stops_is_the_word() -> None:
    assert utterance("O.K.").tokens == ("okay",)
    assert overlap_words("O.K.") == "backchannel"


def test_a_hum_without_end_is_judged_at_once() -> None:
    assert not is_assent(["u" + "h" * 100_000 + "x"])
    assert not is_assent(["m" * 100_000 + "x"])
