from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.agents import AgentStateChangedEvent, UserStateChangedEvent

from agent.call_status import MOST_CALLS, CallStatus, running_calls, share_calls
from agent.turn_record import TurnRecord


@pytest.fixture
def shared(tmp_path: Path) -> dict[str, str]:
    environment: dict[str, str] = {}
    share_calls(tmp_path, environment)
    return environment


def begun(environment: dict[str, str], room: str = "kitchen") -> tuple[CallStatus, Any]:
    """A call's status, and what emits as its session does."""
    session = rtc.EventEmitter[str]()
    status = CallStatus(environment, clock=lambda: 100.0)
    status.begin("AJ_one", room, cast(Any, session))
    return status, session


def agent_is(session: Any, state: Any) -> None:
    session.emit(
        "agent_state_changed", AgentStateChangedEvent(old_state="initializing", new_state=state)
    )


def caller_is(session: Any, state: Any) -> None:
    session.emit(
        "user_state_changed", UserStateChangedEvent(old_state="listening", new_state=state)
    )


def test_a_call_is_told_with_its_age_turns_and_newest_response_time(shared: dict[str, str]) -> None:
    status, session = begun(shared)
    agent_is(session, "listening")
    status.finished(TurnRecord(call="kitchen", turn=1, outcome="answered", playout_s=0.4321))
    status.finished(TurnRecord(call="kitchen", turn=2, outcome="ignored"))
    (call,) = running_calls(shared, now_s=163.5)
    assert call.pop("resident_bytes") > 0 or sys.platform != "linux"
    assert call == {
        "call": "AJ_one",
        "room": "kitchen",
        "pid": os.getpid(),
        "age_s": 63.5,
        "turns": 2,
        "state": "listening",
        "response_s": 0.432,
    }
    status.end()
    status.end()
    assert running_calls(shared) == []


def test_its_state_is_the_agents_or_that_the_caller_speaks(shared: dict[str, str]) -> None:
    _, session = begun(shared)
    states = [running_calls(shared)[0]["state"]]
    for change, state in (
        (agent_is, "listening"),
        (caller_is, "speaking"),
        (caller_is, "listening"),
        (agent_is, "thinking"),
        (agent_is, "speaking"),
        (caller_is, "speaking"),
    ):
        change(session, state)
        states.append(running_calls(shared)[0]["state"])
    assert states == [
        "initializing",
        "listening",
        "caller speaks",
        "listening",
        "thinking",
        "speaking",
        "speaking",
    ]


def test_an_event_after_the_end_brings_no_call_back(shared: dict[str, str]) -> None:
    status, session = begun(shared)
    status.end()
    agent_is(session, "listening")
    status.finished(TurnRecord(call="kitchen", turn=1, outcome="failed"))
    assert running_calls(shared) == []


def test_a_process_that_was_killed_leaves_no_call(shared: dict[str, str]) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    left = Path(shared["PARLEY_CALLS"]) / f"{process.pid}.json"
    left.write_text("{}")
    assert running_calls(shared) == []
    assert not left.exists()


def test_of_many_calls_the_newest_are_told(shared: dict[str, str]) -> None:
    begun(shared)
    folder = Path(shared["PARLEY_CALLS"])
    own = folder / f"{os.getpid()}.json"
    told = json.loads(own.read_text())
    own.unlink()
    for number in range(MOST_CALLS + 5):  # names of one process, so that all of them run
        path = folder / f"{os.getpid():0{10 + number}}.json"
        path.write_text(json.dumps(told | {"call": f"AJ_{number}", "begun_s": number}))
    calls = running_calls(shared, now_s=100.0)
    assert [call["call"] for call in calls] == [f"AJ_{n}" for n in range(MOST_CALLS + 4, 4, -1)]


def test_only_this_user_may_look(shared: dict[str, str]) -> None:
    begun(shared)
    folder = Path(shared["PARLEY_CALLS"])
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_worker_nobody_is_told() -> None:
    status, session = begun({})
    agent_is(session, "listening")
    status.finished(TurnRecord(call="kitchen", turn=1))
    status.end()
    assert running_calls({}) == []
