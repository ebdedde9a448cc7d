from __future__ import annotations

import json
from pathlib import Path

import jwt
import psutil
import pytest

from evals.ear import systems
from evals.ear.scenario import Conditions
from evals.ear.systems import SYSTEMS, System, SystemFailed, choose, running
from tests.stack.processes import KEYS, LiveKit

SERVER = LiveKit("ws://127.0.0.1:1", None)  # type: ignore[arg-type]


def program(folder: Path, text: str) -> System:
    path = folder / "program.py"
    path.write_text(text)
    return System(name="test", command=("python", str(path)))


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_token_brings_the_agent_and_tells_the_length_of_replies(name: str) -> None:
    system = choose(name, "patient")
    token = system.token("somewhere", Conditions(reply_s=8))
    content = jwt.decode(token, KEYS.api_secret, algorithms=["HS256"])
    wanted = {"profile": system.profile, "greeting": ""}
    if name != "parley_embedded":
        wanted["simulated"] = {"reply_s": 8}
    assert json.loads(content["metadata"]) == wanted
    if name == "pipecat":
        assert "roomConfig" not in content
    else:
        (agent,) = content["roomConfig"]["agents"]
        assert agent["agentName"] == system.label
        assert json.loads(agent["metadata"]) == wanted


def test_only_pipecat_comes_into_rooms_that_bring_nobody() -> None:
    """It joins every room whose name begins with eval-."""
    for system in SYSTEMS.values():
        assert system.new_room().startswith("eval-") is (system.name == "pipecat")
        assert system.new_room() != system.new_room()


def test_patience_is_a_setting_of_parley_alone() -> None:
    eager, patient = (choose("parley", patience) for patience in ("eager", "patient"))
    assert eager.environment["AGENT_PATIENCE"] == "eager"
    assert eager.label != patient.label
    assert choose("stock_vad", "eager") == choose("stock_vad", "patient")


def test_a_system_nobody_knows_is_named() -> None:
    with pytest.raises(SystemFailed, match="there is no system 'siri'; use parley,"):
        choose("siri", "normal")


def test_a_system_runs_until_the_block_ends_with_all_its_children(tmp_path: Path) -> None:
    system = program(
        tmp_path,
        "import os, subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(tmp_path / 'pids')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        "pathlib.Path(os.environ['PARLEY_READY_FILE']).touch()\n"
        "time.sleep(60)\n",
    )
    with running(system, SERVER):
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert all(psutil.pid_exists(pid) for pid in pids)
    assert not any(_is_running(pid) for pid in pids)


def test_a_system_gets_the_servers_address_and_nobody_elses_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_GREETING", "Hello!")
    monkeypatch.setenv("LIVEKIT_URL", "wss://elsewhere")
    system = program(
        tmp_path,
        "import json, os, pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'environment')!r}).write_text(json.dumps(dict(os.environ)))\n"
        "pathlib.Path(os.environ['PARLEY_READY_FILE']).touch()\n"
        "time.sleep(60)\n",
    )
    with running(system, SERVER):
        environment = json.loads((tmp_path / "environment").read_text())
    assert environment["LIVEKIT_URL"] == SERVER.url
    assert environment["AGENT_NAME"] == system.label
    assert "AGENT_GREETING" not in environment


def test_a_system_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    system = program(tmp_path, "import sys; sys.exit('no microphone today')")
    with pytest.raises(SystemFailed, match="(?s)test did not start.*no microphone today"):
        _start(system)


def test_a_program_that_is_not_there_is_reported() -> None:
    system = System(name="test", command=(".venv-nowhere/bin/python",))
    with pytest.raises(SystemFailed, match="test cannot be started.*scripts/evals_setup.sh"):
        _start(system)


def test_a_system_that_never_gets_ready_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "READY_S", 0.2)
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(SystemFailed, match="test did not start"):
        _start(program(tmp_path, "import time; time.sleep(60)"))
    assert not set(psutil.Process().children(recursive=True)) - before


def _start(system: System) -> None:
    with running(system, SERVER):
        pass


def _is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
