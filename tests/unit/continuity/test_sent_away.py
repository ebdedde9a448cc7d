"""What the end of a process takes back, by the way in which its agent left the room."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.protocol.agent import Job

from agent.continuity import FileStore
from agent.continuity.thread import Thread
from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq


class Dispatches:
    """Writes down what is withdrawn."""

    def __init__(self) -> None:
        self.withdrawn: list[tuple[str, str]] = []

    async def delete_dispatch(self, dispatch: str, room: str) -> None:
        self.withdrawn.append((dispatch, room))


@pytest.mark.parametrize(
    ("reason", "withdrawn"),
    [
        (rtc.DisconnectReason.PARTICIPANT_REMOVED, [("AD_1", "blue")]),
        (rtc.DisconnectReason.ROOM_DELETED, []),
        (rtc.DisconnectReason.SERVER_SHUTDOWN, []),
        (None, []),
    ],
)
async def test_only_an_agent_that_was_put_out_of_a_room_that_goes_on_is_withdrawn(
    tmp_path: Path,
    reason: rtc.DisconnectReason.ValueType | None,
    withdrawn: list[tuple[str, str]],
) -> None:
    room, dispatches = rtc.Room(), Dispatches()
    actions = CallActions(announce=lambda text: None, hang_up=lambda: None)
    toolbox = Toolbox(actions, Faq([]), now=lambda: datetime.now(UTC))
    job = Job(dispatch_id="AD_1", room=api.Room(name="blue"))
    server = SimpleNamespace(agent_dispatch=dispatches)
    ctx = cast(JobContext, SimpleNamespace(room=room, job=job, api=server))
    thread = Thread(ctx, FileStore(tmp_path), toolbox, language="en", was_interrupted=False)
    if reason is not None:
        room.emit("disconnected", reason)
    await thread.drop()
    assert dispatches.withdrawn == withdrawn
