from collections.abc import Sequence

import pytest
from livekit.plugins.simulated.recogniser import Heard, HeardKind, ScriptedRecogniser
from livekit.plugins.simulated.words import Announcements
from livekit.plugins.speechcore import Word

STEP_S = 0.01
INTERIM, PREFLIGHT, FINAL = HeardKind.INTERIM, HeardKind.PREFLIGHT, HeardKind.FINAL
MY_NAME = (Word("my", 0.10, 0.30), Word("name", 0.30, 0.60))


class Call:
    """Speaks into a recogniser and notes what it says and when."""

    def __init__(self, delay_s: float = 0.08) -> None:
        self.announcements = Announcements()
        self.recogniser = ScriptedRecogniser(delay_s, self.announcements)
        self.said: list[tuple[float, HeardKind, str]] = []

    def announce(self, *words: Word) -> None:
        self.announcements.announce(words)

    def note(self, heard: Sequence[Heard]) -> None:
        now_s = round(self.recogniser.heard_s, 6)
        self.said += [(now_s, said.kind, said.text) for said in heard]

    def sound(self, duration_s: float) -> None:
        self.hear(-20.0, duration_s)

    def quiet(self, duration_s: float) -> None:
        self.hear(-60.0, duration_s)

    def hear(self, level_dbfs: float, duration_s: float) -> None:
        for _ in range(round(duration_s / STEP_S)):
            self.note(self.recogniser.hear(level_dbfs, STEP_S))

    def flush(self) -> None:
        self.recogniser.flush(self.recogniser.heard_s)

    def finals(self) -> list[str]:
        return [text for _, kind, text in self.said if kind is FINAL]


def at(time_s: float) -> object:
    return pytest.approx(time_s, abs=STEP_S + 1e-6)


def test_words_appear_the_delay_after_their_end_and_the_quiet_makes_them_final() -> None:
    call = Call()
    call.quiet(1.0)
    call.announce(*MY_NAME)
    call.sound(0.5)
    call.quiet(1.0)
    assert call.said == [
        (at(1.28), INTERIM, "my"),  # it ends 0.20 s after the onset
        (at(1.58), INTERIM, "my name"),
        (at(1.62), PREFLIGHT, "my name"),
        (at(1.70), FINAL, "my name"),
    ]


def test_a_preflight_waits_for_words_that_are_yet_to_appear() -> None:
    call = Call(delay_s=0.3)
    call.announce(*MY_NAME)
    call.sound(0.5)
    call.quiet(1.0)
    assert call.said[1:] == [
        (at(0.80), INTERIM, "my name"),
        (at(0.80), PREFLIGHT, "my name"),
        (at(1.10), FINAL, "my name"),
    ]


def test_inner_pauses_never_align_the_words_anew() -> None:
    call = Call()
    call.announce(Word("one", 0.0, 0.3), Word("two", 1.3, 1.6))
    call.sound(0.3)
    call.quiet(0.6)
    call.sound(0.7)  # earlier than the word: a breath, say
    call.quiet(0.5)
    assert (at(1.68), INTERIM, "two") in call.said
    assert call.finals() == ["one", "two"]


def test_speech_that_comes_back_in_time_takes_the_final_back() -> None:
    call = Call()
    call.announce(Word("one", 0.0, 0.3), Word("two", 0.46, 0.8))
    call.sound(0.3)
    call.quiet(0.14)
    call.sound(0.36)
    call.quiet(0.5)
    kinds = [(kind, text) for _, kind, text in call.said]
    assert kinds == [
        (INTERIM, "one"),
        (PREFLIGHT, "one"),
        (INTERIM, "one two"),
        (PREFLIGHT, "one two"),
        (FINAL, "one two"),
    ]


def test_a_breath_after_a_preflight_gives_no_second_one_of_the_same_words() -> None:
    call = Call()
    call.announce(Word("one", 0.0, 0.3), Word("two", 3.0, 3.3))
    call.sound(0.3)
    call.quiet(0.14)
    call.sound(0.1)
    call.quiet(0.5)
    kinds = [(kind, text) for _, kind, text in call.said]
    assert kinds == [(INTERIM, "one"), (PREFLIGHT, "one"), (FINAL, "one")]


def test_words_of_the_future_are_not_revealed_however_late_the_clock() -> None:
    call = Call()
    call.announce(*MY_NAME)
    call.sound(0.25)
    call.note(call.recogniser.advance(1000.0))
    assert [text for _, _, text in call.said] == ["my"]


def test_delays_end_also_when_no_audio_comes() -> None:
    call = Call()
    call.announce(*MY_NAME)
    call.sound(0.5)
    call.quiet(0.12)
    assert call.finals() == []
    due_s = call.recogniser.next_due_s
    assert due_s == at(0.70)
    call.note(call.recogniser.advance(0.71))
    assert call.finals() == ["my name"]
    assert call.recogniser.next_due_s is None


def test_a_flush_makes_final_what_was_said_until_then() -> None:
    call = Call()
    call.announce(Word("one", 0.0, 0.3), Word("two", 0.3, 0.6))
    call.sound(0.35)
    call.flush()
    call.sound(0.25)
    call.quiet(0.5)
    assert [said for said in call.said if said[1] is FINAL] == [
        (at(0.43), FINAL, "one"),
        (at(0.80), FINAL, "two"),
    ]


def test_no_text_is_final_twice() -> None:
    call = Call()
    call.announce(*MY_NAME)
    call.sound(0.5)
    call.flush()
    call.quiet(0.15)
    call.flush()
    call.quiet(0.5)
    call.flush()
    call.quiet(0.5)
    assert call.finals() == ["my name", "", ""]


def test_a_flush_just_before_the_quiet_final_does_not_put_it_off() -> None:
    call = Call()
    call.announce(*MY_NAME)
    call.sound(0.5)
    call.quiet(0.16)
    call.flush()
    call.quiet(0.5)
    assert [said for said in call.said if said[1] is FINAL] == [(at(0.70), FINAL, "my name")]


def test_the_next_utterance_waits_for_the_one_being_said() -> None:
    call = Call()
    call.announce(Word("one", 0.0, 0.3), Word("two", 1.0, 1.3))
    call.sound(0.3)
    call.announce(Word("three", 0.2, 0.5))
    call.quiet(0.7)
    call.sound(0.3)
    call.quiet(1.0)
    call.sound(0.3)
    call.quiet(0.5)
    assert call.finals() == ["one", "two", "three"]
    assert (at(2.68), INTERIM, "three") in call.said


def test_without_a_packet_words_are_made_up_as_long_as_there_is_sound() -> None:
    call = Call()
    call.quiet(0.5)
    call.sound(1.7)
    call.quiet(1.0)
    (final,) = call.finals()
    assert len(final.split()) == 4  # 2.5 a second
    assert call.said[0][:2] == (at(0.98), INTERIM)


def test_a_cough_is_too_short_for_a_word() -> None:
    call = Call()
    call.sound(0.3)
    call.quiet(1.0)
    assert call.said == []


def test_an_announced_noise_has_no_words() -> None:
    call = Call()
    call.announce()
    call.sound(2.0)
    call.quiet(1.0)
    assert call.said == []
    call.announce(*MY_NAME)
    call.sound(0.5)
    call.quiet(0.5)
    assert call.finals() == ["my name"]


def test_a_packet_that_comes_right_after_the_onset_is_lined_up_with_it() -> None:
    call = Call()
    call.quiet(1.0)
    call.sound(0.1)
    call.announce(*MY_NAME)
    call.sound(0.4)
    call.quiet(0.5)
    assert call.said[0] == (at(1.28), INTERIM, "my")
    assert call.finals() == ["my name"]


def test_a_packet_in_a_noise_that_goes_on_is_lined_up_with_its_arrival() -> None:
    call = Call()
    call.sound(1.0)
    call.announce(*MY_NAME)
    call.sound(2.0)
    last = next(said for said in call.said if said[2].endswith("my name"))
    assert last[0] == at(1.0 + 0.5 + 0.08)


def test_words_that_end_after_the_sound_are_preflighted_and_final_as_well() -> None:
    call = Call()
    call.announce(Word("one", 0.0, 0.3), Word("two", 0.3, 0.6))
    call.sound(0.35)  # the last word fades away
    call.quiet(1.0)
    assert [(kind, text) for _, kind, text in call.said] == [
        (INTERIM, "one"),
        (PREFLIGHT, "one"),
        (FINAL, "one"),
        (INTERIM, "two"),
        (PREFLIGHT, "two"),
        (FINAL, "two"),
    ]


def test_a_recogniser_without_delay_is_at_once() -> None:
    call = Call(delay_s=0.0)
    call.announce(*MY_NAME)
    call.sound(0.5)
    call.quiet(0.5)
    assert call.said == [
        (at(0.20), INTERIM, "my"),
        (at(0.50), INTERIM, "my name"),
        (at(0.62), PREFLIGHT, "my name"),
        (at(0.62), FINAL, "my name"),
    ]
