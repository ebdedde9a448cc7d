"""Which participants of a room are taken for agents of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.protocol.agent import Job
from livekit.protocol.agent_dispatch import AgentDispatch, AgentDispatchState
from livekit.protocol.models import ParticipantInfo

from agent.continuity import FileStore
from agent.continuity.rescue import RoomView
from agent.continuity.rooms import Rooms, mark_of
from agent.continuity.thread import Thread
from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq

PARTICIPANTS = {
    "agent": (ParticipantInfo.Kind.AGENT, mark_of("parley")),
    "agent of another name": (ParticipantInfo.Kind.AGENT, mark_of("other")),
    "caller": (ParticipantInfo.Kind.STANDARD, {}),
    "caller with our mark": (ParticipantInfo.Kind.STANDARD, mark_of("parley")),
    "telephone with our mark": (ParticipantInfo.Kind.SIP, mark_of("parley")),
}
OURS = {"agent"}


JOINED_S = 100


class RoomService:
    """One room with all of them in it."""

    async def list_rooms(self, request: api.ListRoomsRequest) -> api.ListRoomsResponse:
        return api.ListRoomsResponse(rooms=[api.Room(name="blue", sid="RM_1")])

    async def list_participants(
        self, request: api.ListParticipantsRequest
    ) -> api.ListParticipantsResponse:
        people = [
            ParticipantInfo(identity=name, kind=kind, attributes=attributes, joined_at=JOINED_S)
            for name, (kind, attributes) in PARTICIPANTS.items()
        ]
        return api.ListParticipantsResponse(participants=people)


class Dispatches:
    """A room begins with its first one."""

    def __init__(self, *made_s: float) -> None:
        states = [AgentDispatchState(created_at=int(at_s * 1e9)) for at_s in made_s]
        self._listed = [AgentDispatch(agent_name="parley", state=state) for state in states]

    async def list_dispatch(self, room: str) -> list[AgentDispatch]:
        return self._listed


async def seen(dispatches: Dispatches) -> RoomView:
    server = SimpleNamespace(room=RoomService(), agent_dispatch=dispatches)
    view = await Rooms(cast(api.LiveKitAPI, server), "parley").look("blue")
    assert view is not None
    return view


async def test_the_look_out_counts_agents_only_however_callers_mark_themselves() -> None:
    view = await seen(Dispatches(JOINED_S - 0.5))
    assert view.agents == OURS
    assert view.callers == {name for name in PARTICIPANTS if not name.startswith("agent")}


async def test_agents_that_are_listed_from_before_a_room_s_node_died_do_not_count() -> None:
    assert not (await seen(Dispatches(JOINED_S + 5.0, JOINED_S + 9.0))).agents
    assert (await seen(Dispatches(JOINED_S - 5.0, JOINED_S + 9.0))).agents == OURS
    assert (await seen(Dispatches())).agents == OURS


class Room(rtc.Room):
    """Nobody is connected: the test says who is there."""

    people: Mapping[str, Any] = {}

    @property
    def remote_participants(self) -> Mapping[str, rtc.RemoteParticipant]:
        return self.people


@pytest.mark.parametrize(
    ("kind", "attributes", "is_agent"),
    [
        (rtc.ParticipantKind.PARTICIPANT_KIND_AGENT, mark_of(""), True),
        (rtc.ParticipantKind.PARTICIPANT_KIND_AGENT, {}, False),
        (rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD, mark_of(""), False),
        (rtc.ParticipantKind.PARTICIPANT_KIND_SIP, mark_of(""), False),
    ],
)
async def test_an_agent_leaves_its_call_to_another_agent_and_to_no_caller(
    tmp_path: Path, kind: Any, attributes: dict[str, str], is_agent: bool
) -> None:
    room = Room()
    room.people = {"somebody": SimpleNamespace(kind=kind, attributes=attributes)}
    actions = CallActions(announce=lambda text: None, hang_up=lambda: None)
    toolbox = Toolbox(actions, Faq([]), now=lambda: datetime.now(UTC))
    ctx = cast(JobContext, SimpleNamespace(room=room, job=Job(room=api.Room(name="blue"))))
    thread = Thread(ctx, FileStore(tmp_path), toolbox, language="en", was_interrupted=False)
    assert thread.has_other_agent is is_agent
    await thread.drop()
