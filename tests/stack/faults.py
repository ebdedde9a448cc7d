"""Faults of processes and of the network, done to the real stack."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent.demo.ports import pick_server_ports
from agent.demo.server_config import server_config
from agent.demo.token_check import check_token
from tests.stack.processes import KEYS, LiveKit, Worker, server_binary, stop, wait_until


def job_processes(worker: Worker) -> list[psutil.Process]:
    """The processes of the worker that have a call: those with media connections."""
    return [process for process in worker.job_processes() if _has_media(process)]


def _has_media(process: psutil.Process) -> bool:
    try:
        return bool(process.net_connections("udp"))
    except psutil.NoSuchProcess:
        return False


def kill_the_job(worker: Worker) -> float:
    """SIGKILL for the process of the worker's only call; returns when (monotonic)."""
    (process,) = job_processes(worker)
    process.kill()
    return time.monotonic()


@dataclass
class RestartableServer:
    """A livekit-server that can be killed and started again on the same ports."""

    url: str
    config: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Blocks until it answers."""
        with self.log.open("ab") as output:
            command = [server_binary(), "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        wait_until(
            lambda: asyncio.run(check_token(self.url, KEYS)).is_accepted, self.log, 20, self.process
        )

    def kill(self) -> None:
        """SIGKILL: no client is told."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @property
    def livekit(self) -> LiveKit:
        assert self.process is not None
        return LiveKit(self.url, self.process)


@contextmanager
def restartable_server() -> Iterator[RestartableServer]:
    with tempfile.TemporaryDirectory() as folder:
        ports = pick_server_ports("127.0.0.1")
        config = Path(folder) / "livekit.yaml"
        config.write_text(server_config(ports, KEYS))
        server = RestartableServer(
            f"ws://127.0.0.1:{ports.signal}", config, Path(folder) / "livekit.log"
        )
        server.start()
        try:
            yield server
        finally:
            if server.process is not None:
                stop(server.process)
