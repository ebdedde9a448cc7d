"""What the cascade has to do, by what had happened when the realtime model failed."""

from __future__ import annotations

from agent.realtime.pending import Pending, Remedy

SAMPLE = b"\1\0" * 2400


def spoken() -> Pending:
    """The caller has begun a turn."""
    pending = Pending()
    pending.spoke()
    pending.audio.heard(SAMPLE, 24_000)
    return pending


def committed() -> Pending:
    pending = spoken()
    pending.paused()
    pending.over()
    pending.asked()
    return pending


def test_nothing_when_nobody_waits() -> None:
    assert Pending().remedy() == Remedy()
    answered = committed()
    answered.sounding(answered.turn)
    answered.whole()
    answered.settled(answered.turn)
    assert answered.remedy() == Remedy() and not answered.audio.is_open


def test_a_turn_in_progress_is_heard_from_its_beginning() -> None:
    assert spoken().remedy() == Remedy(hear=True)


def test_a_turn_that_is_over_is_heard_again_if_its_words_are_not_known() -> None:
    assert committed().remedy() == Remedy(hear=True, is_over=True)


def test_a_turn_whose_words_are_known_is_answered() -> None:
    pending = committed()
    pending.known()
    assert pending.remedy() == Remedy(reply=True)


def test_words_that_come_before_the_turn_is_over_are_those_of_another() -> None:
    pending = spoken()
    pending.known()
    assert pending.remedy() == Remedy(hear=True)


def test_an_answer_that_broke_off_is_given_again() -> None:
    pending = committed()
    pending.known()
    pending.sounding(pending.turn)
    assert pending.remedy() == Remedy(reply=True)


def test_an_answer_of_which_all_has_come_is_only_played_out() -> None:
    pending = committed()
    pending.sounding(pending.turn)
    pending.whole()
    assert pending.is_playing_out and pending.remedy() == Remedy()


def test_after_a_tool_there_is_more_to_come() -> None:
    pending = committed()
    pending.known()
    pending.sounding(pending.turn)
    pending.whole()
    pending.asked()
    assert pending.remedy() == Remedy(reply=True)


def test_speech_over_an_answer_is_a_turn_of_its_own() -> None:
    pending = committed()
    first = pending.turn
    pending.sounding(pending.turn)
    assert pending.spoke()
    pending.settled(first)  # the answer was interrupted
    assert pending.remedy() == Remedy(hear=True)


def answered_and_coughed_over() -> Pending:
    """The caller hears an answer that goes on, and coughs."""
    pending = committed()
    pending.sounding(pending.turn)
    assert pending.spoke()
    pending.audio.heard(SAMPLE, 24_000)
    pending.paused()
    return pending


def test_a_cough_over_an_answer_leaves_its_turn_as_it_was() -> None:
    pending = answered_and_coughed_over()
    assert pending.remedy() == Remedy(hear=True, is_over=True)
    assert pending.audio.kept_s == 0.2  # the question and the cough
    pending.known()
    assert pending.remedy() == Remedy(reply=True, hear=True)
    pending.whole()
    assert pending.is_playing_out and pending.remedy() == Remedy(hear=True)
    pending.audio.only_newest()
    assert 0 < pending.audio.kept_s <= 0.2


def test_a_cough_over_an_answer_is_forgotten_before_its_turn_is() -> None:
    pending = answered_and_coughed_over()
    pending.known()
    pending.dropped()
    assert pending.remedy() == Remedy(reply=True)


def test_a_turn_over_an_answer_that_went_to_the_model_is_the_only_one() -> None:
    pending = answered_and_coughed_over()
    pending.over()
    pending.asked()
    assert not pending.is_playing_out
    assert pending.remedy() == Remedy(hear=True, is_over=True)


def test_an_answer_that_a_model_speaks_into_a_turn_does_not_end_it() -> None:
    pending = spoken()
    pending.over()
    pending.sounding(pending.turn)
    pending.settled(pending.turn)
    assert pending.remedy() == Remedy(hear=True) and pending.audio.kept_s == 0.1
    pending.paused()
    pending.over()
    pending.settled(pending.turn)
    assert pending.remedy() == Remedy()


def test_speech_before_the_answer_sounds_is_more_of_the_turn() -> None:
    pending = committed()
    assert not pending.spoke()
    assert pending.remedy() == Remedy(hear=True)


def test_a_typed_turn_is_answered() -> None:
    pending = Pending()
    pending.typed()
    assert pending.remedy() == Remedy(reply=True)


def test_what_was_to_be_said_is_said_until_it_is_heard() -> None:
    pending = Pending()
    pending.saying = "Hello."
    assert pending.remedy() == Remedy(say="Hello.")


def test_what_was_no_turn_is_forgotten() -> None:
    pending = spoken()
    pending.dropped()
    assert pending.remedy() == Remedy() and not pending.audio.is_open
