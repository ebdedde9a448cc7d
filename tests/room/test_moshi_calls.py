"""A call of the profile `realtime` with Moshi in a real room: a fake server with a real Opus codec, and
the embedded engines behind it."""

from __future__ import annotations

import asyncio
import re
import time
from difflib import SequenceMatcher

import numpy as np

from tests.fakes.providers.coded_speech import read, say
from tests.fakes.providers.duplex import DuplexMind
from tests.fakes.providers.moshi import FakeMoshi
from tests.room.conftest import Join
from tests.stack.caller import RATE_HZ, Caller
from tests.stack.processes import LiveKit, running_worker
from tests.stack.speech import speech

GREETING = "hello there dear friend"
ANSWER = "it is a fine day"
STORY = " ".join(f"and then came number {number}" for number in range(12))
QUESTION = "What time is it?"
EMBEDDED = {"AGENT_STT": "pocketsphinx", "AGENT_LLM": "responder", "AGENT_TTS": "espeak"}


def words_heard(caller: Caller, from_s: float) -> list[str]:
    """What the agent has said since, read from its sound in the room."""
    samples = [heard.samples for heard in caller.heard if heard.at_s > from_s]
    return read(np.concatenate(samples).tobytes(), RATE_HZ) if samples else []


async def hears(caller: Caller, since_s: float, text: str) -> None:
    """Waits until the last words of the agent are these; a busy machine may tear one in two."""
    wanted = text.split()
    for _ in range(100):
        heard = words_heard(caller, since_s)[-len(wanted) - 1 :]
        alike = SequenceMatcher(None, heard, wanted).get_matching_blocks()
        if sum(block.size for block in alike) >= len(wanted) - 1:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"heard {words_heard(caller, since_s)}, not {wanted}")


def coded(text: str) -> np.ndarray:
    return np.frombuffer(say(text, RATE_HZ), dtype=np.int16)


async def test_a_call_is_answered_yielded_to_and_outlives_its_model(
    livekit: LiveKit, join: Join
) -> None:
    server = FakeMoshi(greeting=GREETING, replies=(ANSWER, STORY, ANSWER))
    async with server.running():
        environment = {
            "AGENT_PROFILE": "realtime",
            "AGENT_REALTIME": f"moshi:{server.address}",
            "AGENT_NAME": "moshi",
            **EMBEDDED,
        }
        with running_worker(livekit.environment | environment) as worker:
            caller = await join("moshi")
            await caller.wait_for(lambda: server.minds, "conversation with Moshi")
            (mind,) = server.minds
            await _is_answered(caller, mind)
            await _is_yielded_to(caller, mind)
            await _outlives_its_model(caller, server)
            figures = worker.metrics()
        assert 'parley_realtime_takeovers_total{reason="connection"} 1.0' in figures


async def _is_answered(caller: Caller, mind: DuplexMind) -> None:
    await hears(caller, 0.0, GREETING)
    await caller.wait_for_quiet()
    end_s = await caller.say(speech(QUESTION))
    await hears(caller, end_s, ANSWER)
    await caller.wait_for(lambda: ANSWER in caller.said("agent"), "the answer's words")
    # The recogniser by itself would wait for five seconds of quiet, and join two questions.
    await caller.wait_for(lambda: _is_final(caller, "time"), "the question's words", timeout_s=3)
    shown = [shown["text"] for shown in caller.transcripts.values()]
    assert "time" in shown[-2] and ANSWER in shown[-1]
    await caller.wait_for(lambda: caller.turns, "record of the turn")
    assert caller.turns[-1]["outcome"] == "answered"
    assert caller.turns[-1]["engines"]["llm"].startswith("moshi:ws://127.0.0.1")
    await caller.wait_for_quiet()


def _is_final(caller: Caller, word: str) -> bool:
    shown = caller.transcripts.values()
    return any(one["who"] == "caller" and one["final"] and word in one["text"] for one in shown)


async def _is_yielded_to(caller: Caller, mind: DuplexMind) -> None:
    end_s = await caller.say(speech(QUESTION))
    await caller.wait_for(lambda: len(words_heard(caller, end_s)) > 4, "a part of the story")
    stop_s = await caller.say(coded("please stop now"))
    await caller.wait_for(lambda: mind.yielded, "Moshi to stop by itself")
    await hears(caller, stop_s, ANSWER)
    assert {"please", "stop", "now"} & set(read(bytes(mind.heard), 24_000))
    assert len(mind.said) < len((GREETING + STORY).split())
    await caller.wait_for_quiet()


async def _outlives_its_model(caller: Caller, server: FakeMoshi) -> None:
    """Which is gone in the midst of a question."""
    await caller.wait_for_quiet(2.0)
    before = len(caller.said("agent"))
    saying = asyncio.create_task(caller.say(speech(QUESTION)))
    await asyncio.sleep(0.5)
    await server.go_down()
    end_s = await saying
    await caller.wait_for_answer(max(end_s, time.monotonic()))
    await caller.wait_for(
        lambda: re.search(r"It is \d{1,2}:\d\d", caller.said("agent")[before:]), "the time"
    )
