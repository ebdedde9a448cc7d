"""Whether an agent that the server lists is there: what its answers mean."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import api
from livekit.protocol.room import PerformRpcRequest

from agent.continuity.rooms import Rooms


class RoomService:
    """Answers as the test says."""

    def __init__(self, answer: Exception | None) -> None:
        self._answer = answer
        self._client = self
        self.asked: list[PerformRpcRequest] = []
        self.granted: list[api.VideoGrants] = []

    def _auth_header(self, grants: api.VideoGrants) -> dict[str, str]:
        self.granted.append(grants)
        return {}

    async def request(self, service: str, method: str, data: PerformRpcRequest, *_: Any) -> None:
        assert (service, method) == ("RoomService", "PerformRpc")
        self.asked.append(data)
        if self._answer is not None:
            raise self._answer


def refused(code: str, message: str) -> api.TwirpError:
    return api.TwirpError(code, f"twirp error unknown: {message}", status=400)


@pytest.mark.parametrize(
    ("answer", "is_silent"),
    [
        (refused("canceled", "RpcError 1502: Response timeout"), True),
        (refused("invalid_argument", "RpcError 1400: Method not supported at destination"), False),
        (refused("unavailable", "no response from servers"), False),
        (refused("bad_route", "an older server"), False),
        (None, False),
    ],
)
async def test_only_one_that_the_server_reaches_in_vain_is_taken_for_gone(
    answer: Exception | None, is_silent: bool
) -> None:
    service = RoomService(answer)
    rooms = Rooms(cast(api.LiveKitAPI, SimpleNamespace(room=service)), "parley")
    assert await rooms.is_silent("blue", "agent-1", 0.5) is is_silent
    ((asked,), (grants,)) = service.asked, service.granted
    assert (asked.room, asked.destination_identity, grants.room) == ("blue", "agent-1", "blue")
    assert asked.response_timeout_ms == 500
