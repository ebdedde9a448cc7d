"""A job's process dies in mid-call, or the caller's connection breaks: the conversation goes on."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit import api

from tests.fakes.providers.openai import FakeOpenAI
from tests.room.conftest import Join
from tests.room.lost_calls import BACK, QUESTION, SHORT, ask, ask_first
from tests.stack.caller import Caller
from tests.stack.faults import job_processes, kill_the_job
from tests.stack.processes import KEYS, LiveKit, Worker, running_worker
from tests.stack.speech import speech

TOLD = re.compile(r"The last I heard was: (\w+ \w+[\w ]*)\. Please go on")
LONG = json.dumps({"simulated": {"reply_s": 6}})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def worker(livekit: LiveKit, cache: Path) -> Iterator[Worker]:
    own = {"AGENT_PROFILE": "simulated", "AGENT_NAME": "lost", "AGENT_CACHE_DIR": str(cache)}
    with running_worker(livekit.environment | own) as worker:
        yield worker


async def in_a_call(join: Join, room: str = "", metadata: str = SHORT) -> Caller:
    """A caller whose first question was answered."""
    caller = await join("lost", room=room, metadata=metadata)
    await ask_first(caller)
    return caller


def server_api(livekit: LiveKit) -> api.LiveKitAPI:
    return api.LiveKitAPI(livekit.url, KEYS.api_key, KEYS.api_secret)


async def remove(server: api.LiveKitAPI, room: str, identity: str) -> None:
    """Ends a participant's connection, from the server's side."""
    who = api.RoomParticipantIdentity(room=room, identity=identity)
    await server.room.remove_participant(who)


async def test_the_agent_is_back_within_five_seconds_and_knows_what_was_said(
    worker: Worker, join: Join
) -> None:
    caller = await in_a_call(join)
    killed_s = kill_the_job(worker)
    back_s = await caller.wait_for_answer(killed_s + 0.2)
    assert back_s - killed_s < 5.0
    await caller.wait_for(lambda: BACK in caller.said("agent"), "return")
    assert len(caller.room.remote_participants) == 1
    await caller.wait_for_quiet()
    await ask(caller)
    assert "Reply 2" in caller.said("agent")
    figures = worker.metrics()
    assert 'parley_returns_total{conversation="kept"} 1.0' in figures
    assert "parley_calls 1.0" in figures


async def test_a_question_whose_answer_died_is_answered_after_all(
    worker: Worker, join: Join
) -> None:
    caller = await in_a_call(join, metadata=LONG)
    await caller.wait_for_answer(await caller.say(speech(QUESTION)))
    await asyncio.sleep(0.5)  # it is being spoken
    killed_s = kill_the_job(worker)
    await caller.wait_for_answer(killed_s + 0.3)
    await caller.wait_for(lambda: caller.said("agent").count("Reply 2 ends") == 1, "answer")
    assert caller.said("agent").index(BACK) < caller.said("agent").rindex("Reply 2 starts")


async def test_words_of_a_turn_that_was_not_over_are_told_and_belong_to_what_is_said_next(
    join: Join, livekit: LiveKit, tmp_path: Path
) -> None:
    async with FakeOpenAI().running() as provider:
        own = {
            "AGENT_PROFILE": "simulated",
            "AGENT_LLM": "openai",
            "OPENAI_API_KEY": provider.key,
            "OPENAI_BASE_URL": provider.api_url,
            "AGENT_NAME": "cut-in-two",
            "AGENT_CACHE_DIR": str(tmp_path),
        }
        with running_worker(livekit.environment | own) as worker:
            caller = await join("cut-in-two")
            await caller.wait_for(lambda: caller.room.remote_participants, "agent")
            await asyncio.sleep(0.5)
            speaking = asyncio.create_task(caller.say(speech("What is the weather going to be")))
            await caller.wait_for(lambda: len(caller.said("caller").split()) >= 3, "words")
            await asyncio.sleep(0.1)
            kill_the_job(worker)
            await speaking
            told = await caller.wait_for(lambda: TOLD.search(caller.said("agent")), "return")
            await caller.wait_for_quiet()
            await caller.wait_for_answer(await caller.say(speech(QUESTION)))
            await caller.wait_for_quiet()
    heard = told[1]
    assert heard.split()[:2] == caller.said("caller").split()[:2]
    turn = provider.asked[-1].body["messages"][-1]["content"]
    assert turn.startswith(f"{heard} … ")
    assert f"I heard {turn}" in caller.said("agent")


async def test_a_call_that_keeps_killing_its_agents_is_ended_after_three_returns(
    worker: Worker, join: Join
) -> None:
    caller = await in_a_call(join)
    returns = 0
    while not caller.closed.is_set():
        killed_s = kill_the_job(worker)
        while not caller.closed.is_set() and not caller.sound_after(killed_s + 0.3):
            assert time.monotonic() - killed_s < 20
            await asyncio.sleep(0.05)
        returns += not caller.closed.is_set()
    assert returns == 3


async def test_after_the_end_nothing_is_kept_and_nobody_comes_back(
    worker: Worker, join: Join, livekit: LiveKit, cache: Path
) -> None:
    caller = await in_a_call(join, room="ended")
    assert list((cache / "run" / "calls").glob("*.json"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in (cache / "run" / "calls").iterdir())
    await caller.leave()
    left_s = time.monotonic()
    while job_processes(worker) or list((cache / "run" / "calls").iterdir()):
        assert time.monotonic() - left_s < 10
        await asyncio.sleep(0.05)
    await asyncio.sleep(3.0)
    async with server_api(livekit) as server:
        rooms = await server.room.list_rooms(api.ListRoomsRequest(names=["ended"]))
    assert not rooms.rooms


async def test_a_refused_call_is_not_tried_again(worker: Worker, join: Join) -> None:
    caller = await join("lost", metadata='{"colour": "blue"}')
    await caller.wait_for(lambda: caller.notices, "notice")
    await caller.wait_for(lambda: not caller.room.remote_participants, "agent to leave")
    await asyncio.sleep(13.0)  # longer than a look-out waits for an agent to arrive
    assert len(caller.notices) == 1
    assert not caller.room.remote_participants


async def test_an_agent_that_was_sent_away_stays_away(
    worker: Worker, join: Join, livekit: LiveKit
) -> None:
    caller = await in_a_call(join, room="sent-away")
    (agent,) = caller.room.remote_participants
    async with server_api(livekit) as server:
        await remove(server, "sent-away", agent)
    await caller.wait_for(lambda: not caller.room.remote_participants, "agent to leave")
    await asyncio.sleep(6.0)
    assert not caller.room.remote_participants


async def test_of_two_agents_in_a_room_one_leaves(
    worker: Worker, join: Join, livekit: LiveKit
) -> None:
    caller = await in_a_call(join, room="two-agents")
    (first,) = caller.room.remote_participants
    async with server_api(livekit) as server:
        request = api.CreateAgentDispatchRequest(agent_name="lost", room="two-agents")
        await server.agent_dispatch.create_dispatch(request)
    await asyncio.sleep(3.0)
    assert list(caller.room.remote_participants) == [first]
    await ask(caller)
    assert "Reply 2" in caller.said("agent")


async def test_a_caller_whose_connection_broke_finds_the_conversation(
    worker: Worker, join: Join, livekit: LiveKit
) -> None:
    caller = await in_a_call(join, room="broken")
    async with server_api(livekit) as server:
        await remove(server, "broken", caller.identity)
    await asyncio.sleep(12.0)
    again = await join("", room="broken", caller=Caller())
    await asyncio.sleep(1.0)
    await ask(again)
    assert again.said("agent").startswith("Reply 2")


async def test_a_caller_who_comes_back_to_a_closed_room_finds_the_conversation(
    worker: Worker, join: Join, livekit: LiveKit
) -> None:
    async with server_api(livekit) as server:
        dispatch = api.RoomAgentDispatch(agent_name="lost", metadata=SHORT)
        request = api.CreateRoomRequest(name="closed", departure_timeout=2, agents=[dispatch])
        await server.room.create_room(request)
        caller = await join("", room="closed")
        await ask_first(caller)
        await remove(server, "closed", caller.identity)
    await caller.wait_for(lambda: not job_processes(worker), "end of the room")
    again = await join("lost", room="closed", metadata=SHORT, caller=Caller())
    await again.wait_for(lambda: BACK in again.said("agent"), "return")
    await again.wait_for_quiet()
    await ask(again)
    assert "Reply 2" in again.said("agent")


async def test_an_agent_that_is_there_before_its_caller_finds_the_conversation(
    worker: Worker, join: Join, livekit: LiveKit
) -> None:
    caller = await in_a_call(join, room="before")
    (agent,) = caller.room.remote_participants
    async with server_api(livekit) as server:
        await remove(server, "before", caller.identity)
        kill_the_job(worker)
        await remove(server, "before", agent)
        request = api.CreateAgentDispatchRequest(agent_name="lost", room="before", metadata=SHORT)
        await server.agent_dispatch.create_dispatch(request)
    await asyncio.sleep(2.0)
    again = await join("", room="before", caller=Caller())
    await again.wait_for(lambda: BACK in again.said("agent"), "return")
    await again.wait_for_quiet()
    await ask(again)
    assert "Reply 2" in again.said("agent")


async def test_somebody_else_in_a_room_of_the_same_name_hears_nothing_of_it(
    worker: Worker, join: Join, livekit: LiveKit
) -> None:
    caller = await in_a_call(join, room="same-name")
    async with server_api(livekit) as server:
        await remove(server, "same-name", caller.identity)
        await server.room.delete_room(api.DeleteRoomRequest(room="same-name"))
    await asyncio.sleep(1.0)
    other = await join("lost", room="same-name", metadata=SHORT, caller=Caller("somebody"))
    await ask_first(other)


async def test_a_call_outlives_seconds_without_any_media(worker: Worker, join: Join) -> None:
    caller = await in_a_call(join)
    caller.stalled = True
    await asyncio.sleep(6.0)
    caller.stalled = False
    await ask(caller)
    assert "Reply 2" in caller.said("agent")
    assert not caller.notices
