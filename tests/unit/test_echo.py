from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from livekit import rtc

from agent.echo_filter import EchoFilter
from agent.playout import SAMPLE_RATE_HZ
from agent.turns.echo import RATE_HZ, EchoGuard, EchoPath
from tests.stack.caller import RATE_HZ as CALLER_RATE_HZ
from tests.stack.caller import resample
from tests.stack.speech import speech

FRAME = RATE_HZ // 50
DELAY_S = 0.23
LEARNING_FRAMES = 50


@dataclass(frozen=True)
class Heard:
    echoes: np.ndarray
    """For each frame, whether it was taken for an echo."""
    level_dbfs: np.ndarray

    def share(self, *, from_dbfs: float = -50, until_dbfs: float = 0) -> float:
        """Of the frames of such levels, those taken for an echo; the first second is for learning."""
        chosen = (self.level_dbfs > from_dbfs) & (self.level_dbfs < until_dbfs)
        chosen[:LEARNING_FRAMES] = False
        assert chosen.sum() > 20
        return float(self.echoes[chosen].mean())


def voice(text: str, name: str) -> np.ndarray:
    """A flite voice at the guard's rate."""
    samples = resample(speech(text, name), CALLER_RATE_HZ, RATE_HZ)
    return samples.astype(np.float32) / 32768


def tone(seconds: float) -> np.ndarray:
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.1 * np.sin(2 * np.pi * 500 * times_s)).astype(np.float32)


def overdriven(samples: np.ndarray) -> np.ndarray:
    """As a small loudspeaker at its limit plays it, at the same level."""
    bent = np.tanh(3 * samples / np.max(np.abs(samples)))
    return bent * (np.std(samples) / np.std(bent))


def in_a_room(samples: np.ndarray, decay_s: float = 0.4) -> np.ndarray:
    """With a noise-like tail that falls by 60 dB in that time."""
    count = round(decay_s * RATE_HZ)
    tail = np.random.default_rng(3).normal(0, 1, count) * 10 ** (-3 * np.arange(count) / count)
    response = 0.7 * tail / np.sqrt(np.sum(tail**2))
    response[0] += 1
    return np.convolve(samples, response)[: len(samples)]


def hear(
    played: np.ndarray,
    caller: np.ndarray,
    echo_db: float | None,
    way: Callable[[np.ndarray], np.ndarray] = lambda samples: samples,
) -> Heard:
    """A room in which the agent's sound comes back `DELAY_S` later, by that `way`."""
    count = min(len(played), len(caller))
    microphone = caller[:count] + np.random.default_rng(1).normal(0, 1e-3, count)
    if echo_db is not None:
        delay = round(DELAY_S * RATE_HZ)
        microphone[delay:] += 10 ** (echo_db / 20) * way(played)[: count - delay]
    microphone = microphone.astype(np.float32)
    guard, echoes, levels = EchoGuard(), [], []
    for start in range(0, count - FRAME, FRAME):
        frame = microphone[start : start + FRAME]
        guard.played(played[start : start + FRAME], 100 + start / RATE_HZ)
        echoes.append(guard.is_echo(frame, 100 + (start + FRAME) / RATE_HZ))
        levels.append(10 * np.log10(np.mean(frame**2)))
    return Heard(np.array(echoes), np.array(levels))


@pytest.fixture(scope="module")
def agent_voice() -> np.ndarray:
    return voice("I have found three trains that leave tomorrow before nine.", "slt")


@pytest.fixture(scope="module")
def caller_voice() -> np.ndarray:
    return voice("No wait, I wanted to travel on Sunday with my two children.", "rms")


def nobody(like: np.ndarray) -> np.ndarray:
    return np.zeros_like(like)


@pytest.mark.parametrize("echo_db", [-10, -20])
def test_an_echo_of_speech_is_recognised(agent_voice: np.ndarray, echo_db: float) -> None:
    assert hear(agent_voice, nobody(agent_voice), echo_db).share() > 0.95


@pytest.mark.parametrize("way", [overdriven, in_a_room])
def test_so_is_one_that_a_loudspeaker_or_a_room_has_changed(
    agent_voice: np.ndarray, way: Callable[[np.ndarray], np.ndarray]
) -> None:
    assert hear(agent_voice, nobody(agent_voice), -20, way).share() > 0.95


def test_an_echo_of_a_tone_is_recognised() -> None:
    assert hear(tone(3), nobody(tone(3)), -20).share() > 0.95


def test_a_caller_over_the_echo_is_not_taken_for_it(
    agent_voice: np.ndarray, caller_voice: np.ndarray
) -> None:
    assert hear(agent_voice, caller_voice, -20).share(from_dbfs=-32) < 0.1
    assert hear(tone(3), caller_voice, -20).share(from_dbfs=-32) < 0.1


def test_without_an_echo_no_word_of_the_caller_is_touched(
    agent_voice: np.ndarray, caller_voice: np.ndarray
) -> None:
    assert hear(agent_voice, caller_voice, None).share() == 0
    assert hear(caller_voice, agent_voice, None).share() == 0
    assert hear(tone(3), caller_voice, None).share() == 0


def test_while_the_agent_is_silent_nothing_is_an_echo(caller_voice: np.ndarray) -> None:
    assert hear(nobody(caller_voice), caller_voice, -20).share() == 0


def test_the_level_of_the_echo_is_learnt(agent_voice: np.ndarray) -> None:
    guard = EchoGuard()
    played = agent_voice[RATE_HZ // 2 : RATE_HZ * 3 // 2]
    for start in range(0, len(played) - FRAME, FRAME):
        frame = played[start : start + FRAME]
        guard.played(frame, start / RATE_HZ)
        guard.is_echo(0.1 * frame, (start + FRAME) / RATE_HZ)
    assert guard.path.gain_db == pytest.approx(-20, abs=1)


def test_a_monotonous_voice_over_a_tone_teaches_no_echo() -> None:
    robot = voice(
        "One moment please. No no, I said Thursday. I need to speak with a human.", "kal16"
    )
    for hertz in range(440, 900, 60):
        times_s = np.arange(len(robot)) / RATE_HZ
        agent = (0.1 * np.sin(2 * np.pi * hertz * times_s)).astype(np.float32)
        heard = hear(agent, robot, None)
        assert heard.echoes.mean() < 0.01


def test_an_echo_that_is_gone_is_forgotten() -> None:
    path = EchoPath()
    for step in range(50):
        path.seen(0.95, -20, step * 0.02, 0.02)
    assert path.gain_db == pytest.approx(-20)
    for step in range(250):
        path.seen(0.2, -5, 1 + step * 0.02, 0.02)
    assert path.gain_db is None


def test_the_filter_sleeps_while_no_echo_can_come_and_misses_none(
    agent_voice: np.ndarray, caller_voice: np.ndarray
) -> None:
    """It takes the same frames for an echo as a guard that has listened all along."""
    rate_hz, length, silence = SAMPLE_RATE_HZ, SAMPLE_RATE_HZ // 50, 3 * SAMPLE_RATE_HZ
    agent, caller = (
        resample((voice * 32767).astype(np.int16), RATE_HZ, rate_hz)
        for voice in (agent_voice, caller_voice)
    )
    microphone = np.concatenate([caller[:silence], agent // 10])
    clock_s = [0.0]
    guard, echo_filter = EchoGuard(), EchoFilter(clock=lambda: clock_s[0])
    by_guard, by_filter = [], []
    for start in range(0, len(microphone) - length, length):
        if start >= silence:
            played = agent[start - silence :][:length]
            echo_filter.played(played, 100 + start / rate_hz)
            guard.played(at_guards_rate(played), 100 + start / rate_hz)
        clock_s[0] = 100 + (start + length) / rate_hz
        samples = microphone[start : start + length]
        frame = rtc.AudioFrame(samples.tobytes(), rate_hz, 1, length)
        by_filter.append(echo_filter._process(frame) is not frame)
        by_guard.append(guard.is_echo(at_guards_rate(samples), clock_s[0]))
    assert by_filter == by_guard and sum(by_filter) > 50


def at_guards_rate(samples: np.ndarray) -> np.ndarray:
    return (samples.reshape(-1, 3).mean(axis=1) / 32768).astype(np.float32)
