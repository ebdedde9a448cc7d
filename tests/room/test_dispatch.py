"""Every way in which an agent is brought into a room; docs/dispatch.md tells of them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from livekit import api

from agent.web.tokens import JoinRequest, build_token
from tests.room.conftest import Join
from tests.stack.caller import Caller, join_token
from tests.stack.processes import KEYS, LiveKit, Worker, livekit_server, running_worker

NAME = "parley"
SIP_RULE = Path(__file__).parents[2] / "deploy" / "sip" / "dispatch-rule.json"
NOBODY_COMES_S = 2.0


@pytest.fixture(scope="module")
def named(livekit: LiveKit) -> Iterator[Worker]:
    environment = {"AGENT_PROFILE": "simulated", "AGENT_NAME": NAME}
    with running_worker(livekit.environment | environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def nameless() -> Iterator[LiveKit]:
    """A server with a worker of its own, which would come into the rooms of all other tests."""
    settings = {"AGENT_PROFILE": "simulated", "AGENT_GREETING": "By itself."}
    with livekit_server() as own, running_worker(own.environment | settings):
        yield own


@pytest.fixture
async def server(livekit: LiveKit) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(livekit.url, KEYS.api_key, KEYS.api_secret) as client:
        yield client


def greeting(text: str) -> str:
    return json.dumps({"greeting": text})


def new_room() -> str:
    return f"dispatch-{uuid.uuid4().hex[:8]}"


async def hears(caller: Caller, text: str) -> None:
    await caller.wait_for(lambda: text in caller.said("agent"), f"greeting {text!r}")


async def agent_leaves(caller: Caller) -> None:
    await caller.wait_for(lambda: not caller.room.remote_participants, "agent to leave")


async def test_without_a_name_the_agent_comes_into_every_new_room(nameless: LiveKit) -> None:
    caller = Caller()
    await caller.join(nameless.url, join_token(KEYS.api_key, KEYS.api_secret, "any", "ann"))
    try:
        await hears(caller, "By itself.")
    finally:
        await caller.leave()


async def test_with_a_name_it_comes_only_when_it_is_asked_for(named: Worker, join: Join) -> None:
    caller = await join("")
    await asyncio.sleep(NOBODY_COMES_S)
    assert not caller.room.remote_participants


async def test_another_name_brings_nobody(named: Worker, join: Join) -> None:
    caller = await join("parley-2")
    await asyncio.sleep(NOBODY_COMES_S)
    assert not caller.room.remote_participants


async def test_the_api_brings_it_into_a_call_lists_it_and_takes_it_out(
    named: Worker, join: Join, server: api.LiveKitAPI
) -> None:
    room = new_room()
    caller = await join("", room=room)
    request = api.CreateAgentDispatchRequest(
        agent_name=NAME, room=room, metadata=greeting("Sent for.")
    )
    created = await server.agent_dispatch.create_dispatch(request)
    await hears(caller, "Sent for.")
    found = await server.agent_dispatch.list_dispatch(room)
    # The nameless one is for workers without a name: a room has it that was opened without agents.
    assert {dispatch.agent_name for dispatch in found} == {"", NAME}
    (listed,) = (dispatch for dispatch in found if dispatch.agent_name == NAME)
    assert listed.id == created.id
    assert json.loads(listed.metadata)["greeting"] == "Sent for."
    await server.agent_dispatch.delete_dispatch(created.id, room)
    await agent_leaves(caller)


async def test_the_api_brings_it_into_a_room_before_anybody_is_there(
    named: Worker, join: Join, server: api.LiveKitAPI
) -> None:
    room = new_room()
    request = api.CreateAgentDispatchRequest(
        agent_name=NAME, room=room, metadata=greeting("I was waiting.")
    )
    await server.agent_dispatch.create_dispatch(request)
    await hears(await join("", room=room), "I was waiting.")


async def test_a_room_that_is_made_with_agents_has_them(
    named: Worker, join: Join, server: api.LiveKitAPI
) -> None:
    room = new_room()
    agents = [api.RoomAgentDispatch(agent_name=NAME, metadata=greeting("Made for you."))]
    await server.room.create_room(api.CreateRoomRequest(name=room, agents=agents))
    await hears(await join("", room=room), "Made for you.")


async def test_the_token_that_opens_a_room_brings_the_agent_of_its_room_configuration(
    named: Worker, join: Join
) -> None:
    await hears(await join(NAME, metadata=greeting("By token.")), "By token.")


async def test_the_token_of_who_comes_later_brings_nobody(named: Worker, join: Join) -> None:
    room = new_room()
    first = await join("", room=room, caller=Caller("ann"))
    await join(NAME, room=room, caller=Caller("bob"))
    await asyncio.sleep(NOBODY_COMES_S)
    assert [p.identity for p in first.room.remote_participants.values()] == ["bob"]


async def test_the_token_of_the_page_brings_the_agent_that_the_page_is_for(
    named: Worker, livekit: LiveKit
) -> None:
    token = build_token(
        JoinRequest(room_name=new_room(), identity="ann"),
        api_key=KEYS.api_key,
        api_secret=KEYS.api_secret,
        ttl_s=60,
        agent_name=NAME,
        agent_metadata=greeting("From the page."),
    )
    caller = Caller()
    await caller.join(livekit.url, token)
    try:
        await hears(caller, "From the page.")
    finally:
        await caller.leave()


async def test_the_sip_rule_brings_the_agent_to_who_calls_by_phone(
    named: Worker, livekit: LiveKit
) -> None:
    """livekit-sip joins for its caller with a token that has the rule's room_config."""
    rule = json.loads(SIP_RULE.read_text())["dispatch_rule"]
    config = ParseDict(rule["room_config"], api.RoomConfiguration())
    room = rule["rule"]["dispatchRuleIndividual"]["roomPrefix"] + uuid.uuid4().hex[:8]
    token = (
        api.AccessToken(KEYS.api_key, KEYS.api_secret)
        .with_identity("sip_caller")
        .with_kind("sip")
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .with_room_config(config)
    )
    caller = Caller("sip_caller")
    await caller.join(livekit.url, token.to_jwt())
    try:
        await hears(caller, json.loads(config.agents[0].metadata)["greeting"])
    finally:
        await caller.leave()
