"""Calls with simulated engines: what must be true of any engines."""

from __future__ import annotations

import asyncio
import json
import time

import numpy as np
import psutil
from livekit import api

from tests.room.conftest import Join
from tests.stack.caller import Caller
from tests.stack.processes import KEYS, LiveKit, Worker
from tests.stack.speech import speech

QUESTION = "What is the weather going to be like tomorrow?"


def rooms(livekit: LiveKit) -> asyncio.Future[list[str]]:
    async def names() -> list[str]:
        async with api.LiveKitAPI(livekit.url, KEYS.api_key, KEYS.api_secret) as server:
            answer = await server.room.list_rooms(api.ListRoomsRequest())
            return [room.name for room in answer.rooms]

    return asyncio.ensure_future(names())


async def ask(caller: Caller, text: str = QUESTION) -> float:
    """Speaks, waits for the answer, returns seconds from the end of speech to its first sound."""
    end_s = await caller.say(speech(text))
    return await caller.wait_for_answer(end_s) - end_s


async def test_a_turn_is_answered_and_its_record_published(simulated: Worker, join: Join) -> None:
    caller = await join("simulated")
    await asyncio.sleep(1.0)
    words = [["what", 0.0, 0.2], ["now", 0.3, 0.6]]
    packet = json.dumps({"words": words})
    await caller.room.local_participant.publish_data(
        packet, reliable=True, topic="parley.sim.words"
    )
    response_s = await ask(caller)
    await caller.wait_for(lambda: caller.turns, "turn record")
    (record,) = caller.turns
    assert record["outcome"] == "answered"
    assert record["engines"]["stt"] == "simulated:80ms"
    assert record["speech_start_s"] < -1
    stages = ["llm_first_s", "clause_s", "tts_first_s", "playout_s"]
    times = [record[stage] for stage in stages]
    assert times == sorted(times)
    assert abs(record["playout_s"] - response_s) < 0.5
    assert caller.said("caller").startswith("what now")
    assert caller.said("agent").startswith("Reply 1")
    metrics = simulated.metrics()
    assert 'parley_turn_response_seconds_count{profile="simulated"} 1.0' in metrics
    assert (
        'parley_turn_stage_seconds_count{engine="simulated:70ms",stage="tts_first_audio"}'
        in metrics
    )
    assert "parley_calls 1.0" in metrics


async def test_bad_words_for_the_simulated_stt_are_answered_with_a_notice(
    simulated: Worker, join: Join
) -> None:
    caller = await join("simulated")
    await asyncio.sleep(1.0)
    await caller.room.local_participant.publish_data("{]", reliable=True, topic="parley.sim.words")
    await caller.wait_for(lambda: caller.notices, "notice")
    assert caller.notices[0]["code"] == "bad_words"


async def test_dispatch_metadata_sets_the_call(simulated: Worker, join: Join) -> None:
    metadata = json.dumps({"greeting": "Good day to you.", "simulated": {"reply_s": 4}})
    caller = await join("simulated", metadata=metadata)
    await caller.wait_for(lambda: "Good day to you." in caller.said("agent"), "greeting")
    await caller.wait_for_quiet()
    await ask(caller)
    await caller.wait_for(lambda: caller.turns, "turn record")
    sound = [heard for heard in caller.heard[-600:] if heard.is_sound]
    assert 3.0 < sum(len(heard.samples) for heard in sound) / 48_000 < 5.0


async def test_dispatch_through_the_api_brings_the_agent(
    simulated: Worker, livekit: LiveKit, join: Join
) -> None:
    caller = await join("", room="api-dispatch")
    request = api.CreateAgentDispatchRequest(
        agent_name="simulated", room="api-dispatch", metadata='{"greeting": "Sent by the API."}'
    )
    async with api.LiveKitAPI(livekit.url, KEYS.api_key, KEYS.api_secret) as server:
        await server.agent_dispatch.create_dispatch(request)
    await caller.wait_for(lambda: "Sent by the API." in caller.said("agent"), "greeting")


async def test_malformed_metadata_is_refused_with_a_message_to_the_room(
    simulated: Worker, join: Join
) -> None:
    caller = await join("simulated", metadata='{"colour": "blue"}')
    await caller.wait_for(lambda: caller.notices, "notice")
    (notice,) = caller.notices
    assert notice["level"] == "error"
    assert "unknown key 'colour'" in notice["message"]
    await caller.wait_for(lambda: not caller.room.remote_participants, "agent to leave")


async def test_the_room_closes_when_the_caller_hangs_up_and_the_process_is_gone(
    simulated: Worker, livekit: LiveKit, join: Join
) -> None:
    caller = await join("simulated", room="hang-up")
    await asyncio.sleep(1.0)
    speaking = asyncio.create_task(caller.say(speech(QUESTION)))
    await asyncio.sleep(0.5)  # leaves in mid-word
    before = {process.pid for process in simulated.job_processes()}
    left_s = time.monotonic()
    await caller.leave()
    speaking.cancel()
    while "hang-up" in await rooms(livekit):
        assert time.monotonic() - left_s < 5
        await asyncio.sleep(0.05)
    while len(before & {process.pid for process in simulated.job_processes()}) == len(before):
        assert time.monotonic() - left_s < 10
        await asyncio.sleep(0.05)


async def test_three_callers_the_first_is_heard_then_the_next(
    simulated: Worker, join: Join
) -> None:
    first = await join("simulated", room="three", caller=Caller("ann"))
    await asyncio.sleep(1.0)
    second = await join("", room="three", caller=Caller("bob"))
    third = await join("", room="three", caller=Caller("cid"))
    await asyncio.sleep(1.0)
    said_s = await second.say(speech(QUESTION))
    await asyncio.sleep(3.0)
    assert second.sound_after(said_s) is None
    await ask(first)
    await first.wait_for_quiet()
    await first.leave()
    await asyncio.sleep(1.0)
    await ask(second)
    assert third.sound_after(said_s) is not None  # everybody hears the answers


async def test_a_caller_without_a_microphone_can_type(simulated: Worker, join: Join) -> None:
    caller = await join("simulated", caller=Caller(microphone=False))
    await caller.wait_for(lambda: caller.room.remote_participants, "agent")
    await asyncio.sleep(1.0)
    asked_s = time.monotonic()
    await caller.room.local_participant.send_text("Hello?", topic="lk.chat")
    await caller.wait_for_answer(asked_s)
    await caller.wait_for(lambda: caller.turns, "turn record")
    assert caller.turns[0]["speech_start_s"] is None
    assert caller.turns[0]["playout_s"] > 0


async def test_a_text_that_is_sent_again_is_answered_once_and_acknowledged_each_time(
    simulated: Worker, join: Join
) -> None:
    caller = await join("simulated", caller=Caller(microphone=False))
    await caller.wait_for(lambda: caller.room.remote_participants, "agent")
    (agent,) = caller.room.remote_participants.values()
    assert agent.attributes["parley.receipts"] == "1"
    # At once: its session may not be running yet.
    for count, text_id in enumerate(("one", "one", "two"), start=1):
        await caller.room.local_participant.send_text(
            "Hello?", topic="lk.chat", attributes={"parley.id": text_id}
        )
        await caller.wait_for(lambda count=count: len(caller.receipts) == count, "receipt")
    assert [receipt["id"] for receipt in caller.receipts] == ["one", "one", "two"]
    await caller.wait_for(lambda: "Reply 2" in caller.said("agent"), "answer to the second text")
    await caller.wait_for_quiet()
    assert "Reply 3" not in caller.said("agent")
    assert "could not be taken" not in simulated.log.read_text(errors="replace")


async def test_keys_of_a_telephone_silence_the_agent_and_are_answered(
    simulated: Worker, join: Join
) -> None:
    caller = await join("simulated")
    await asyncio.sleep(1.0)
    await ask(caller)
    for code, key in ((4, "4"), (2, "2"), (11, "#")):
        await caller.room.local_participant.publish_dtmf(code=code, digit=key)
    await caller.wait_for(lambda: len(caller.turns) == 2, "second turn record")
    assert [turn["outcome"] for turn in caller.turns] == ["interrupted", "answered"]
    assert "Reply 2" in caller.said("agent")


async def test_digital_silence_under_the_speech_is_answered_too(
    simulated: Worker, join: Join
) -> None:
    caller = await join("simulated", caller=Caller(noise_dbfs=None))
    await asyncio.sleep(1.0)
    assert await ask(caller) < 5


async def test_clipping_noise_neither_ends_the_call_nor_gets_endless_answers(
    simulated: Worker, join: Join
) -> None:
    caller = await join("simulated")
    await asyncio.sleep(1.0)
    noise = np.random.default_rng(0).choice([-32768, 32767], 48_000 * 3).astype(np.int16)
    await caller.say(noise)
    await asyncio.sleep(3.0)
    assert not caller.closed.is_set()
    assert len(caller.turns) <= 2
    await caller.wait_for_quiet()
    assert await ask(caller) < 5


async def test_twenty_calls_one_after_another_leave_nothing_behind(
    simulated: Worker, livekit: LiveKit, join: Join
) -> None:
    parent = psutil.Process(simulated.process.pid)

    async def settled() -> tuple[int, int, int]:
        await asyncio.sleep(3.0)
        children = len(simulated.job_processes())
        return children, parent.num_fds(), parent.num_threads()

    async def short_call() -> None:
        caller = await join("simulated")
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")
        await caller.leave()

    await short_call()
    before = await settled()
    for _ in range(20):
        await short_call()
    after = await settled()
    assert after[0] <= before[0]
    assert after[1] <= before[1] + 2
    assert after[2] <= before[2] + 2
    assert [name for name in await rooms(livekit) if name.startswith("test-")] == []
