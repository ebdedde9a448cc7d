"""A call that is heard and answered by Kyutai's server: one of our own, with real words and places."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.providers.coded_speech import TORN, read
from tests.fakes.providers.kyutai import EARS, VOICE, FakeKyutai, ScriptedEar
from tests.room.conftest import Join
from tests.stack.caller import RATE_HZ
from tests.stack.processes import LiveKit, running_worker
from tests.stack.speech import speech

pytestmark = [pytest.mark.room, pytest.mark.timeout(120)]

QUESTION = "what time is it"


async def test_a_question_is_heard_by_its_ears_and_answered_by_its_voice(
    livekit: LiveKit, join: Join
) -> None:
    server = FakeKyutai(new_ear=lambda: ScriptedEar(deque(QUESTION.split()), 0.1))
    async with server.running():
        settings = {
            "AGENT_PROFILE": "embedded",
            "AGENT_NAME": "kyutai",
            "AGENT_GREETING": "none",
            "AGENT_STT": f"kyutai:{server.address}",
            "AGENT_TTS": f"kyutai:{server.address}",
            "KYUTAI_API_KEY": server.key,
        }
        with running_worker(livekit.environment | settings):
            caller = await join("kyutai")
            await eventually(lambda: server.taken[EARS] == 1)
            await asyncio.sleep(1.0)
            end_s = await caller.say(speech(QUESTION))
            answered_s = await caller.wait_for_answer(end_s, timeout_s=15)
            await caller.wait_for(lambda: caller.turns, "turn record")
            await caller.wait_for_quiet(1.0)
            heard = [it.samples for it in caller.heard if it.at_s >= answered_s - 0.1]
            await caller.leave()
            await eventually(lambda: not any(server.taken.values()), deadline_s=30)
    (record,) = caller.turns
    assert record["outcome"] == "answered"
    assert record["engines"]["tts"].startswith(f"kyutai:{server.address}")
    assert caller.said("caller") == QUESTION
    assert server.markers >= 1 and server.plans[VOICE].taken >= 1
    words = read(np.concatenate(heard).astype("<i2").tobytes(), RATE_HZ)
    assert "it" in words and TORN not in words
