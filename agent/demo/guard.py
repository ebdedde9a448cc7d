"""Outlives the demo by a moment: when the demo is killed outright, ends what it had started.

Run as a script, in a session of its own, reading orders from standard input, one JSON value a
line: `{"group": 12}` and `{"forget": 12}` name a process group; `{"command": ["docker", …]}` is
something to run. The end of the input is the end of the demo, however it came about.
"""

import contextlib
import json
import os
import signal
import subprocess  # nosec B404 # ends what the demo started
import sys
from collections.abc import Iterable
from typing import IO

__all__ = ["Guard", "end_groups", "leftovers"]

_COMMAND_S = 20.0


class Guard:
    """The demo's end of the pipe. Use as a context manager; leaving it lets the guard finish."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # nosec B603 # this file
            # -I -S: the guard is there within milliseconds and needs nothing but this file.
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._orders: IO[bytes] = self._process.stdin

    def __enter__(self) -> "Guard":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()
        self._process.wait()

    def watch(self, group: int) -> None:
        """From now on the process group dies with the demo."""
        self._send({"group": group})

    def forget(self, group: int) -> None:
        """The process group has ended."""
        self._send({"forget": group})

    def at_end(self, command: list[str]) -> None:
        """Has `command` run once the demo has ended, however it ends."""
        self._send({"command": command})

    def _send(self, order: dict[str, object]) -> None:
        # A guard that somebody killed must not take the demo with it.
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(json.dumps(order).encode() + b"\n")
            self._orders.flush()


def leftovers(lines: Iterable[bytes]) -> tuple[list[int], list[list[str]]]:
    """Process groups still there and commands to run, once `lines` have come to their end."""
    groups: dict[int, None] = {}
    commands = []
    for line in lines:
        match json.loads(line):
            case {"group": int(group)}:
                groups[group] = None
            case {"forget": int(group)}:
                groups.pop(group, None)
            case {"command": list(command)}:
                commands.append([str(word) for word in command])
    return list(groups), commands


def end_groups(groups: Iterable[int]) -> None:
    """Kills every process of the groups."""
    for group in groups:
        # macOS answers EPERM for a group of which only zombies are left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _main() -> None:
    groups, commands = leftovers(sys.stdin.buffer)
    end_groups(groups)
    for command in commands:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(  # nosec B603 # what the demo, which holds the other end, has ordered
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_COMMAND_S,
                check=False,
            )


if __name__ == "__main__":
    _main()
