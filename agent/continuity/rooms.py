"""What the look-out asks of the LiveKit server, through its public API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import aiohttp
from livekit import api, rtc
from livekit.api.room_service import RoomService
from livekit.protocol.agent import Job
from livekit.protocol.agent_dispatch import AgentDispatch
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.room import PerformRpcRequest, PerformRpcResponse

from agent.continuity.patrol import Listed
from agent.continuity.rescue import Dispatch, RoomView

FAILURES = (api.TwirpError, aiohttp.ClientError, TimeoutError)
"""What an unreachable or unwilling server raises."""


def mark_of(agent_name: str) -> dict[str, str]:
    """Attributes by which the participants of our agents are known; the name may be empty."""
    return {"parley.agent": agent_name or "*"}


_NO_PROCEDURE = "parley.none"
_TIMED_OUT = f"RpcError {rtc.RpcError.ErrorCode.RESPONSE_TIMEOUT:d}"

_CALLER_KINDS = (ParticipantInfo.Kind.STANDARD, ParticipantInfo.Kind.SIP)


async def withdraw(server: api.LiveKitAPI, job: Job) -> None:
    """The agent of this job is not to come back. A server that is gone is no error."""
    with contextlib.suppress(*FAILURES):
        if job.dispatch_id:
            await server.agent_dispatch.delete_dispatch(job.dispatch_id, job.room.name)


class Rooms:
    """Rooms of one server, seen by one kind of agent. All calls raise one of `FAILURES`."""

    def __init__(self, server: api.LiveKitAPI, agent_name: str) -> None:
        self._server = server
        self._agent_name = agent_name

    async def listed(self) -> dict[str, Listed]:
        """All of the server's, by name."""
        answer = await self._server.room.list_rooms(api.ListRoomsRequest())
        return {
            room.name: Listed(participants=room.num_participants, publishers=room.num_publishers)
            for room in answer.rooms
        }

    async def look(self, room: str) -> RoomView | None:
        """None when there is no such room."""
        answer = await self._server.room.list_rooms(api.ListRoomsRequest(names=[room]))
        if not answer.rooms:
            return None
        people = await self._server.room.list_participants(api.ListParticipantsRequest(room=room))
        present = [p for p in people.participants if p.state != ParticipantInfo.State.DISCONNECTED]
        listed = await self._server.agent_dispatch.list_dispatch(room)
        begun_s = _begun_s(listed)
        ours = [p for p in present if self._is_ours(p) and p.joined_at >= begun_s]
        connected = [p for p in ours if p.state == ParticipantInfo.State.ACTIVE]
        return RoomView(
            sid=answer.rooms[0].sid,
            callers=frozenset(p.identity for p in present if p.kind in _CALLER_KINDS),
            agents=frozenset(p.identity for p in ours),
            connected=frozenset(p.identity for p in connected),
            publishing=frozenset(p.identity for p in connected if p.tracks),
            dispatches=self._dispatches(listed),
            metadata=answer.rooms[0].metadata,
        )

    async def is_silent(self, room: str, identity: str, patience_s: float) -> bool:
        """Whether a participant whose connection seems to stand says nothing for so long: its machine is
        gone. The server itself would wait for it for 20 s.

        It is asked for a procedure that nobody offers. One that is there says so in milliseconds, however
        busy its event loop is: livekit's library answers.
        """
        request = PerformRpcRequest(
            room=room,
            destination_identity=identity,
            method=_NO_PROCEDURE,
            response_timeout_ms=round(patience_s * 1000),
        )
        try:
            await _perform(self._server.room, request)
        except api.TwirpError as e:
            return _TIMED_OUT in e.message
        return False

    async def bring_agent(self, room: str, metadata: str) -> None:
        request = api.CreateAgentDispatchRequest(
            agent_name=self._agent_name, room=room, metadata=metadata
        )
        await self._server.agent_dispatch.create_dispatch(request)

    async def mark(self, room: str, metadata: str) -> None:
        request = api.UpdateRoomMetadataRequest(room=room, metadata=metadata)
        await self._server.room.update_room_metadata(request)

    async def remove(self, room: str, identity: str) -> None:
        """Takes a participant out whose process is gone; one that is not there is no error."""
        who = api.RoomParticipantIdentity(room=room, identity=identity)
        try:
            await self._server.room.remove_participant(who)
        except api.TwirpError as e:
            if e.code != api.TwirpErrorCode.NOT_FOUND:
                raise

    async def close(self, room: str) -> None:
        await self._server.room.delete_room(api.DeleteRoomRequest(room=room))

    def _dispatches(self, listed: Sequence[AgentDispatch]) -> tuple[Dispatch, ...]:
        return tuple(
            Dispatch(
                id=dispatch.id,
                metadata=dispatch.metadata,
                asked_s=max(
                    dispatch.state.created_at,
                    *(job.state.started_at for job in dispatch.state.jobs),
                    0,
                )
                / 1e9,
                had_agent=bool(dispatch.state.jobs),
                agents=frozenset(
                    job.state.participant_identity
                    for job in dispatch.state.jobs
                    if job.state.participant_identity
                ),
                worker=_worker(dispatch.state.jobs),
            )
            for dispatch in listed
            if dispatch.agent_name == self._agent_name
        )

    def _is_ours(self, participant: ParticipantInfo) -> bool:
        mark = mark_of(self._agent_name).items()
        return participant.kind == ParticipantInfo.Kind.AGENT and (
            participant.attributes.items() >= mark
        )


async def _perform(service: RoomService, request: PerformRpcRequest) -> None:
    """livekit's client for Python has no method for it."""
    headers = service._auth_header(api.VideoGrants(room_admin=True, room=request.room))
    answer = PerformRpcResponse
    await service._client.request("RoomService", "PerformRpc", request, headers, answer)


def _worker(jobs: Iterable[Job]) -> str:
    """Of the newest."""
    newest = max(jobs, key=lambda job: job.state.started_at, default=None)
    return newest.state.worker_id if newest else ""


def _begun_s(listed: Sequence[AgentDispatch]) -> int:
    """When the room began to be where it is now. LiveKit makes a room anew whose node has died, with
    new dispatches, and goes on listing the agents that were lost with that node."""
    return min((dispatch.state.created_at for dispatch in listed), default=0) // 1_000_000_000
