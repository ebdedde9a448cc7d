"""Calls in which another VAD than Silero listens: turns are taken with it, and the agent yields to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from livekit.plugins import ten_vad

from tests.room.conftest import Join
from tests.stack.processes import LiveKit, running_worker
from tests.stack.speech import speech


@pytest.fixture(scope="module", params=["ten_vad", "webrtc_vad"])
def vad(livekit: LiveKit, request: pytest.FixtureRequest) -> Iterator[str]:
    """A worker whose name is that of its VAD."""
    name: str = request.param
    environment = {"AGENT_PROFILE": "embedded", "AGENT_NAME": name, "AGENT_VAD": name}
    with running_worker(livekit.environment | environment) as worker:
        yield name
        notices = worker.log.read_text().count(ten_vad.LICENCE_NOTICE)
    assert notices == (1 if name == "ten_vad" else 0), "once a worker, not with each call"


async def test_a_caller_is_heard_answered_and_answered_again(vad: str, join: Join) -> None:
    caller = await join(vad)
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    for question in ("What time is it?", "What can you do?"):
        end_s = await caller.say(speech(question))
        await caller.wait_for_answer(end_s)
        await caller.wait_for_quiet()
    await caller.wait_for(
        lambda: [turn["outcome"] for turn in caller.turns].count("answered") >= 2, "two answers"
    )


async def test_the_agent_falls_silent_when_the_caller_speaks(vad: str, join: Join) -> None:
    caller = await join(vad)
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    end_s = await caller.say(speech("Tell me a story."))
    await caller.wait_for_answer(end_s)
    await caller.say(speech("Stop, please, and tell me what time it is now."))
    await caller.wait_for(
        lambda: any(turn["outcome"] == "interrupted" for turn in caller.turns), "an interruption"
    )
