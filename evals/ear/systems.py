"""The systems that are compared: how each is started beside a livekit-server, and called."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from livekit import api

from agent.ready_file import READY_FILE_VARIABLE
from evals.ear.scenario import Conditions
from tests.stack.processes import KEYS, LiveKit, stop

_FOLDERS = re.compile(r"(?<![\w./])/(?:[^/,:\s]+/)+")

ROOT = Path(__file__).parents[2]
PIPECAT_PYTHON = ROOT / ".venv-evals" / "bin" / "python"
NO_PATIENCE = "default"
"""What the results say of a system that has no such setting."""

READY_S = 90.0
_REMEDY = "Baselines other than stock need `sh scripts/evals_setup.sh`."
_LOG_TAIL = 3000


class SystemFailed(RuntimeError):
    """A system that cannot be started; the message says what happened and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class System:
    """One system with its settings."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: str = NO_PATIENCE
    profile: str = "simulated"
    is_dispatched: bool = True
    """Otherwise it joins by itself each room whose name begins with eval-."""

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("parley")

    @property
    def is_simulated(self) -> bool:
        return self.profile in ("simulated", "realtime")

    @property
    def label(self) -> str:
        """Names the system together with its patience."""
        return f"{self.name}-{self.patience}"

    @property
    def settings(self) -> dict[str, Any]:
        """What makes this system differ from another, for the results: without the folders of a machine."""
        environment = {key: _FOLDERS.sub("", value) for key, value in self.environment.items()}
        return {"command": " ".join(self.command), **environment}

    def new_room(self) -> str:
        """A name that makes this system come, and no other."""
        return f"{'bench' if self.is_dispatched else 'eval'}-{self.label}-{uuid.uuid4().hex[:8]}"

    def token(self, room: str, conditions: Conditions) -> str:
        """The caller's token, which brings the agent and tells it how long its replies are."""
        call: dict[str, Any] = {"profile": self.profile, "greeting": ""}
        if self.is_simulated:
            call["simulated"] = {"reply_s": conditions.reply_s}
        metadata = json.dumps(call)
        token = (
            api.AccessToken(KEYS.api_key, KEYS.api_secret)
            .with_identity("caller")
            .with_metadata(metadata)
            .with_grants(api.VideoGrants(room_join=True, room=room))
        )
        if self.is_dispatched:
            dispatch = api.RoomAgentDispatch(agent_name=self.label, metadata=metadata)
            token = token.with_room_config(api.RoomConfiguration(agents=[dispatch]))
        return token.to_jwt()


def _parley(name: str, *, profile: str = "simulated", **settings: str) -> System:
    return System(
        name=name,
        command=("python", "-m", "agent", "dev", "--no-reload"),
        environment={"AGENT_PROFILE": profile, **settings},
        profile=profile,
    )


def _realtime(name: str, turns: str, *, model: str = "realtime") -> System:
    """With simulated engines behind a model that costs what they do, or behind a fake Moshi."""
    return System(
        name=name,
        command=("python", "-m", f"evals.baselines.{model}"),
        environment={
            "AGENT_PROFILE": "realtime",
            "AGENT_REALTIME_TURNS": turns,
            "AGENT_STT": "simulated:80ms",
            "AGENT_LLM": "simulated:150ms",
            "AGENT_TTS": "simulated:70ms",
            "AGENT_SILENCE_PROMPT_S": "0",
        },
        profile="realtime",
    )


def _stock(name: str, detector: str) -> System:
    command = ("python", "-m", "evals.baselines.stock", "--detector", detector)
    return System(name=name, command=command)


SYSTEMS = {
    system.name: system
    for system in (
        _parley("parley"),
        _parley("parley_classic", AGENT_TURNS="classic"),
        _parley("parley_vad", AGENT_TURNS="vad"),
        _parley("parley_embedded", profile="embedded"),
        _realtime("parley_realtime", "own"),
        _realtime("parley_realtime_vad", "server_vad"),
        _realtime("parley_moshi", "own", model="moshi"),
        _stock("stock_vad", "vad"),
        _stock("stock_v1_mini", "v1-mini"),
        System(
            name="pipecat",
            command=(str(PIPECAT_PYTHON.relative_to(ROOT)), "-m", "evals.baselines.pipecat_bot"),
            is_dispatched=False,
        ),
    )
}


def choose(name: str, patience: str) -> System:
    """The system of that name, Parley's with that patience. Raises SystemFailed."""
    if name not in SYSTEMS:
        raise SystemFailed(f"there is no system {name!r}; use {', '.join(SYSTEMS)}")
    system = SYSTEMS[name]
    if not system.is_ours:
        return system
    environment = {**system.environment, "AGENT_PATIENCE": patience}
    return replace(system, environment=environment, patience=patience)


@contextmanager
def running(system: System, server: LiveKit) -> Iterator[psutil.Process]:
    """Starts the system, waits until it takes calls, and stops it. Raises SystemFailed."""
    with tempfile.TemporaryDirectory() as folder:
        ready, log = Path(folder) / "ready", Path(folder) / "log"
        environment = {**_clean_environment(), **server.environment, **system.environment}
        environment |= {
            "AGENT_NAME": system.label,
            "AGENT_HEALTH_PORT": "0",
            "AGENT_METRICS_PORT": "0",
            READY_FILE_VARIABLE: str(ready),
            "PYTHONPATH": str(ROOT),
        }
        try:
            with log.open("wb") as output:
                # Its own session: Ctrl-C is for us, who then stop it in good order.
                process = subprocess.Popen(
                    _arguments(system),
                    cwd=ROOT,
                    env=environment,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        except OSError as e:
            raise SystemFailed(f"{system.name} cannot be started: {e}. {_REMEDY}") from None
        try:
            _wait_until_ready(system, process, ready, log)
            yield psutil.Process(process.pid)
        finally:
            _stop_with_children(process)
            if keep := os.environ.get("PARLEY_TEST_LOGS"):
                shutil.copy(log, Path(keep) / f"{system.label}.log")


def _arguments(system: System) -> list[str]:
    """The command with the interpreter it needs: "python" is the one that runs us."""
    program, *rest = system.command
    return [sys.executable if program == "python" else str(ROOT / program), *rest]


def _clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}


def _wait_until_ready(
    system: System, process: subprocess.Popen[bytes], ready: Path, log: Path
) -> None:
    end_s = time.monotonic() + READY_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end_s:
            tail = log.read_text(errors="replace")[-_LOG_TAIL:]
            raise SystemFailed(
                f"{system.name} did not start. {_REMEDY} The end of its log:\n{tail}"
            )
        time.sleep(0.05)


def _stop_with_children(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL for whatever is left of the family."""
    try:
        parent = psutil.Process(process.pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    stop(process)
    _, alive = psutil.wait_procs(family, timeout=3)
    for left in alive:
        left.kill()
    psutil.wait_procs(alive, timeout=3)
