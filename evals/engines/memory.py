"""What a further call costs in memory, in real rooms: livekit's job process alone, its documented
session, and a worker of ours with all three local engines.

Proportional sizes (smaps_rollup) of all processes of a worker: what they share counts once. The
models are made here; Whisper has the architecture of tiny.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # comes with livekit-agents

from evals.ear.systems import SYSTEMS, System, running
from tests.models.local_settings import HEARD, local_settings
from tests.models.random_whisper import scripted_whisper
from tests.stack.caller import Caller, join_token
from tests.stack.processes import KEYS, LiveKit, livekit_server
from tests.stack.speech import speech

_BARE = System(name="bare", command=("python", "-m", "evals.engines.bare_worker"))
_SETTLING_S = 8.0
"""For the process of the next call to be there and to rest."""

_SERVERS = {"model_server": "livekit.plugins.modelserver", "llama_server": "llama_cpp/runner.py"}
_QUESTION = "What time is it now?"


def calls(*, count: int) -> list[dict[str, Any]]:
    """`count` calls one after the other, all of which stay."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder, livekit_server() as server:
        systems = (_BARE, SYSTEMS["stock_v1_mini"], local_system(Path(folder)))
        return [_row(system, server, count) for system in systems]


def local_system(folder: Path) -> System:
    """Parley with all three local engines on models made in `folder`; Whisper's is the size of tiny."""
    whisper = scripted_whisper(HEARD, size="tiny", quantization="int8", english_only=True)
    return System(
        name="parley_local",
        command=("python", "-m", "agent", "dev", "--no-reload"),
        environment=local_settings(folder) | {"AGENT_STT": f"faster_whisper:{whisper}"},
        profile="local",
    )


def _row(system: System, server: LiveKit, count: int) -> dict[str, Any]:
    with running(system, server) as worker:
        sizes = asyncio.run(_sizes(system, server, worker, count))
    before, after = sizes[0], sizes[-1]
    return {
        "what": system.name,
        "calls": count,
        "worker_mb": [round(size["worker"], 1) for size in sizes],
        "further_call_mb": round((after["worker"] - sizes[1]["worker"]) / (count - 1), 1),
        **{f"{name}_mb": [round(before[name], 1), round(after[name], 1)] for name in _SERVERS},
    }


async def _sizes(
    system: System, server: LiveKit, worker: psutil.Process, count: int
) -> list[dict[str, float]]:
    """Before the first call, and after each has begun."""
    callers: list[Caller] = []
    sizes = [await _settled(worker)]
    try:
        for _ in range(count):
            callers.append(await _called(system, server))
            sizes.append(await _settled(worker))
    finally:
        await asyncio.gather(*(caller.leave() for caller in callers))
    return sizes


async def _called(system: System, server: LiveKit) -> Caller:
    """Somebody in a call, who has been answered if the agent can."""
    caller = Caller()
    room = system.new_room()
    token = join_token(KEYS.api_key, KEYS.api_secret, room, "caller", system.label)
    await caller.join(server.url, token)
    if system.is_ours:
        await caller.wait_for_answer(caller.joined_s, timeout_s=60)
        await caller.wait_for_quiet()
        end_s = await caller.say(speech(_QUESTION))
        await caller.wait_for_answer(end_s, timeout_s=60)
    return caller


async def _settled(worker: psutil.Process) -> dict[str, float]:
    await asyncio.sleep(_SETTLING_S)
    sizes = {"worker": 0.0, **dict.fromkeys(_SERVERS, 0.0)}
    for process in (worker, *worker.children(recursive=True)):
        sizes[_kind(process.cmdline())] += process.memory_full_info().pss / 1e6
    return sizes


def _kind(command: Sequence[str]) -> str:
    line = " ".join(command)
    return next((kind for kind, sign in _SERVERS.items() if sign in line), "worker")
