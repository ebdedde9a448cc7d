import math
from typing import Any

import pytest

from agent.turns.endpointing import ClassicPolicy, HazardPolicy, TurnView, VadPolicy
from agent.turns.patience import BUDGETS, Pace


def view(silence_s: float, **others: Any) -> TurnView:
    return TurnView(**{"silence_s": silence_s, "words_quiet_s": silence_s, **others})


def wait_s(policy: HazardPolicy, pace: Pace | None = None, **others: Any) -> float:
    """The silence after which the policy ends the turn, in steps of 10 ms."""
    return next(
        step / 100
        for step in range(1000)
        if policy.is_over(view(step / 100, **others), pace or Pace())
    )


@pytest.mark.parametrize(
    ("policy", "silence_s", "words_quiet_s", "is_over"),
    [
        (VadPolicy(), 0.49, 3, False),
        (VadPolicy(), 0.5, 0, True),
        (ClassicPolicy(), 0.6, 0.4, False),
        (ClassicPolicy(), 0.4, 0.6, False),
        (ClassicPolicy(), 0.5, 0.5, True),
        (ClassicPolicy(), 0.6, None, False),
        (ClassicPolicy(), 1.0, None, True),
    ],
)
def test_simple_policies_follow_their_rule(policy, silence_s, words_quiet_s, is_over) -> None:  # type: ignore[no-untyped-def]
    moment = view(silence_s, words_quiet_s=words_quiet_s)
    assert policy.is_over(moment, Pace()) is is_over


def test_words_that_end_are_answered_at_once_and_unfinished_ones_waited_for() -> None:
    policy = HazardPolicy()
    assert wait_s(policy, end_probability=0.97) == 0.26
    assert wait_s(policy, end_probability=0.02) > 2


def test_the_wait_falls_steadily_with_the_probability_of_an_end() -> None:
    waits = [wait_s(HazardPolicy(), end_probability=tenth / 10) for tenth in range(11)]
    assert waits == sorted(waits, reverse=True)
    assert 0.3 < waits[4] < 1.5


def test_more_patience_waits_longer() -> None:
    eager, normal, patient = (
        wait_s(HazardPolicy(BUDGETS[name]), end_probability=0.3)
        for name in ("eager", "normal", "patient")
    )
    assert eager < normal < patient


def test_the_voice_decides_where_the_words_do_not() -> None:
    falling = wait_s(HazardPolicy(), end_probability=0.3, audio_scores=[0.9, 0.95])
    rising = wait_s(HazardPolicy(), end_probability=0.3, audio_scores=[0.05, 0.1])
    assert falling < wait_s(HazardPolicy(), end_probability=0.3) < rising


@pytest.mark.parametrize(
    ("score", "weight", "logits"),
    [
        (None, 0.5, 0.0),
        (0.5, 0.5, 0.0),
        (0.6, 0.5, 0.203),
        (0.8, 0.5, 0.693),
        (0.95, 0.5, 1.0),
        (1.0, 0.5, 1.0),
        (0.4, 0.5, -0.203),
        (0.2, 0.5, -0.5),
        (0.0, 0.5, -0.5),
        (0.8, 1.0, 1.386),
        (0.99, 2.0, 4.0),
        (0.95, 0.0, 0.0),
    ],
)
def test_a_recognisers_score_moves_the_odds_by_its_weight_and_no_further_than_its_limits(
    score: float | None, weight: float, logits: float
) -> None:
    policy = HazardPolicy(pause_weight=weight)

    def odds_of_an_end(**others: Any) -> float:
        pause = policy.pause_probability(view(0.5, end_probability=0.4, **others), Pace())
        return (1 - pause) / pause

    moved = odds_of_an_end(pause_score=score) / odds_of_an_end()
    assert math.log(moved) == pytest.approx(logits, abs=0.001)


def test_a_recognisers_score_decides_sooner_or_later_where_the_words_are_in_doubt() -> None:
    unsure = {"end_probability": 0.3}
    sure, without, against = (
        wait_s(HazardPolicy(), pause_score=score, **unsure) for score in (0.95, None, 0.05)
    )
    assert 0.26 < sure < without < against
    of_the_model = wait_s(HazardPolicy(), audio_scores=[1.0], **unsure)
    assert of_the_model <= sure, "it counts for no more than the end-of-turn model"
    assert wait_s(HazardPolicy(), end_probability=0.97, pause_score=0.0) < 0.5
    assert wait_s(HazardPolicy(), end_probability=0.02, pause_score=1.0) > 1.5


@pytest.mark.parametrize(
    ("probability", "logits"),
    [
        (None, 0.0),
        (0.05, 0.0),
        (0.2, 0.0),
        (0.5, 0.0),
        (0.6, 0.203),
        (0.75, 0.5),
        (1.0, 0.5),
        (0.03, -0.266),
        (0.01, -0.5),
        (0.0, -0.5),
    ],
)
def test_a_language_model_moves_the_odds_a_little_and_only_where_it_is_sure(
    probability: float | None, logits: float
) -> None:
    def odds_of_an_end(**others: Any) -> float:
        pause = HazardPolicy().pause_probability(view(0.5, end_probability=0.4, **others), Pace())
        return (1 - pause) / pause

    moved = odds_of_an_end(model_probability=probability) / odds_of_an_end()
    assert math.log(moved) == pytest.approx(logits, abs=0.001)


def test_a_language_model_never_decides_against_the_words() -> None:
    for_an_end, without, against = (
        wait_s(HazardPolicy(), end_probability=0.3, model_probability=told)
        for told in (1.0, None, 0.0)
    )
    assert for_an_end < without < against
    assert against - for_an_end < 0.7
    assert wait_s(HazardPolicy(), end_probability=0.97, model_probability=0.0) == 0.26
    assert wait_s(HazardPolicy(), end_probability=0.02, model_probability=1.0) > 2


def test_a_caller_with_long_pauses_is_waited_for_longer() -> None:
    slow, unsure = Pace(), {"end_probability": 0.3}
    for _ in range(6):
        slow.paused(1.6)
    assert wait_s(HazardPolicy(), slow, **unsure) > wait_s(HazardPolicy(), **unsure)


def test_words_still_on_their_way_hold_the_decision() -> None:
    late = view(1.0, end_probability=0.99, words_are_complete=False)
    assert not HazardPolicy().is_over(late, Pace())


def test_a_sound_without_words_ends_after_a_second() -> None:
    assert wait_s(HazardPolicy(), words_quiet_s=None) == 1.0


def test_whoever_dictates_or_thinks_aloud_gets_more_time_and_even_that_ends() -> None:
    whole = {"end_probability": 0.95}
    plain = wait_s(HazardPolicy(), **whole)
    thinking = wait_s(HazardPolicy(), thinks=True, **whole)
    dictating = wait_s(HazardPolicy(), dictates=True, **whole)
    assert plain < thinking < dictating
    assert wait_s(HazardPolicy(0.001), end_probability=0.0, dictates=True) == 2.6


def test_whoever_has_paused_before_in_this_turn_is_waited_for_longer() -> None:
    waits = [wait_s(HazardPolicy(), end_probability=0.5, pauses=count) for count in range(4)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]
