"""An agent that is in the room before the caller whom it is to go on with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from livekit.protocol.models import Room

_OLD_S = 3.0
"""A room that is older when an agent is sent for was there for another one."""
_RETURN_S = 10.0
"""In which LiveKit's clients have tried twice to come back."""
_LOOK_S = 0.05


async def wait_for_return(room: Room, is_awaited: Callable[[], bool]) -> None:
    """Until nobody `is_awaited` any more, or for a while; at once in a new room.

    LiveKit makes a room anew whose node has died, and its agent may be there before the caller, who
    alone is told what was said. `room` is that of the job.
    """
    if not room.creation_time or time.time() - room.creation_time < _OLD_S:
        return
    for _ in range(int(_RETURN_S / _LOOK_S)):
        if not is_awaited():
            return
        await asyncio.sleep(_LOOK_S)
