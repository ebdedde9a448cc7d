"""How a call may end: the reason for livekit, and what the room is told (level, code, sentence)."""

from __future__ import annotations

from agent.room_messages import Level

End = tuple[str, Level, str, str]

BUSY: End = (
    "engine busy",
    "error",
    "busy",
    "All lines are busy: please call again in a minute.",
)
ENGINE_FAILED: End = (
    "engine failure",
    "error",
    "engine_failed",
    "The call ended because an engine kept failing; the worker's log says which.",
)
FAILURES: End = (
    "failures in a row",
    "error",
    "engine_failed",
    "The call ended because the agent kept failing; the worker's log says how.",
)
NO_VOICE: End = (
    "no voice",
    "error",
    "failed",
    "The call ended because the agent's voice could not be brought into the room.",
)
NO_CALLER: End = ("no caller", "info", "ended", "The call has ended.")
BY_AGENT: End = ("hung up by the agent", "info", "ended", "The agent has ended the call.")
