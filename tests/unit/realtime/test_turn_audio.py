"""The caller's turn, kept for a recogniser that comes later."""

from __future__ import annotations

from agent.realtime.turn_audio import LEAD_S, LONGEST_S, TurnAudio

RATE_HZ = 1000


def tick(value: int) -> bytes:
    """A tenth of a second of one value."""
    return value.to_bytes(2, "little") * (RATE_HZ // 10)


def heard(audio: TurnAudio, *values: int) -> None:
    for value in values:
        audio.heard(tick(value), RATE_HZ)


def kept(audio: TurnAudio) -> list[int]:
    return [int.from_bytes(piece[:2], "little") for piece in audio.pieces()]


def test_a_turn_is_kept_from_shortly_before_it_was_noticed() -> None:
    audio = TurnAudio()
    heard(audio, *range(20))
    audio.began()
    heard(audio, 20, 21)
    assert kept(audio) == list(range(14, 22))
    assert audio.kept_s == LEAD_S + 0.2


def test_without_a_turn_nothing_is_given() -> None:
    audio = TurnAudio()
    heard(audio, 1, 2, 3)
    assert kept(audio) == [] and audio.kept_s == 0.0
    audio.began()
    audio.settled()
    assert kept(audio) == []


def test_a_turn_that_goes_on_is_kept_whole() -> None:
    audio = TurnAudio()
    audio.began()
    heard(audio, *range(30))
    audio.began()  # after a pause
    heard(audio, 30)
    assert kept(audio) == list(range(31))


def test_speech_over_an_answer_begins_a_new_turn() -> None:
    audio = TurnAudio()
    audio.began()
    heard(audio, *range(30))
    audio.answering()
    heard(audio, 30)
    assert kept(audio) == list(range(31))  # the answer may yet fail
    audio.began()
    heard(audio, 31)
    assert kept(audio) == list(range(25, 32))


def test_the_oldest_sound_of_a_turn_without_end_is_forgotten() -> None:
    audio = TurnAudio()
    audio.began()
    for number in range(round(LONGEST_S * 10) + 50):
        heard(audio, number % 1000)
    assert audio.kept_s == LONGEST_S


def test_places_count_all_samples_ever_heard() -> None:
    audio = TurnAudio()
    assert audio.heard(tick(1), RATE_HZ) == 100
    audio.settled()
    assert audio.heard(tick(2), RATE_HZ) == 200


def test_sound_of_another_rate_is_not_mixed_in() -> None:
    audio = TurnAudio()
    audio.began()
    heard(audio, 1, 2)
    audio.heard(tick(3), 2 * RATE_HZ)
    assert audio.kept_s == 0.05


def test_a_turn_over_an_answer_is_kept_with_the_one_before_it_until_that_is_settled() -> None:
    audio = TurnAudio()
    audio.began()
    heard(audio, *range(20))
    audio.answering()
    audio.began(keeps_earlier=True)
    heard(audio, 20, 21)
    assert kept(audio) == list(range(22))
    audio.only_newest()
    assert kept(audio) == list(range(14, 22))


def test_of_two_turns_the_earlier_is_forgotten_first() -> None:
    audio = TurnAudio()
    audio.began()
    heard(audio, *range(20))
    audio.answering()
    audio.began(keeps_earlier=True)
    heard(audio, *range(20, 20 + round(LONGEST_S * 10)))
    before = kept(audio)
    audio.only_newest()
    assert kept(audio) == before and len(before) == LONGEST_S * 10


def test_a_turn_has_no_answer_until_one_is_heard() -> None:
    audio = TurnAudio()
    heard(audio, *range(20))
    assert audio.unanswered_s == 0.0
    audio.began()
    heard(audio, 20, 21)
    assert audio.unanswered_s == LEAD_S + 0.2
    audio.answering()
    assert audio.unanswered_s == 0.0
    heard(audio, *range(22, 30))
    audio.began(keeps_earlier=True)  # over the answer
    heard(audio, 30)
    assert audio.unanswered_s == LEAD_S + 0.1
    assert len(kept(audio)) > LEAD_S * 10 + 1
    audio.settled()
    assert audio.unanswered_s == 0.0
