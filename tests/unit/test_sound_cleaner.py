"""The chain of a call in time: when it is switched, and what it hears. Frames come as fast as they can."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from agent.sound.chain import Chain, Frame
from agent.sound.cleaner import Cleaner
from agent.sound.estimate import Noise
from agent.sound.plan import NoisePlan, Stage
from agent.sound.stage import FRAME_SAMPLES

AUTO = NoisePlan(stages=("highpass",), is_automatic=True)
ALWAYS = NoisePlan(stages=("highpass",))
SECOND = 100


class Recording(Chain):
    """The real chain, and all frames it was given."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        super().__init__(stages)
        self.heard: list[Frame] = []

    def process(self, frame: Frame) -> Frame:
        self.heard.append(frame)
        return super().process(frame)


class Made:
    """The chains that a cleaner has made."""

    def __init__(self) -> None:
        self.chains: list[Recording] = []

    def __call__(self, stages: tuple[Stage, ...]) -> Chain:
        self.chains.append(Recording(stages))
        return self.chains[-1]


def room(level_dbfs: float, frames: int, seed: int = 0) -> list[Frame]:
    rms = 32768 * 10 ** (level_dbfs / 20)
    noise = np.random.default_rng(seed).normal(0, rms, (frames, FRAME_SAMPLES))
    return list(np.clip(noise, -32768, 32767).astype(np.int16))


def play(cleaner: Cleaner, frames: Iterable[Frame], *, is_raw: bool = True) -> list[bool]:
    """For each frame, whether it came out as it went in."""
    return [cleaner.process(frame, is_raw=is_raw) is frame for frame in frames]


def test_while_it_is_off_the_very_frames_pass() -> None:
    cleaner = Cleaner(AUTO)
    assert all(play(cleaner, room(-65, 10 * SECOND)))
    assert not cleaner.is_on
    assert cleaner.delay_s == 0


def test_what_is_always_on_is_on_from_the_first_frame() -> None:
    assert not any(play(Cleaner(ALWAYS), room(-65, SECOND)))


def test_a_noisy_room_switches_it_on_after_a_second() -> None:
    cleaner = Cleaner(AUTO)
    passed = play(cleaner, room(-35, 3 * SECOND))
    assert sum(passed) in range(SECOND - 1, SECOND + 20)
    assert not any(passed[SECOND + 20 :])


def test_the_chain_knows_the_room_before_it_is_heard() -> None:
    made = Made()
    frames = room(-35, 2 * SECOND)
    passed = play(Cleaner(AUTO, made), frames)
    first = passed.index(False)
    assert [id(frame) for frame in made.chains[-1].heard[:20]] == [
        id(frame) for frame in frames[first - 20 : first]
    ]


def test_it_is_not_switched_in_the_middle_of_a_word() -> None:
    cleaner = Cleaner(AUTO)
    play(cleaner, room(-35, SECOND - 10))
    assert all(play(cleaner, room(-22, 50)))  # the verdict falls in here
    assert not play(cleaner, room(-35, 1))[0]


def test_it_does_not_wait_for_quiet_for_ever() -> None:
    cleaner = Cleaner(AUTO)
    play(cleaner, room(-35, SECOND - 10))
    assert not all(play(cleaner, room(-22, 3 * SECOND)))


def test_when_the_noise_ends_the_microphone_passes_again() -> None:
    cleaner = Cleaner(AUTO)
    switched: list[bool] = []
    cleaner.on_switch = switched.append
    play(cleaner, room(-35, 5 * SECOND))
    assert all(play(cleaner, room(-65, 12 * SECOND))[-SECOND:])
    assert switched == [True, False]


def test_what_replaced_an_echo_says_nothing_of_the_room() -> None:
    cleaner = Cleaner(AUTO)
    estimates: list[Noise] = []
    cleaner.on_noise = estimates.append
    play(cleaner, room(-60, 5 * SECOND), is_raw=False)
    assert not estimates
    play(cleaner, room(-35, 2 * SECOND))
    assert cleaner.is_on


def test_the_noise_is_told_after_one_second_and_every_two() -> None:
    cleaner = Cleaner(ALWAYS)
    estimates: list[Noise] = []
    cleaner.on_noise = estimates.append
    play(cleaner, room(-50, 6 * SECOND))
    assert len(estimates) == 3
    assert cleaner.is_on


def test_memory_does_not_grow_with_the_call() -> None:
    made = Made()
    cleaner = Cleaner(AUTO, made)
    play(cleaner, room(-65, 30 * SECOND))
    assert len(cleaner._newest) == 20
    assert len(made.chains) == 1
