"""A real livekit-server and real workers, on free loopback ports, gone afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from agent.config import Settings
from agent.demo.ports import ServerPorts
from agent.demo.server_config import server_config
from agent.ports import free_port, pick_port
from agent.private_files import Keys
from agent.ready_file import READY_FILE_VARIABLE
from agent.token_check import check_token

KEYS = Keys(api_key="test-key", api_secret="a-secret-for-tests-that-is-long-enough")


@dataclass(frozen=True)
class LiveKit:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LIVEKIT_URL": self.url,
            "LIVEKIT_API_KEY": KEYS.api_key,
            "LIVEKIT_API_SECRET": KEYS.api_secret,
        }


def server_binary() -> str:
    """livekit-server on PATH or in Parley's tool cache; `make test` puts it there."""
    cached = Settings().cache_dir / "bin" / "livekit-server"
    found = shutil.which("livekit-server") or (str(cached) if cached.exists() else None)
    assert found, "no livekit-server: run `make test`, which installs one"
    return found


@contextmanager
def prepared_livekit() -> Iterator[tuple[Path, str]]:
    """A folder with the configuration of one on free ports, and its URL."""
    with tempfile.TemporaryDirectory() as name:
        folder, ports = Path(name), _server_ports()
        (folder / "livekit.yaml").write_text(server_config(ports, KEYS))
        yield folder, f"ws://127.0.0.1:{ports.signal}"


def _server_ports() -> ServerPorts:
    """Others each time: who is left of an earlier test looks for its own server for half a minute,
    and would find the next one. Below those that connections get, or a client that asks again and
    again for a server that is down would reach itself."""
    signal = pick_port(random.randrange(10_000, 30_000))
    media_tcp = pick_port(signal + 1, host="0.0.0.0")
    media_udp = pick_port(signal + 1, udp=True)
    return ServerPorts(signal=signal, media_tcp=media_tcp, media_udp=media_udp)


def start_livekit(folder: Path, url: str) -> LiveKit:
    """Of `prepared_livekit`. Blocks until it answers."""
    log = folder / "livekit.log"
    command = [server_binary(), "--config", str(folder / "livekit.yaml")]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until(lambda: asyncio.run(check_token(url, KEYS)).is_accepted, log, 20, process)
    except BaseException:
        stop(process)
        raise
    return LiveKit(url, process)


@contextmanager
def livekit_server() -> Iterator[LiveKit]:
    with prepared_livekit() as (folder, url):
        server = start_livekit(folder, url)
        try:
            yield server
        finally:
            stop(server.process)


@dataclass
class Worker:
    """A running `parley dev`."""

    process: subprocess.Popen[bytes]
    log: Path
    metrics_port: int
    health_port: int
    status: int | None = field(default=None)
    orphans: list[psutil.Process] = field(default_factory=list)
    """Its children, once it was killed."""

    def metrics(self) -> str:
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def probe(self, path: str = "/readyz") -> tuple[int, dict[str, Any]]:
        """The status of its answer to a probe, and what it tells."""
        try:
            with urlopen(f"http://127.0.0.1:{self.health_port}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)
        except HTTPError as e:
            with e:
                return e.code, json.load(e)

    def processes(self) -> list[psutil.Process]:
        """The worker itself first, then its children; none when it has ended."""
        try:
            worker = psutil.Process(self.process.pid)
            return [worker, *worker.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def job_processes(self) -> list[psutil.Process]:
        """Processes with a call, and warm ones waiting."""
        return self.processes()[1:]

    def kill(self) -> float:
        """SIGKILL for the worker, not for its children; returns when (monotonic)."""
        self.orphans = self.job_processes()
        self.process.kill()
        self.process.wait()
        return time.monotonic()


@contextmanager
def running_worker(environment: dict[str, str], command: str = "dev") -> Iterator[Worker]:
    """Starts a worker, waits until it is registered, and stops it with SIGTERM."""
    with tempfile.TemporaryDirectory() as folder:
        ready, log = Path(folder) / "ready", Path(folder) / "worker.log"
        metrics_port, health_port = free_port(), free_port()
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))},
            "AGENT_METRICS_PORT": str(metrics_port),
            "AGENT_HEALTH_PORT": str(health_port),
            READY_FILE_VARIABLE: str(ready),
            **environment,
        }
        arguments = [command, "--no-reload"] if command == "dev" else [command]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "agent", *arguments], env=env, stdout=output, stderr=output
            )
        worker = Worker(process, log, metrics_port, health_port)
        try:
            wait_until(ready.exists, log, 60, process)
            yield worker
        finally:
            if keep := os.environ.get("PARLEY_TEST_LOGS"):
                shutil.copy(log, Path(keep) / f"worker-{process.pid}.log")
            family = worker.processes() or worker.orphans
            worker.status = stop(process)
            alive = _alive_after(family, timeout_s=10)
            for left in alive:
                left.kill()
            assert not alive, f"left behind: {alive}"


def _alive_after(family: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    end_s = time.monotonic() + timeout_s
    while alive := [process for process in family if _is_alive(process)]:
        if time.monotonic() > end_s:
            break
        time.sleep(0.05)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    """Orphans that have ended stay in the table where nobody reaps them."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop(process: subprocess.Popen[bytes], timeout_s: float = 20) -> int:
    """SIGTERM, and SIGKILL when that does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def wait_until(
    condition: Callable[[], bool], log: Path, timeout_s: float, process: subprocess.Popen[bytes]
) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        if process.poll() is not None or time.monotonic() > end_s:
            raise AssertionError(f"did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)
