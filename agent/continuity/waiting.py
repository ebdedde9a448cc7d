"""What a room tells a caller whom no worker has taken, in its metadata. Pure.

The metadata of a room belongs to who made it: only what is empty, or ours, is written.
"""

from __future__ import annotations

import json

from agent.continuity.rescue import ATTEMPTS, Bring, GiveUp, Leave, RoomView, Wait

_KEY = "parley"
_CODE = "busy"

# The page shows them under “All agents are busy”.
_STILL = "You are connected as soon as one is free."
_GIVEN_UP = "Please call again in a few minutes."


def mark_for(view: RoomView, decision: Bring | GiveUp | Wait | Leave) -> str | None:
    """The metadata that the room should have from now on; None to leave it as it is."""
    if not _is_unanswered(view) or not (view.metadata == "" or is_mark(view.metadata)):
        return None
    match decision:
        case Bring():
            mark = _mark(_STILL)
        case Leave() if len(view.dispatches) > ATTEMPTS:
            mark = _mark(_GIVEN_UP)
        case _:
            return None
    return mark if mark != view.metadata else None


def is_mark(metadata: str) -> bool:
    """Whether `mark_for` made it."""
    try:
        content = json.loads(metadata)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() == {_KEY}


def _mark(message: str) -> str:
    return json.dumps({_KEY: {"code": _CODE, "message": message}})


def _is_unanswered(view: RoomView) -> bool:
    """Callers wait, somebody asked for our agent, and none has come yet."""
    had_agent = any(dispatch.had_agent for dispatch in view.dispatches)
    return bool(view.callers and view.dispatches) and not (view.agents or had_agent)
