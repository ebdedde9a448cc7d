"""A conversation to keep."""

from __future__ import annotations

from typing import Any

from agent.continuity import Conversation
from agent.continuity.conversation import Said, ToolCall
from agent.tools.state import KeptTimer, ToolState

ITEMS = (
    Said(role="user", text="Set a timer for one minute."),
    ToolCall(name="set_timer", call_id="c1", arguments='{"duration_s": 60}', output="It is set."),
    Said(role="assistant", text="Your timer is", interrupted=True),
)


def conversation(**changes: Any) -> Conversation:
    given: dict[str, Any] = {
        "room": "blue/room",
        "job": "AJ_1",
        "caller": "ann",
        "language": "en",
        "greeted": True,
        "items": ITEMS,
        "tools": ToolState(
            notes=("my cat is called Felix",),
            timers=(KeptTimer(label="tea", duration_s=60, due_s=1_060),),
        ),
        "saved_s": 1_000.0,
    }
    return Conversation(**{**given, **changes})
