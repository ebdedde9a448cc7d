"""What a worker's calls are at: each job process tells it in a file, the worker reads them.

livekit keeps the processes' numbers to itself, and of a job it knows the room and no more.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from livekit.agents import AgentSession, AgentStateChangedEvent, UserStateChangedEvent

from agent.metrics_files import is_running
from agent.private_files import write_private
from agent.turn_record import TurnRecord
from agent.vitals import resident_bytes

MOST_CALLS = 40
"""That the worker tells of: the newest."""

_VARIABLE = "PARLEY_CALLS"
_FOLDER = "calls"
_SPEAKS = "caller speaks"


def share_calls(folder: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """A worker's calls tell in a folder of `folder`, from now on, what they are at."""
    path = folder / _FOLDER
    path.mkdir(mode=0o700)
    environment[_VARIABLE] = str(path)


class CallStatus:
    """Of one call, from `begin()` to `end()`; nothing of what is said. Without a worker it tells
    nobody."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: seconds, monotonic, which processes have in common."""
        folder = environment.get(_VARIABLE)
        self._path = Path(folder) / f"{os.getpid()}.json" if folder else None
        self._clock = clock
        self._told: dict[str, Any] = {}
        self._agent_state = "initializing"
        self._caller_speaks = False

    def begin(self, call: str, room: str, session: AgentSession[None]) -> None:
        self._told = {
            "call": call,
            "room": room,
            "begun_s": self._clock(),
            "turns": 0,
            "response_s": None,
        }
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_state_changed", self._on_user_state)
        self._tell()

    def finished(self, record: TurnRecord) -> None:
        """A turn is over."""
        if self._told:
            self._told["turns"] = max(record.turn, self._told["turns"])
            if record.playout_s is not None:
                self._told["response_s"] = round(record.playout_s, 3)
            self._tell()

    def end(self) -> None:
        """Twice is fine."""
        self._told = {}
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._agent_state = event.new_state
        self._tell()

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        self._caller_speaks = event.new_state == "speaking"
        self._tell()

    def _tell(self) -> None:
        # A small file on this machine, most likely in memory, a few times a turn.
        if self._path is not None and self._told:
            is_heard = self._caller_speaks and self._agent_state == "listening"
            told = self._told | {"state": _SPEAKS if is_heard else self._agent_state}
            with contextlib.suppress(OSError):
                write_private(self._path, json.dumps(told))


def running_calls(
    environment: Mapping[str, str] = os.environ, now_s: float | None = None
) -> list[dict[str, Any]]:
    """The newest calls of this worker, the newest first, with their age and their process's memory.

    `now_s`: monotonic, now for None. The file of a process that was killed is deleted.
    """
    folder = environment.get(_VARIABLE)
    now_s = time.monotonic() if now_s is None else now_s
    found = [_read(path) for path in Path(folder).glob("[0-9]*.json")] if folder else []
    calls = sorted(filter(None, found), key=lambda call: call["begun_s"], reverse=True)
    return [_row(call, now_s) for call in calls[:MOST_CALLS]]


def _read(path: Path) -> dict[str, Any] | None:
    pid = int(path.stem)
    if not is_running(pid):
        path.unlink(missing_ok=True)
        return None
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
    except OSError:  # the call has just ended
        return None
    return told | {"pid": pid}


def _row(call: dict[str, Any], now_s: float) -> dict[str, Any]:
    pid = call["pid"]
    return {
        "call": call["call"],
        "room": call["room"],
        "pid": pid,
        "age_s": round(max(0.0, now_s - call["begun_s"]), 1),
        "turns": call["turns"],
        "state": call["state"],
        "response_s": call["response_s"],
        "resident_bytes": resident_bytes(Path(f"/proc/{pid}/statm")),
    }
