"""Faults of processes and of the network, done to the real stack."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.stack.processes import LiveKit, Worker, prepared_livekit, start_livekit, stop


def job_processes(worker: Worker) -> list[psutil.Process]:
    """The processes of the worker that have a call: those with media connections of their own."""
    parents: dict[psutil.Process, int] = {}
    for process in worker.job_processes():
        with suppress(psutil.NoSuchProcess):
            if process.net_connections("udp"):
                parents[process] = process.ppid()
    # A program that the SDK runs as it reconnects (lsb_release) has inherited its job's sockets.
    jobs = {process.pid for process in parents}
    return [process for process, parent in parents.items() if parent not in jobs]


def kill_the_job(worker: Worker) -> float:
    """SIGKILL for the process of the worker's only call; returns when (monotonic)."""
    (process,) = job_processes(worker)
    process.kill()
    return time.monotonic()


def kill_the_machine(worker: Worker) -> float:
    """SIGKILL for the worker and all that it has started; returns when (monotonic). Nobody says goodbye,
    as when a container is out of memory."""
    processes = worker.processes()
    for process in processes:
        process.suspend()
    for process in processes:
        process.kill()
    killed_s = time.monotonic()
    worker.process.wait()
    return killed_s


@dataclass
class RestartableServer:
    """A livekit-server that can be killed and started again on the same ports."""

    folder: Path
    livekit: LiveKit

    @property
    def url(self) -> str:
        return self.livekit.url

    def start(self) -> None:
        """Blocks until it answers."""
        self.livekit = start_livekit(self.folder, self.url)

    def kill(self) -> None:
        """SIGKILL: no client is told."""
        self.livekit.process.kill()
        self.livekit.process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """No signal and no media gets through, in either direction."""
        self.livekit.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.livekit.process.send_signal(signal.SIGCONT)


@contextmanager
def restartable_server() -> Iterator[RestartableServer]:
    with prepared_livekit() as (folder, url):
        server = RestartableServer(folder, start_livekit(folder, url))
        try:
            yield server
        finally:
            stop(server.livekit.process)
