"""Clauses get as long as a TTS of the measured speed allows."""

from __future__ import annotations

import random

import pytest
from livekit.plugins.speechcore.text import Break

from agent.speech.planner import ClausePlanner, Cost, Synthesis


def engine(
    rtf: float, *, overhead_s: float = 0.05, is_streaming: bool = False, count: int = 20
) -> ClausePlanner:
    """What is known of an engine after some clauses of different lengths."""
    planner = ClausePlanner()
    random_ = random.Random(3)
    for _ in range(count):
        audio_s = random_.uniform(0.4, 6.0)
        took_s = overhead_s + rtf * audio_s
        first_s = overhead_s + rtf * 0.1 if is_streaming else took_s
        planner.observe(
            Synthesis(chars=round(14 * audio_s), first_s=first_s, took_s=took_s, audio_s=audio_s)
        )
    return planner


@pytest.mark.parametrize(("fixed_s", "per_s"), [(0.05, 0.3), (0.4, 0.0), (0.0, 1.5)])
def test_it_learns_what_is_fixed_and_what_grows_with_the_length(
    fixed_s: float, per_s: float
) -> None:
    cost = Cost(1.0, 1.0)
    for audio_s in (0.5, 3.0, 1.0, 5.0, 2.0):
        cost.add(audio_s, fixed_s + per_s * audio_s)
    assert cost.fixed_s == pytest.approx(fixed_s, abs=1e-6)
    assert cost.per_s == pytest.approx(per_s, abs=1e-6)
    assert cost.of(4.0) == pytest.approx(fixed_s + 4 * per_s)


def test_clauses_of_one_length_tell_nothing_of_what_is_fixed() -> None:
    cost = Cost(1.0, 1.0)
    for _ in range(5):
        cost.add(2.0, 1.0)
    assert (cost.fixed_s, cost.per_s) == pytest.approx((0.0, 0.5))


def test_neither_cost_is_ever_negative() -> None:
    random_ = random.Random(5)
    cost = Cost(0.0, 0.0)
    for _ in range(200):
        cost.add(random_.uniform(0.1, 6), random_.uniform(0.01, 3))
        assert cost.fixed_s >= -1e-9 and cost.per_s >= 0


def test_an_engine_that_becomes_slow_is_noticed_within_a_few_clauses() -> None:
    cost = Cost(0.05, 0.1)
    for audio_s in (1, 3, 2, 4) * 5:
        cost.add(audio_s, 0.1 * audio_s)
    for audio_s in (1, 3, 2, 4) * 2:
        cost.add(audio_s, 0.9 * audio_s)
    assert cost.of(3.0) > 0.6 * 2.7


def test_the_first_clause_of_a_fast_engine_is_one_word() -> None:
    assert engine(0.05).first_length().shortest(Break.SENTENCE) == 4
    assert ClausePlanner().first_length().shortest(Break.SENTENCE) == 4


def test_the_slower_the_engine_the_longer_its_first_clause() -> None:
    shortest = [engine(rtf).first_length().sentence_chars for rtf in (0.1, 0.3, 0.6, 0.9, 1.5)]
    assert shortest == sorted(shortest)
    assert shortest[0] < shortest[2] < shortest[-1] <= 80


def test_a_first_clause_that_would_take_long_is_cut_between_words_unless_a_gap_followed() -> None:
    longest = {rtf: engine(rtf).first_length().max_chars for rtf in (0.05, 0.3, 1.2)}
    assert longest[0.05] == 80
    assert 30 <= longest[0.3] <= 36
    assert engine(0.3).first.of(longest[0.3] / 14) <= 0.82
    assert longest[1.2] == engine(1.2).first_length().sentence_chars > 30


def test_an_engine_that_gives_audio_as_it_goes_needs_no_long_first_clause() -> None:
    assert engine(0.9, is_streaming=True).first_length().sentence_chars < 10
    assert engine(0.9).first_length().sentence_chars > 25
    assert engine(1.5, is_streaming=True).first_length().sentence_chars > 15


def test_a_clause_that_is_affordable_is_made_before_the_playback_runs_out() -> None:
    for rtf in (0.1, 0.3, 0.6, 0.9):
        planner = engine(rtf)
        for spare_s in (1.0, 2.0, 4.0, 8.0):
            longest = planner.later_length(spare_s).max_chars
            took_s = planner.work.of(longest / planner.chars_per_s)
            assert took_s <= spare_s or longest == 40


def test_lengths_are_always_in_order_and_bounded() -> None:
    for rtf in (0.0, 0.01, 0.5, 1.0, 3.0):
        planner = engine(rtf)
        for length in [planner.first_length(), *map(planner.later_length, (-5.0, 0.0, 1.0, 99.0))]:
            assert 4 <= length.sentence_chars <= length.comma_chars
            assert length.sentence_chars <= length.max_chars <= 220


@pytest.mark.parametrize(
    ("rtf", "parallel"), [(0.0, 3), (0.1, 3), (0.3, 3), (0.45, 2), (0.9, 1), (2.0, 1)]
)
def test_only_so_many_are_made_at_once_that_each_keeps_ahead(rtf: float, parallel: int) -> None:
    assert engine(rtf).parallel == parallel


def test_text_is_waited_for_as_long_as_there_is_something_to_play() -> None:
    planner = engine(0.5)
    assert planner.patience_s(0.0, 30) == 0.0
    assert planner.patience_s(5.0, 28) == pytest.approx(5.0 - 0.05 - 0.5 * 2.0 - 0.1, abs=0.05)


def test_a_synthesis_without_sound_teaches_nothing() -> None:
    planner = ClausePlanner()
    planner.observe(Synthesis(chars=0, first_s=9.0, took_s=9.0, audio_s=1.0))
    planner.observe(Synthesis(chars=9, first_s=9.0, took_s=9.0, audio_s=0.0))
    assert planner == ClausePlanner()


def test_the_pace_of_a_voice_is_learnt_within_limits() -> None:
    planner = ClausePlanner()
    for _ in range(50):
        planner.observe(Synthesis(chars=1000, first_s=0.1, took_s=0.1, audio_s=1.0))
    assert planner.chars_per_s == pytest.approx(30, abs=0.1)
