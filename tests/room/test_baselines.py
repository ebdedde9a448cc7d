"""What Parley is measured against takes part in a call as it should."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from livekit.agents import inference

from evals.baselines.stock import turn_handling
from evals.ear.path import ECHO, measure_path
from evals.ear.scenario import Conditions
from evals.ear.systems import SYSTEMS, running
from tests.stack.caller import RATE_HZ, Caller
from tests.stack.processes import LiveKit
from tests.stack.speech import speech

SENTENCE = "What is the weather going to be like tomorrow?"
REPLY_S = 3.0


async def announce(caller: Caller, text: str, samples: np.ndarray) -> None:
    """Tells the simulated STT the words of `samples`, evenly spread."""
    words = text.lower().strip("?.").split()
    step_s = len(samples) / RATE_HZ / len(words)
    timed = [[word, i * step_s, (i + 1) * step_s] for i, word in enumerate(words)]
    packet = json.dumps({"words": timed})
    await caller.room.local_participant.publish_data(
        packet, reliable=True, topic="parley.sim.words"
    )


def pitch_hz(caller: Caller, since_s: float) -> float:
    """The strongest frequency in half a second of the agent's sound."""
    heard = [h.samples for h in caller.heard if h.at_s > since_s and h.is_sound][5:55]
    samples = np.concatenate(heard).astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE_HZ / len(samples)


@pytest.mark.parametrize("name", ["stock_v1_mini", "pipecat"])
async def test_a_baseline_answers_an_announced_sentence(name: str, livekit: LiveKit) -> None:
    system, caller, samples = SYSTEMS[name], Caller(), speech(SENTENCE)
    with running(system, livekit):
        token = system.token(system.new_room(), Conditions(reply_s=REPLY_S))
        await caller.join(livekit.url, token)
        try:
            await caller.wait_for(lambda: caller.room.remote_participants, "agent")
            await asyncio.sleep(1.5)
            assert not any(heard.is_sound for heard in caller.heard)  # no greeting
            await announce(caller, SENTENCE, samples)
            end_s = await caller.say(samples)
            answered_s = await caller.wait_for_answer(end_s, 6)
            await caller.wait_for_quiet(1.0)
        finally:
            await caller.leave()
    spoken = [heard for heard in caller.heard if heard.is_sound]
    assert answered_s - end_s < 5
    assert spoken[-1].at_s - spoken[0].at_s == pytest.approx(REPLY_S, abs=0.3)
    assert pitch_hz(caller, end_s) == pytest.approx(500, abs=5)  # of the first reply


def test_the_echo_comes_back_on_the_way_that_answers_take(livekit: LiveKit) -> None:
    with running(ECHO, livekit):
        path = measure_path(livekit.url, beeps=5)
    assert (path["n"], path["failed"]) == (5, 0)
    assert 0.02 < path["p50_s"] < 1.0


def test_the_detectors_of_stock_are_set_as_documented() -> None:
    assert turn_handling("vad")["turn_detection"] == "vad"
    detector = turn_handling("v1-mini")["turn_detection"]
    assert isinstance(detector, inference.TurnDetector) and "mini" in detector.model
