"""Moshi's words go with its sound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.moshi.captions import Caption, Captions

FRAME_S, FRAME_MS = 0.08, 80
LOUD, QUIET = -25.0, -66.0


def play(captions: Captions, levels: list[float], at_ms: int = 0) -> list[Caption]:
    return [
        given
        for number, level in enumerate(levels)
        for given in captions.sound(level, at_ms + number * FRAME_MS, FRAME_S)
    ]


def test_a_word_that_comes_before_its_sound_waits_for_it() -> None:
    captions = Captions()
    play(captions, [QUIET] * 10)
    assert captions.word(" hello", 800) == []
    assert play(captions, [QUIET, LOUD], 800) == [Caption(" hello", 880)]


def test_the_first_word_begins_with_the_sound_and_the_others_where_they_came() -> None:
    captions = Captions()
    play(captions, [LOUD] * 3)
    assert captions.word(" one", 240) == [Caption(" one", 0)]
    play(captions, [LOUD] * 2, 240)
    assert captions.word(" two", 400) == [Caption(" two", 400)]


def test_each_thing_that_is_said_has_a_first_word() -> None:
    captions = Captions()
    play(captions, [LOUD] * 3)
    captions.word(" one", 240)
    play(captions, [QUIET] * 10, 240)
    play(captions, [LOUD] * 3, 1040)
    assert captions.word(" two", 1280) == [Caption(" two", 1040)]


def test_words_without_any_sound_are_dropped() -> None:
    captions = Captions()
    captions.word(" nothing", 0)
    play(captions, [QUIET] * 20)
    assert play(captions, [LOUD], 1600) == []


def test_closing_it_drops_what_waits() -> None:
    captions = Captions()
    captions.word(" lost", 0)
    captions.close()
    assert play(captions, [LOUD]) == []


@given(st.lists(st.tuples(st.sampled_from([LOUD, QUIET]), st.booleans()), max_size=100))
def test_words_come_in_their_order_and_never_outside_of_sound(
    steps: list[tuple[float, bool]],
) -> None:
    captions = Captions()
    given: list[Caption] = []
    for number, (level, has_word) in enumerate(steps):
        came = captions.sound(level, number * FRAME_MS, FRAME_S)
        if has_word:
            came += captions.word(f" {number}", (number + 1) * FRAME_MS)
        assert not came or captions.gate.is_open
        given += came
    assert [int(it.text) for it in given] == sorted(int(it.text) for it in given)
    assert [it.at_ms for it in given] == sorted(it.at_ms for it in given)
