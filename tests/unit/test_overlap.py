import itertools
from dataclasses import dataclass, field

import pytest

from agent.turns.overlap import Heard, Move, OverlapPolicy, OverlapView, Phase

STEP_S = 0.02


@dataclass
class Overlap:
    """A sound over the agent's speech, played to the policy in steps of 20 ms."""

    policy: OverlapPolicy = field(default_factory=OverlapPolicy)
    phase: Phase = Phase.SPEAKING
    now_s: float = 0.0
    moves: list[tuple[float, Move]] = field(default_factory=list)

    def play(
        self,
        seconds: float,
        sound_s: float,
        words: dict[float, Heard] | None = None,
        *,
        is_far: bool = False,
        is_echo: bool = False,
    ) -> "Overlap":
        """`words`: what is heard from which second on."""
        for step in range(round(seconds / STEP_S)):
            at_s = step * STEP_S
            heard: Heard = "none"
            for from_s, said in (words or {}).items():
                heard = said if at_s >= from_s - 1e-9 else heard
            move = self.policy.process(
                OverlapView(
                    phase=self.phase,
                    is_sounding=at_s < sound_s,
                    sound_s=min(at_s, sound_s),
                    silence_s=max(0.0, at_s - sound_s),
                    heard=heard,
                    is_far=is_far,
                    is_echo=is_echo,
                )
            )
            if move is not None:
                self.moves.append((round(self.now_s + at_s, 2), move))
        self.now_s += seconds
        return self

    @property
    def kinds(self) -> list[Move]:
        return [move for _, move in self.moves]


def test_a_backchannel_is_ducked_for_and_ignored() -> None:
    overlap = Overlap().play(2, 0.5, {0.6: "backchannel"})
    assert overlap.moves == [(0.0, Move.DUCK), (0.9, Move.IGNORE)]


def test_the_first_word_of_a_turn_gets_the_floor() -> None:
    overlap = Overlap().play(2, 1.5, {0.36: "content"})
    assert overlap.moves == [(0.0, Move.DUCK), (0.36, Move.YIELD)]


def test_a_backchannel_that_goes_on_into_a_turn_gets_the_floor_at_once() -> None:
    overlap = Overlap().play(2, 1.5, {0.4: "backchannel", 0.7: "content"})
    assert overlap.moves[-1] == (0.7, Move.YIELD)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.SPEAKING])
def test_a_cough_is_ducked_for_and_ignored(phase: Phase) -> None:
    assert Overlap(phase=phase).play(1.5, 0.6).kinds == [Move.DUCK, Move.IGNORE]


def test_before_the_answer_sounds_a_cough_only_holds_it() -> None:
    overlap = Overlap(phase=Phase.THINKING).play(2, 0.6)
    assert overlap.moves == [(0.0, Move.HOLD), (1.0, Move.IGNORE)]


@pytest.mark.parametrize("phase", [Phase.THINKING, Phase.STARTING, Phase.SPEAKING])
def test_a_noise_without_end_is_given_up_once_and_stops_nothing(phase: Phase) -> None:
    overlap = Overlap(phase=phase).play(30, 30)
    assert overlap.kinds[1:] == [Move.IGNORE]
    assert overlap.moves[-1][0] <= 2


@pytest.mark.parametrize(
    ("phase", "opened", "given_up_s"),
    [(Phase.THINKING, Move.HOLD, 1.0), (Phase.STARTING, Move.DUCK, 1.4), (Phase.SPEAKING, Move.DUCK, 2.0)],
)  # fmt: skip
def test_a_sound_without_words_disturbs_the_agent_the_longer_the_more_it_has_said(
    phase: Phase, opened: Move, given_up_s: float
) -> None:
    assert Overlap(phase=phase).play(5, 5).moves == [(0.0, opened), (given_up_s, Move.IGNORE)]


@pytest.mark.parametrize(
    ("phase", "pauses_s"), [(Phase.THINKING, 0.0), (Phase.STARTING, 0.5), (Phase.SPEAKING, 0.7)]
)
def test_without_partial_words_it_pauses_the_sooner_the_less_it_has_said(
    phase: Phase, pauses_s: float
) -> None:
    overlap = Overlap(policy=OverlapPolicy(has_partials=False), phase=phase).play(4, 1.5)
    assert [at_s for at_s, move in overlap.moves if move is Move.HOLD] == [pauses_s]
    assert overlap.moves[-1] == (3.0, Move.IGNORE)


def test_words_in_a_noise_that_was_given_up_still_get_the_floor() -> None:
    overlap = Overlap().play(10, 10, {6: "content"})
    assert overlap.kinds == [Move.DUCK, Move.IGNORE, Move.DUCK, Move.YIELD]
    assert overlap.moves[-1][0] == pytest.approx(6, abs=0.05)


def test_a_recogniser_without_partial_words_is_waited_for_in_silence() -> None:
    overlap = Overlap(policy=OverlapPolicy(has_partials=False)).play(4, 1.5, {2.3: "content"})
    assert overlap.moves == [(0.0, Move.DUCK), (0.7, Move.HOLD), (2.3, Move.YIELD)]
    overlap = Overlap(policy=OverlapPolicy(has_partials=False)).play(4, 1.5)
    assert overlap.kinds == [Move.DUCK, Move.HOLD, Move.IGNORE]


def test_a_television_far_away_holds_nothing_up() -> None:
    overlap = Overlap(phase=Phase.THINKING)
    for _ in range(20):
        overlap.play(1, 0.8, {0.4: "content"}, is_far=True)
    assert all(move in (Move.HOLD, Move.IGNORE) for move in overlap.kinds)
    held_s = sum(
        end - begin
        for (begin, move), (end, _) in itertools.pairwise(overlap.moves)
        if move is Move.HOLD
    )
    assert held_s <= 20 * 0.32


def test_side_talk_is_ignored_whatever_it_says() -> None:
    overlap = Overlap().play(3, 2, {0.5: "content"}, is_far=True)
    assert overlap.moves == [(0.0, Move.DUCK), (0.3, Move.IGNORE)]


def test_the_agent_s_own_echo_does_not_even_duck() -> None:
    assert Overlap().play(3, 3, is_echo=True).moves == []


def test_words_that_come_after_the_sound_was_ignored_still_get_the_floor() -> None:
    overlap = Overlap().play(2, 0.4, {1.2: "content"})
    assert overlap.kinds == [Move.DUCK, Move.IGNORE, Move.DUCK, Move.YIELD]


def test_unclear_words_are_decided_when_the_sound_is_over() -> None:
    overlap = Overlap().play(2, 0.6, {0.4: "unclear"})
    assert overlap.kinds == [Move.DUCK, Move.YIELD]
    assert overlap.moves[-1][0] == pytest.approx(0.86, abs=0.03)


def test_what_is_open_when_the_agent_falls_silent_is_released() -> None:
    overlap = Overlap().play(0.2, 1)
    overlap.phase = Phase.SILENT
    overlap.play(0.2, 1)
    assert overlap.kinds == [Move.DUCK, Move.RELEASE]


def test_nothing_more_is_decided_until_the_agent_has_stopped() -> None:
    overlap = Overlap().play(1, 1, {0.3: "content"}).play(1, 1, {0.0: "content"})
    assert overlap.kinds == [Move.DUCK, Move.YIELD]
    overlap.phase = Phase.SILENT
    overlap.play(1, 1)
    overlap.phase = Phase.SPEAKING
    overlap.play(1, 1, {0.3: "content"})
    assert overlap.kinds == [Move.DUCK, Move.YIELD, Move.DUCK, Move.YIELD]


def test_in_silence_the_policy_has_nothing_to_say() -> None:
    assert Overlap(phase=Phase.SILENT).play(2, 1, {0.4: "content"}).moves == []
