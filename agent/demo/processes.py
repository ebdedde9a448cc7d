"""Programs the demo runs: each in a session of its own, its output in a file, surely ended."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .guard import Guard, end_groups

__all__ = ["Child", "CommandOutcome", "describe_exit", "last_lines", "run_command", "start_child"]

logger = logging.getLogger(__name__)

_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """What a command that ran to its end left."""

    exit_status: int
    """Negative for the signal that killed it; 124 when it ran past its deadline."""
    output: str

    @property
    def last_line(self) -> str:
        """The last line it wrote that says anything, for a one-line reason."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else describe_exit(self.exit_status)


class Child:
    """A running program. Made by `start_child`; whoever made it awaits `stop()`."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, log_path: Path, guard: Guard
    ) -> None:
        self.name = name
        """What people call it: "the worker"."""
        self.log_path = log_path
        self._process = process
        self._guard = guard

    @property
    def pid(self) -> int:
        """Process id, which is also its process group and session."""
        return self._process.pid

    async def wait(self) -> int:
        """Waits for its end; gives the exit status, negative for a signal."""
        return await self._process.wait()

    async def stop(self, *, patience_s: float, hurry: asyncio.Event) -> None:
        """Ends it and everything it started; doing so twice is fine.

        Asks with SIGTERM, insists after half of `patience_s` (a worker in a call takes the first
        one as "finish your calls"), kills when the time is up or `hurry` is set.
        """
        for _ in range(2):
            if self._process.returncode is not None or hurry.is_set():
                break
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self._ended_within(patience_s / 2, hurry)
        if self._process.returncode is None:
            logger.info("killed, it did not stop in time", extra={"child": self.name})
        end_groups([self.pid])  # also whatever it left behind
        await self._process.wait()
        self._guard.forget(self.pid)

    async def _ended_within(self, seconds: float, hurry: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(self._process.wait()), asyncio.ensure_future(hurry.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def start_child(
    name: str, command: Sequence[str], *, env: Mapping[str, str], log_path: Path, guard: Guard
) -> Child:
    """Starts `command` with its output in `log_path` (a new file). Raises OSError when it cannot."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=dict(env),
            start_new_session=True,  # Ctrl-C reaches only the demo, which ends things in order
        )
    finally:
        os.close(descriptor)
    guard.watch(process.pid)
    return Child(name, process, log_path, guard)


async def run_command(
    command: Sequence[str], *, env: Mapping[str, str], deadline_s: float
) -> CommandOutcome:
    """Runs `command` to its end; when cancelled or late it is killed with all it started."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
    except OSError as e:
        return CommandOutcome(exit_status=127, output=f"it cannot be run: {e.strerror}")
    try:
        async with asyncio.timeout(deadline_s):
            output, _ = await process.communicate()
    except TimeoutError:
        return CommandOutcome(exit_status=124, output=f"not done after {deadline_s:g} seconds")
    finally:
        if process.returncode is None:
            end_groups([process.pid])
            await process.communicate()  # closes the pipe; a plain wait() leaves it open
    assert process.returncode is not None
    return CommandOutcome(exit_status=process.returncode, output=output.decode(errors="replace"))


def describe_exit(exit_status: int) -> str:
    """ "exit status 3" or "killed by SIGSEGV"."""
    if exit_status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-exit_status).name}"
    return f"exit status {exit_status}"


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a log file, none when there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
