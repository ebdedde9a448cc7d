"""A real redis-server on a free loopback port, which keeps nothing on disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from agent.ports import free_port
from tests.stack.processes import stop


@contextmanager
def redis_server() -> Iterator[str]:
    """Its URL; `make test` installs the program."""
    program = shutil.which("redis-server")
    assert program, "no redis-server: run `make test`, which installs one"
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        end_s = time.monotonic() + 10
        while not _answers(port):
            assert time.monotonic() < end_s and process.poll() is None, "redis-server did not start"
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}"
    finally:
        stop(process)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
