"""A turn decides who listens: table tests with scripted members, where time is what the test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from livekit.plugins.chains import Fault, FaultKind
from livekit.plugins.chains.stt_audio import TurnAudio
from livekit.plugins.chains.stt_ear import Traits
from livekit.plugins.chains.stt_heard import Heard, HeardKind
from livekit.plugins.chains.stt_stage import AllFailed
from livekit.plugins.chains.stt_turn import Turn
from livekit.plugins.speechcore import Word

from tests.fakes.coded_stt import RATE_HZ, noise_sound, quiet, spoken

EXACT = Traits(1.0)
OWN = Traits(1.0, answers_flush=False)
BATCH = Traits(1.0, has_partials=False)
BROKEN = Fault(FaultKind.UNREACHABLE, "it is gone")
STEP_S = 0.05


def final(text: str, end_s: float | None = None) -> Heard:
    return Heard(HeardKind.FINAL, text, (), end_s)


def interim(text: str, end_s: float | None = None) -> Heard:
    return Heard(HeardKind.INTERIM, text, (), end_s)


@dataclass
class Scene:
    """Is the `Stage`, plays audio in real time, and remembers."""

    members: Sequence[Traits]
    closed: set[int] = field(default_factory=set)
    """Members whose breaker is open."""
    started: list[tuple[int, float, tuple[float, ...]]] = field(default_factory=list)
    open_keys: dict[int, int] = field(default_factory=dict)
    given: list[Heard] = field(default_factory=list)
    faults: list[tuple[int, FaultKind]] = field(default_factory=list)
    switches: list[tuple[int, int | None]] = field(default_factory=list)
    hedges: list[tuple[int, int, int]] = field(default_factory=list)
    praised: list[int] = field(default_factory=list)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.audio = TurnAudio()
        self.turn = Turn(self.members, self.audio, self)
        self.turn.begin(0.0)

    def start(self, key: int, member: int, from_s: float, flushes: Sequence[float]) -> None:
        self.started.append((member, round(from_s, 2), tuple(round(at, 2) for at in flushes)))
        self.open_keys[member] = key

    def drop(self, key: int) -> None:
        self.open_keys = {m: k for m, k in self.open_keys.items() if k != key}

    def give(self, heard: Heard) -> None:
        self.given.append(heard)

    def may_try(self, member: int) -> bool:
        return member not in self.closed

    def is_hopeless(self, member: int) -> bool:
        return False

    def succeeded(self, member: int) -> None:
        self.praised.append(member)

    def failed(self, member: int, fault: Fault) -> None:
        self.faults.append((member, fault.kind))

    def switched(self, source: int, to: int | None, fault: Fault, audio_s: float) -> None:
        self.switches.append((source, to))

    def hedged(self, first: int, second: int, winner: int, audio_s: float) -> None:
        self.hedges.append((first, second, winner))

    def play(self, pcm: bytes) -> None:
        step = round(STEP_S * RATE_HZ) * 2
        for place in range(0, len(pcm), step):
            self.turn.pushed(pcm[place : place + step], RATE_HZ, self.now_s)
            self.wait(STEP_S)

    def wait(self, duration_s: float) -> None:
        end_s = self.now_s + duration_s
        while (due_s := self.turn.due_s) is not None and due_s <= end_s:
            self.now_s = max(self.now_s, due_s)
            self.turn.tick(self.now_s)
        self.now_s = end_s

    def flush(self) -> bool:
        return self.turn.flushed(self.now_s)

    def says(self, member: int, heard: Heard) -> None:
        self.turn.heard(self.open_keys[member], heard, self.now_s)

    def dies(self, member: int, fault: Fault = BROKEN) -> None:
        self.turn.lost(self.open_keys[member], fault, self.now_s)

    @property
    def texts(self) -> list[str]:
        return [f"{heard.kind.value}: {heard.text}".strip() for heard in self.given]

    @property
    def finals(self) -> list[str]:
        return [heard.text for heard in self.given if heard.kind is HeardKind.FINAL]

    @property
    def listening(self) -> list[int]:
        return sorted(self.open_keys)


def said(members: Sequence[Traits], *, words: int = 3, after_s: float = 0.3) -> Scene:
    """A second of quiet, some words and quiet again."""
    scene = Scene(members)
    scene.play(quiet(1.0) + spoken(range(words)) + quiet(after_s))
    return scene


def test_a_healthy_member_is_given_on_as_it_is() -> None:
    scene = said([EXACT, EXACT])
    scene.says(0, interim("one"))
    scene.says(0, Heard(HeardKind.PREFLIGHT, "one two"))
    scene.flush()
    scene.says(0, final("one two"))
    assert scene.texts == ["interim: one", "preflight: one two", "final: one two"]
    assert (scene.praised, scene.started) == ([0], [(0, 0.0, ())])
    assert scene.turn.is_answered


def test_an_open_breaker_is_passed_over() -> None:
    scene = Scene([EXACT, EXACT], closed={0})
    assert scene.listening == [1]


def test_a_death_lets_the_next_hear_the_turn_with_its_flushes() -> None:
    scene = said([EXACT, EXACT])
    scene.says(0, interim("one"))
    scene.flush()
    flushed_s = scene.audio.end_s
    scene.dies(0)
    assert scene.started[-1] == (1, pytest.approx(0.66, abs=0.05), (round(flushed_s, 2),))
    scene.says(1, final("one two three"))
    assert scene.finals == ["one two three"]
    assert scene.switches == [(0, 1)]


def test_what_is_final_is_not_replayed() -> None:
    scene = said([EXACT, EXACT])
    scene.flush()
    flushed_s = scene.audio.end_s
    scene.says(0, final("one two three"))
    scene.play(spoken([4]))
    scene.dies(0)
    assert scene.started[-1][1] == pytest.approx(flushed_s, abs=0.01)


def test_after_the_turn_the_preferred_member_is_back() -> None:
    scene = said([EXACT, EXACT])
    scene.dies(0)
    scene.flush()
    scene.says(1, final("one"))
    assert scene.listening == [0]


def test_while_its_breaker_is_open_the_other_one_stays() -> None:
    scene = said([EXACT, EXACT])
    scene.dies(0)
    scene.closed.add(0)
    for _ in range(2):
        scene.flush()
        scene.says(1, final("one"))
        assert scene.listening == [1]
        scene.play(quiet(0.1))
    scene.closed.clear()
    scene.play(spoken([1]))
    scene.flush()
    scene.says(1, final("two"))
    assert scene.listening == [0]


def test_a_member_stays_while_somebody_goes_on_speaking() -> None:
    scene = said([EXACT, EXACT])
    scene.dies(0)
    scene.flush()
    scene.play(spoken([7]))
    scene.says(1, final("one"))
    assert scene.listening == [1]


def test_a_flush_without_a_final_is_a_fault_at_the_deadline() -> None:
    scene = said([EXACT, EXACT])
    scene.says(0, interim("one"))
    scene.flush()
    scene.wait(0.95)
    assert scene.listening == [0]
    scene.wait(0.1)
    assert (scene.listening, scene.faults) == ([1], [(0, FaultKind.TIMEOUT)])


def test_a_newcomer_has_more_time_for_what_it_has_to_catch_up_with() -> None:
    scene = said([EXACT, EXACT, EXACT], words=12)
    scene.flush()
    scene.dies(0)
    replayed_s = scene.audio.end_s - scene.started[-1][1]
    scene.wait(1.0 + replayed_s / 4 - 0.05)
    assert scene.listening == [1]
    scene.wait(0.1)
    assert scene.listening == [2]


def test_silence_is_no_fault_however_long_it_is() -> None:
    scene = Scene([EXACT, EXACT])
    scene.play(quiet(20.0))
    assert scene.flush()
    scene.wait(5.0)
    assert scene.finals == [""]
    assert not scene.faults
    assert scene.listening == [0]


def test_a_flush_of_nothing_new_is_none() -> None:
    scene = Scene([EXACT])
    assert not scene.flush()
    scene.play(quiet(0.5))
    assert scene.flush()
    assert not scene.flush()


def test_a_member_silent_in_speech_is_compared_with_the_next() -> None:
    scene = said([EXACT, EXACT], words=6, after_s=1.0)
    assert scene.listening == [0, 1]
    scene.says(1, interim("one two"))
    assert scene.listening == [1]
    assert scene.faults == [(0, FaultKind.TIMEOUT)]
    assert scene.texts == ["interim: one two"]


def test_the_first_to_speak_of_two_is_kept() -> None:
    scene = said([EXACT, EXACT], words=6, after_s=1.0)
    scene.says(0, interim("one two"))
    assert (scene.listening, scene.faults, scene.hedges) == ([0], [], [(0, 1, 0)])


def test_where_neither_hears_a_word_it_was_a_noise() -> None:
    scene = Scene([EXACT, EXACT])
    scene.play(quiet(1.0) + noise_sound(1.0) + quiet(4.0))
    assert (scene.listening, scene.faults, len(scene.started)) == ([0], [], 2)


def test_a_member_that_stops_in_mid_turn_is_overtaken_by_who_hears_more() -> None:
    scene = said([EXACT, EXACT], words=1)
    scene.says(0, interim("one"))
    scene.play(spoken(range(2, 6)))
    scene.wait(1.0)
    assert scene.listening == [0, 1]
    scene.says(1, interim("one"))
    assert scene.faults == []
    scene.says(1, interim("one two"))
    assert (scene.faults, scene.switches) == ([(0, FaultKind.TIMEOUT)], [(0, 1)])
    assert scene.texts == ["interim: one", "interim: one two"]


def test_a_member_whose_words_come_ever_later_is_overtaken_though_they_grow() -> None:
    scene = said([EXACT, EXACT], words=1)
    for count in range(1, 8):
        text = " ".join(map(str, range(count)))
        scene.says(0, interim(text, 1.0 + 0.1 * count))
        scene.play(spoken([count]))
    assert scene.listening == [0, 1]
    scene.says(1, interim("0 1 2 3 4 5 6 7", scene.now_s))
    assert (scene.listening, scene.switches) == ([1], [(0, 1)])


def test_a_noise_after_the_words_is_not_the_members_fault() -> None:
    scene = said([EXACT, EXACT], words=1)
    scene.says(0, interim("one"))
    scene.play(noise_sound(1.0))
    scene.wait(1.0)
    assert scene.listening == [0, 1]
    scene.says(1, interim("one"))
    scene.wait(3.0)
    assert (scene.faults, scene.listening) == ([], [0])
    assert scene.hedges == [(0, 1, 0)]


def test_a_member_without_interims_is_not_asked_before_the_flush() -> None:
    scene = said([EXACT, BATCH], words=6, after_s=2.0)
    assert scene.listening == [0]
    scene.flush()
    scene.says(0, final(""))
    assert scene.listening == [0, 1]
    scene.says(1, final("one two"))
    assert (scene.finals, scene.faults) == (["one two"], [(0, FaultKind.OTHER)])


def test_an_empty_final_for_clear_speech_is_checked_once_and_stands_if_confirmed() -> None:
    scene = said([EXACT, EXACT])
    scene.flush()
    scene.says(0, final(""))
    assert (scene.finals, scene.listening) == ([], [0, 1])
    scene.says(0, interim("meanwhile"))
    scene.says(1, final(""))
    assert scene.texts == ["final:", "interim: meanwhile"]
    assert (scene.faults, scene.listening) == ([], [0])


def test_a_short_sound_without_words_is_not_checked() -> None:
    scene = said([EXACT, EXACT], words=1)
    scene.flush()
    scene.says(0, final(""))
    assert (scene.finals, scene.listening) == ([""], [0])


def test_if_the_one_asked_fails_a_third_is() -> None:
    scene = said([EXACT, EXACT, EXACT])
    scene.flush()
    scene.says(0, final(""))
    scene.dies(1)
    assert scene.listening == [0, 2]
    scene.wait(4.0)
    assert (scene.finals, scene.listening) == ([""], [0])
    assert scene.faults == [
        (1, FaultKind.UNREACHABLE),
        (2, FaultKind.TIMEOUT),
        (1, FaultKind.TIMEOUT),
    ]


def test_if_the_one_asked_says_nothing_at_all_a_third_is() -> None:
    scene = said([EXACT, OWN, EXACT])
    scene.flush()
    scene.says(0, final(""))
    scene.wait(1.6)
    assert (scene.listening, scene.hedges) == ([0, 2], [(0, 1, 0)])
    scene.says(2, final("one two three"))
    assert (scene.finals, scene.faults) == (["one two three"], [(0, FaultKind.OTHER)])


def test_the_last_words_of_a_dead_member_are_better_than_none() -> None:
    scene = said([EXACT, EXACT], words=1)
    scene.says(0, interim("yes"))
    scene.flush()
    scene.dies(0)
    scene.says(1, final(""))
    assert scene.finals == ["yes"]


def test_a_word_that_turns_out_to_be_none_is_taken_back_before_the_empty_final() -> None:
    scene = said([EXACT], words=1)
    scene.says(0, interim("uh"))
    scene.flush()
    scene.says(0, final(""))
    assert scene.texts == ["interim: uh", "interim:", "final:"]


def test_a_member_that_ends_segments_as_it_likes_is_waited_for() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one two three", 2.0))
    scene.flush()
    scene.wait(0.3)
    scene.says(0, final("one two three", 2.0))
    assert (scene.finals, scene.turn.is_answered, scene.faults) == (["one two three"], True, [])


def test_its_interim_becomes_final_and_is_not_said_again() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one two three", 2.0))
    scene.flush()
    scene.wait(0.5)
    assert (scene.finals, scene.turn.is_answered) == (["one two three"], True)
    scene.says(0, final("One two three.", 2.0))
    assert scene.finals == ["one two three"]
    scene.play(spoken([4]) + quiet(0.3))
    scene.flush()
    scene.says(0, final("four", scene.audio.end_s - 0.4))
    assert scene.finals == ["one two three", "four"]
    assert not scene.faults


def test_an_interim_that_lacks_the_last_words_does_not_become_final() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one", 1.25))
    scene.flush()
    scene.wait(1.1)
    assert (scene.finals, scene.listening) == ([], [1])
    assert scene.faults == [(0, FaultKind.TIMEOUT)]


@pytest.mark.parametrize(("is_growing", "finals"), [(False, ["one two three"]), (True, [])])
def test_without_times_an_interim_that_still_grows_does_not_become_final(
    is_growing: bool, finals: list[str]
) -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one two three"))
    scene.flush()
    scene.wait(0.3)
    if is_growing:
        scene.says(0, interim("one two three four"))
    scene.wait(0.9)
    assert scene.finals == finals
    assert scene.listening == [int(is_growing)]


def test_its_own_finals_need_no_flush_and_a_flush_after_them_is_answered_at_once() -> None:
    scene = said([OWN, EXACT], after_s=0.5)
    scene.says(0, final("one two three", 1.9))
    scene.flush()
    assert (scene.finals, scene.turn.is_answered) == (["one two three", ""], True)


def test_without_any_word_of_it_the_next_one_is_asked() -> None:
    scene = said([OWN, EXACT], words=2)
    scene.flush()
    scene.wait(1.1)
    assert scene.listening == [0, 1]
    scene.says(1, final("yes"))
    assert (scene.finals, scene.faults) == (["yes"], [(0, FaultKind.OTHER)])


def test_when_all_fail_in_speech_the_listener_is_told_with_the_words_there_are() -> None:
    scene = said([EXACT, EXACT])
    scene.says(0, interim("one two"))
    scene.dies(0)
    scene.dies(1)
    scene.dies(0)
    with pytest.raises(AllFailed) as caught:
        scene.dies(1)
    assert len(caught.value.faults) == 4
    assert scene.finals == ["one two"]
    assert scene.switches[-1] == (1, None)


def test_when_all_fail_in_silence_they_are_tried_again_by_and_by() -> None:
    scene = Scene([EXACT])
    scene.play(quiet(0.5))
    scene.flush()
    scene.dies(0)
    scene.dies(0)
    assert (scene.finals, scene.listening) == ([""], [])
    scene.wait(0.6)
    assert scene.listening == [0]
    scene.dies(0)
    scene.dies(0)
    scene.play(quiet(0.5))
    assert scene.listening == []
    scene.play(spoken([1]))
    assert scene.listening == [0]
    scene.flush()
    scene.says(0, final("one"))
    assert scene.finals == ["", "one"]


def test_of_a_turn_longer_than_what_is_kept_the_beginning_is_in_the_words() -> None:
    scene = Scene([EXACT, EXACT])
    scene.play(quiet(1.0))
    for number in range(100):
        scene.play(spoken([number % 20]))
    words = tuple(Word(str(n), 1.0 + n * 0.34, 1.24 + n * 0.34) for n in range(98))
    heard = Heard(HeardKind.INTERIM, " ".join(w.text for w in words), words, words[-1].end_s)
    scene.says(0, heard)
    scene.dies(0)
    kept_s = scene.audio.end_s - 30.0
    lost = [word for word in words if word.start_s < kept_s]
    assert scene.finals == [" ".join(word.text for word in lost)]
    assert scene.started[-1][1] == pytest.approx(max(kept_s, lost[-1].end_s), abs=0.05)


def test_speech_begins_and_ends_once_whoever_says_so() -> None:
    scene = said([OWN, OWN])
    scene.says(0, Heard(HeardKind.STARTED))
    scene.dies(0)
    scene.says(1, Heard(HeardKind.STARTED))
    scene.says(1, Heard(HeardKind.ENDED))
    scene.says(1, Heard(HeardKind.ENDED))
    assert [heard.kind for heard in scene.given] == [HeardKind.STARTED, HeardKind.ENDED]


def test_speech_ends_with_the_turn_if_the_next_member_does_not_tell() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, Heard(HeardKind.STARTED))
    scene.dies(0)
    scene.flush()
    scene.says(1, final("one"))
    assert [heard.kind for heard in scene.given][-1] is HeardKind.ENDED


def test_who_was_dropped_is_not_heard_any_more() -> None:
    scene = said([EXACT, EXACT])
    key = scene.open_keys[0]
    scene.dies(0)
    scene.turn.heard(key, final("late"), scene.now_s)
    scene.turn.lost(key, BROKEN, scene.now_s)
    assert (scene.given, scene.listening) == ([], [1])
