"""A recogniser that ends segments as it likes, and not at a flush, takes part in a turn."""

from __future__ import annotations

from livekit.plugins.chains import FaultKind

from tests.fakes.coded_stt import quiet, spoken
from tests.fakes.turn_scene import EXACT, OWN, Scene, final, interim, said


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


def test_without_times_an_interim_that_still_grows_does_not_become_final() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one two three"))
    scene.flush()
    scene.wait(0.3)
    scene.says(0, interim("one two three four"))
    scene.wait(0.9)
    assert scene.finals == []
    assert (scene.listening, scene.faults) == ([1], [(0, FaultKind.TIMEOUT)])


def late_without_times(text: str = "one") -> Scene:
    """Its interim says not how far it goes, and its FINAL is late: the other one hears along."""
    scene = said([OWN, EXACT])
    scene.says(0, interim(text))
    scene.flush()
    scene.wait(1.1)
    assert (scene.finals, scene.listening) == ([], [0, 1])
    return scene


def test_without_times_another_one_that_has_more_words_goes_on() -> None:
    scene = late_without_times()
    scene.says(1, final("one two three"))
    assert (scene.finals, scene.switches) == (["one two three"], [(0, 1)])


def test_without_times_the_late_final_still_counts() -> None:
    scene = late_without_times()
    scene.says(0, final("one two three"))
    assert (scene.finals, scene.listening, scene.faults) == (["one two three"], [0], [])
    assert scene.hedges == [(0, 1, 0)]


def test_without_times_words_that_another_one_confirms_become_final() -> None:
    scene = late_without_times("one two three")
    scene.says(1, final("one two three"))
    scene.wait(0.1)
    assert (scene.finals, scene.listening, scene.faults) == (["one two three"], [0], [])


def test_without_times_and_without_another_opinion_its_words_are_better_than_none() -> None:
    scene = late_without_times()
    scene.wait(2.0)
    assert (scene.finals, scene.turn.is_answered) == (["one"], True)


def test_words_that_come_long_after_the_speech_are_not_waited_for() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one"))
    scene.play(quiet(0.8))
    assert scene.listening == [0, 1]
    scene.says(0, interim("one two"))
    assert scene.listening == [0, 1]
    scene.says(1, interim("one two three", 2.0))
    assert (scene.listening, scene.switches) == ([1], [(0, 1)])
    scene.flush()
    scene.says(1, final("one two three", 2.0))
    assert (scene.finals, scene.turn.is_answered) == (["one two three"], True)


def test_where_another_one_heard_no_more_it_stays_and_is_not_asked_about_again() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one two three"))
    scene.play(quiet(0.8))
    scene.says(1, interim("one two three", 2.0))
    scene.play(quiet(1.5))
    assert (scene.listening, scene.faults) == ([0], [])
    scene.says(0, interim("one two three"))
    scene.play(quiet(1.5))
    assert scene.listening == [0]
    scene.says(0, final("one two three"))
    assert scene.finals == ["one two three"]


def test_while_the_caller_goes_on_or_the_final_comes_nobody_else_is_asked() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one"))
    scene.play(quiet(0.2) + spoken([4]) + quiet(0.3))
    scene.says(0, interim("one two three four"))
    scene.play(quiet(0.5))
    scene.says(0, final("one two three four"))
    scene.play(quiet(2.0))
    assert len(scene.started) == 1


def test_a_stream_that_has_ended_waits_for_the_other_opinion() -> None:
    scene = said([OWN, EXACT])
    scene.says(0, interim("one"))
    scene.flush()
    scene.turn.end()
    scene.turn.closed(scene.open_keys[0], scene.now_s)
    assert (scene.finals, scene.listening) == ([], [0, 1])
    scene.says(1, final("one two three"))
    assert (scene.finals, scene.turn.is_answered) == (["one two three"], True)


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
