"""A call whose voice is a speech server at a URL, and another one when that fails: servers of our own."""

from __future__ import annotations

from typing import Any

from tests.fakes.llmvox import FakeLLMVox
from tests.fakes.speech_server import FakeSpeechServer
from tests.room.conftest import Join
from tests.stack.caller import Caller
from tests.stack.processes import LiveKit, running_worker
from tests.stack.speech import speech


async def ask(caller: Caller) -> dict[str, Any]:
    """The record of the turn, once its answer has been heard."""
    count = len(caller.turns)
    end_s = await caller.say(speech("What time is it?"))
    await caller.wait_for_answer(end_s)
    await caller.wait_for(lambda: len(caller.turns) > count, "turn record")
    await caller.wait_for_quiet()
    record: dict[str, Any] = caller.turns[-1]
    return record


async def test_llmvox_speaks_and_a_server_like_openais_when_it_no_longer_does(
    livekit: LiveKit, join: Join
) -> None:
    async with FakeLLMVox().running() as llmvox, FakeSpeechServer().running() as server:
        own = {
            "AGENT_PROFILE": "embedded",
            "AGENT_NAME": "servers",
            "AGENT_TTS": f"llmvox:{llmvox.url}, openai_speech:{server.url}",
        }
        with running_worker(livekit.environment | own):
            caller = await join("servers")
            await caller.wait_for_answer(caller.joined_s)
            await caller.wait_for_quiet()
            first = await ask(caller)
            assert (first["outcome"], first["faults"]) == ("answered", [])
            assert any("It is" in question["text"] for question in llmvox.questions)
            assert not server.questions
            llmvox.status = 500
            second = await ask(caller)
    assert (second["outcome"], second["faults"]) == ("answered", ["tts"])
    assert any("It is" in question["input"] for question in server.questions)
