"""A call of the profile `realtime` in a real room: OpenAI's plugin on a fake server, and the embedded
engines behind it."""

from __future__ import annotations

import re

from tests.fakes.providers.openai import FakeOpenAI
from tests.fakes.providers.provider import KEY
from tests.fakes.providers.speech_to_speech import SpokenReply
from tests.room.conftest import Join
from tests.stack.caller import Caller
from tests.stack.processes import LiveKit, running_worker
from tests.stack.speech import speech

QUESTION = "What time is it?"
STORY = " ".join(f"and then came number {number}" for number in range(40))
EMBEDDED = {"AGENT_STT": "pocketsphinx", "AGENT_LLM": "responder", "AGENT_TTS": "espeak"}


def heard_s(caller: Caller, from_s: float) -> float:
    """How long the agent has spoken since."""
    times = [heard.at_s for heard in caller.heard if heard.at_s > from_s and heard.is_sound]
    return times[-1] - times[0]


async def ask(caller: Caller, text: str) -> float:
    """Speaks; returns when the answer began."""
    return await caller.wait_for_answer(await caller.say(speech(text)))


async def test_a_call_greets_answers_uses_tools_yields_and_outlives_its_model(
    livekit: LiveKit, join: Join
) -> None:
    async with FakeOpenAI().running() as provider:
        model = provider.realtime
        model.understand = lambda pcm: QUESTION
        model.pace = 4.0
        environment = {
            "AGENT_PROFILE": "realtime",
            "AGENT_NAME": "realtime",
            "OPENAI_BASE_URL": provider.api_url,
            "OPENAI_API_KEY": KEY,
            **EMBEDDED,
        }
        with running_worker(livekit.environment | environment) as worker:
            caller = await join("realtime")
            await _greets_and_answers(caller, provider)
            await _yields(caller, provider)
            await _outlives_its_model(caller, provider)
            figures = worker.metrics()
        assert 'parley_realtime_takeovers_total{reason="connection"} 1.0' in figures
        assert 'parley_turn_response_seconds_count{profile="realtime"}' in figures


async def _greets_and_answers(caller: Caller, provider: FakeOpenAI) -> None:
    await caller.wait_for(lambda: "I am Parley" in caller.said("agent"), "greeting")
    await caller.wait_for_quiet()
    provider.realtime.replies.append(SpokenReply(calls=[("get_time", "{}")]))
    await ask(caller, QUESTION)
    await caller.wait_for(lambda: caller.turns, "turn record")
    record = caller.turns[0]
    assert record["outcome"] == "answered" and record["faults"] == []
    assert record["engines"]["llm"] == "openai"
    assert record["eot_s"] < record["llm_first_s"] <= record["playout_s"]
    assert re.search(r"It is \d{1,2}:\d\d", caller.said("agent"))
    await caller.wait_for(lambda: QUESTION in caller.said("caller"), "the caller's words")
    await caller.wait_for_quiet()


async def _yields(caller: Caller, provider: FakeOpenAI) -> None:
    provider.realtime.replies += [SpokenReply(text=STORY), SpokenReply(text="I have stopped.")]
    began_s = await ask(caller, QUESTION)
    await caller.wait_for(lambda: heard_s(caller, began_s - 0.1) > 2.0, "two seconds of answer")
    await caller.say(speech("Stop please, what time is it?"))
    await caller.wait_for(lambda: len(caller.turns) > 1, "record of the interrupted turn")
    assert caller.turns[1]["outcome"] == "interrupted"
    (truncated,) = provider.realtime.of("conversation.item.truncate")
    (spoken_s, *_) = _speeches(caller, began_s - 0.1)
    assert abs(truncated["audio_end_ms"] / 1000 - spoken_s) < 0.3
    await caller.wait_for(lambda: len(caller.turns) > 2, "record of the next turn")
    await caller.wait_for_quiet()


async def _outlives_its_model(caller: Caller, provider: FakeOpenAI) -> None:
    """In the midst of an answer, and before it has told the words of the question."""
    provider.realtime.transcription_s = 60.0
    provider.realtime.replies.append(SpokenReply(text=STORY, breaks_after_s=1.0))
    before = len(caller.said("agent"))
    await ask(caller, QUESTION)
    await caller.wait_for(lambda: len(caller.turns) > 3, "record of the cascade's turn")
    assert caller.turns[3]["faults"] == ["realtime"]
    assert caller.turns[3]["engines"] == {
        "stt": "pocketsphinx",
        "llm": "responder",
        "tts": "espeak",
    }
    assert caller.turns[3]["outcome"] == "answered"
    assert re.search(r"It is \d{1,2}:\d\d", caller.said("agent")[before:])
    await caller.wait_for_quiet()
    await ask(caller, QUESTION)
    await caller.wait_for(lambda: len(caller.turns) > 4, "another turn of the cascade")
    assert caller.turns[4]["faults"] == []


def _speeches(caller: Caller, from_s: float) -> list[float]:
    """The lengths of what the agent has said since, parted by silence."""
    times = [heard.at_s for heard in caller.heard if heard.at_s > from_s and heard.is_sound]
    lengths, start_s = [], times[0]
    for at_s, next_s in zip(times, [*times[1:], float("inf")], strict=True):
        if next_s - at_s > 0.3:
            lengths.append(at_s - start_s)
            start_s = next_s
    return lengths
