"""A recogniser that ends segments as it likes, and not at a flush, takes part in a turn."""

from __future__ import annotations

import pytest
from livekit.plugins.chains import FaultKind

from tests.fakes.coded_stt import quiet, spoken
from tests.fakes.turn_scene import EXACT, OWN, final, interim, said


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
