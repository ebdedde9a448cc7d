"""What the baselines on livekit-agents share: a worker that takes every call on loopback."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable

from livekit import rtc
from livekit.agents import AgentServer, JobContext, JobProcess

from agent.ready_file import announce_ready
from agent.worker import run_worker

_SETUP_S = 80.0
"""livekit's own 10 s are too short for models to be loaded in."""

NEEDED = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "AGENT_NAME")


def loopback() -> rtc.RtcConfiguration:
    """No STUN server outside this machine."""
    return rtc.RtcConfiguration(ice_servers=[rtc.IceServer(urls=["stun:127.0.0.1:3478"])])


def serve(
    entrypoint: Callable[[JobContext], Awaitable[None]],
    *,
    setup: Callable[[JobProcess], None] | None = None,
    idle_processes: int = 1,
) -> int:
    """Runs a worker for `entrypoint` until SIGTERM; what it needs is in `NEEDED` variables.

    `setup`: done in each process before it gets a call. Returns the exit status.
    """
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        sys.stderr.write(f"set {', '.join(missing)} in the environment\n")
        return 2
    server = AgentServer(
        host="127.0.0.1",
        port=0,
        num_idle_processes=idle_processes,
        initialize_process_timeout=_SETUP_S,
        load_fnc=_never_full,
        log_level="INFO",
    )
    if setup is not None:
        server.setup_fnc = setup
    server.rtc_session(entrypoint, agent_name=os.environ["AGENT_NAME"])
    server.on("worker_registered", announce_ready)
    return run_worker(server)


def _never_full(server: AgentServer) -> float:
    """Grows with calls and stays below what livekit-server takes for full (0.7)."""
    calls = len(server.active_jobs)
    return 0.5 * calls / (calls + 10)
