"""A person at a terminal in which `parley console` runs: on a machine of our own, or in writing."""

from __future__ import annotations

import io
import os
import pty
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console

from agent.config import Settings
from agent.console import ConsoleOptions, run_console
from tests.fakes.sound_device import Machine

WIDTH = 120


@dataclass
class Terminal:
    """Somebody who types at a terminal and reads what is on it."""

    keyboard: int
    console: Console = field(default_factory=lambda: Console(file=io.StringIO(), width=WIDTH))
    failure: BaseException | None = None

    @property
    def shown(self) -> str:
        assert isinstance(self.console.file, io.StringIO)
        return self.console.file.getvalue()

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())

    def wait_for(self, text: str, timeout_s: float = 20.0) -> None:
        self.wait_until(lambda: text in self.shown, text, timeout_s)

    def wait_until(self, condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, f"no {what!r} in {self.shown}"
            time.sleep(0.02)

    def act(self, person: Callable[[Terminal], None]) -> None:
        """What the person does, then Ctrl-D."""
        try:
            person(self)
        except BaseException as e:
            self.failure = e
        finally:
            self.type("\x04")


def at_a_terminal(
    machine: Machine,
    person: Callable[[Terminal], None],
    settings: Settings,
    profile: str | None = "embedded",
) -> str:
    """A call with sound; returns what was on the screen."""
    keyboard, descriptor = pty.openpty()
    terminal = Terminal(keyboard)
    # The call is in this thread, as plugins and signals want it.
    acting = threading.Thread(target=terminal.act, args=(person,))
    acting.start()
    try:
        status = run_console(
            settings,
            ConsoleOptions(profile=profile),
            terminal.console,
            descriptor=descriptor,
            sound_api=lambda: machine,
        )
    finally:
        acting.join()
        os.close(keyboard)
        os.close(descriptor)
    if terminal.failure is not None:
        raise terminal.failure
    assert status == 0
    return terminal.shown


def in_writing(lines: str, settings: Settings, profile: str = "embedded") -> tuple[int, str]:
    """The status of a call in which these are piped in, and what was on the screen."""
    console = Console(file=io.StringIO(), width=WIDTH)
    reading, writing = os.pipe()
    os.write(writing, lines.encode())
    os.close(writing)
    try:
        options = ConsoleOptions(text=True, profile=profile)
        status = run_console(settings, options, console, descriptor=reading)
    finally:
        os.close(reading)
    assert isinstance(console.file, io.StringIO)
    return status, console.file.getvalue()
