"""Callers in a process of their own: orders go in as JSON lines, what happens comes out as JSON lines."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from evals.ear.systems import ROOT, SystemFailed

_FIRST_IN_LINE = -10
"""Niceness of callers: they stand for machines of their own, which have not to wait for ours."""
_LEAVES_S = 20.0

Tell = Callable[[dict[str, Any]], None]
GoOn = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Child:
    """The side of the one who gives the order."""

    process: asyncio.subprocess.Process
    _log: IO[bytes]

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Until it ends. Raises SystemFailed when it ends in a fault."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.startswith(b"{"):  # libraries may print
                yield json.loads(line)
        if await self.process.wait():
            self._log.seek(0)
            tail = self._log.read().decode(errors="replace")[-2000:]
            raise SystemFailed(f"the process of the callers ended; the end of its log:\n{tail}")

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@asynccontextmanager
async def child(module: str, order: dict[str, Any]) -> AsyncIterator[Child]:
    """`python -m module` with that order; at the end it is gone."""
    with tempfile.TemporaryFile() as log:
        # Its own session: Ctrl-C is for us.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            limit=1 << 20,
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            yield Child(process, log)
        except BaseException:
            with suppress(ProcessLookupError):
                process.kill()
            raise
        finally:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), _LEAVES_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def obey(work: Callable[[dict[str, Any], Tell, GoOn], Awaitable[None]]) -> None:
    """The child's side: `work` gets the order, tells what happens, and may wait to go on."""
    with suppress(OSError):  # not everybody may
        # Before livekit starts its threads: each inherits it.
        os.setpriority(os.PRIO_PROCESS, 0, _FIRST_IN_LINE)
    asyncio.run(_obey(work))
    # At once: livekit's library, when the interpreter takes it down, may panic over a last piece of sound.
    os._exit(0)


async def _obey(work: Callable[[dict[str, Any], Tell, GoOn], Awaitable[None]]) -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    order = json.loads(await reader.readline())
    _tell({"event": "ready", "nice": os.getpriority(os.PRIO_PROCESS, 0)})
    await work(order, _tell, reader.readline)


def _tell(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
