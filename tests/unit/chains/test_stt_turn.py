"""A turn decides who listens, and every flush has its FINAL whoever does."""

from __future__ import annotations

import pytest
from livekit.plugins.chains import FaultKind
from livekit.plugins.chains.stt_heard import Heard, HeardKind
from livekit.plugins.chains.stt_stage import AllFailed
from livekit.plugins.speechcore import Word

from tests.fakes.coded_stt import quiet, spoken
from tests.fakes.turn_scene import BROKEN, EXACT, OWN, Scene, final, interim, said


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


def all_die(scene: Scene) -> None:
    for member in (0, 1, 0, 1):
        scene.dies(member)


def test_when_all_fail_in_speech_for_a_moment_no_word_is_lost() -> None:
    scene = said([EXACT, EXACT])
    scene.says(0, interim("one two"))
    scene.flush()
    all_die(scene)
    assert (scene.finals, scene.listening) == ([], [])
    scene.wait(0.6)
    assert scene.listening == [0]
    assert scene.started[-1][1:] == scene.started[1][1:], "the whole turn again, with its flush"
    all_die(scene)
    scene.wait(1.1)
    scene.says(0, final("one two three"))
    assert scene.finals == ["one two three"]


def test_when_all_fail_in_speech_for_long_the_listener_is_told_with_the_words_there_are() -> None:
    scene = said([EXACT, EXACT])
    scene.says(0, interim("one two"))
    all_die(scene)
    for wait_s in (0.6, 1.1):
        scene.wait(wait_s)
        all_die(scene)
    scene.wait(2.1)
    with pytest.raises(AllFailed) as caught:
        all_die(scene)
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


def test_a_member_that_is_not_to_be_tried_any_more_is_left_after_the_turn() -> None:
    scene = said([EXACT, EXACT])
    scene.closed.add(0)
    scene.says(0, interim("one two three"))
    scene.flush()
    assert scene.listening == [0]
    scene.says(0, final("one two three"))
    assert (scene.finals, scene.listening, scene.faults) == (["one two three"], [1], [])
    scene.closed.clear()
    scene.play(spoken([4]) + quiet(0.3))
    scene.flush()
    scene.says(1, final("four"))
    assert scene.listening == [0]
