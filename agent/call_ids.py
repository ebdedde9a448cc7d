"""Which call, room and turn the running code works for: on each log line and span of a job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from livekit.agents import get_job_context


class Turns(Protocol):
    """The turns of a call, by their numbers from 1."""

    def current_turn(self) -> int:
        """The one that the running code works for; 0 before the first."""
        ...

    def next_turn(self) -> int:
        """The one that the caller begins when they speak now."""
        ...


def of_job() -> tuple[str, str] | None:
    """The job that the running code belongs to, and the name of its room."""
    context = get_job_context(required=False)
    return None if context is None else (context.job.id, context.job.room.name)


class CallIds(logging.Filter):
    """A job's process has one. As a filter it puts `call`, `room` and `turn` on records without them.

    The call is its job: a room in which an agent came back after a fault has seen several.
    """

    def __init__(self, find: Callable[[], tuple[str, str] | None] = of_job) -> None:
        super().__init__()
        self.turns: Turns | None = None
        """Set when the call has begun."""
        self._find = find
        self._call: tuple[str, str] | None = None

    def fields(self) -> dict[str, str | int]:
        """Empty outside a call."""
        # Kept once found: livekit's client runs its callbacks where the job is not known.
        self._call = self._call or self._find()
        if self._call is None:
            return {}
        call, room = self._call
        return {"call": call, "room": room, "turn": self.turns.current_turn() if self.turns else 0}

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in self.fields().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True
