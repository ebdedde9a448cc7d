"""Where a recogniser hears nothing, another one is asked whether there was a word."""

from __future__ import annotations

from livekit.plugins.chains import FaultKind

from tests.fakes.coded_stt import noise_sound, quiet, spoken
from tests.fakes.turn_scene import BATCH, EXACT, OWN, Scene, final, interim, said


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


def test_one_that_is_alone_is_asked_by_another_stream_when_it_gets_stuck() -> None:
    scene = said([EXACT], words=1)
    scene.says(0, interim("one"))
    scene.play(spoken(range(2, 6)))
    scene.wait(1.0)
    assert len(scene.started) == 2
    scene.says(0, interim("one two"))  # the newer stream does
    assert scene.texts == ["interim: one", "interim: one two"]
    assert (scene.switches, scene.faults) == ([(0, 0)], [(0, FaultKind.TIMEOUT)])


def test_one_that_is_alone_is_not_asked_again_about_an_empty_final() -> None:
    scene = said([EXACT], words=3)
    scene.flush()
    scene.says(0, final(""))
    assert (scene.finals, len(scene.started)) == ([""], 1)
