"""Piper's process, from outside: started, asked, started again."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess  # nosec B404 # Piper runs in a process of its own
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from livekit.plugins.speechcore import EngineError, EngineTimeout, end_child

from .runner import Kind, pack, unpack

_RUNNER = Path(__file__).with_name("runner.py")

_START_S = 60.0
"""Loading takes a second or two; on a machine that is busy much longer."""

_END_S = 2.0


def runner_command(voice: Path) -> list[str]:
    """`-P`: the folder of the program is no place to import from."""
    return [sys.executable, "-P", str(_RUNNER), str(voice)]


class _Ended(EngineError):
    """The process is gone."""


class PiperProcess:
    """Answers one text at a time, whichever thread asks. It ends with this process.

    One that has died or does not answer in time is started again for the text after.
    """

    def __init__(self, command: Sequence[str], *, timeout_s: float, mend: str) -> None:
        """`timeout_s`: for the speech of one text. `mend`: what to do when it cannot load."""
        self._command = list(command)
        self._timeout_s = timeout_s
        self._mend = mend
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """Of the process that runs, if one does."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Starts it if it does not run; returns at once, loading goes on there."""
        with self._lock:
            self._started()

    def ask(self, body: bytes) -> bytes:
        """The speech of a text. Raises EngineError with what the process says, or why it cannot.

        A process that turns out to have ended is started again once: one that was killed between
        two texts may look alive for a moment longer.
        """
        with self._lock:
            was_ready = self._is_ready
            try:
                return self._ask(body)
            except _Ended:
                if not was_ready:
                    raise
                return self._ask(body)

    def _ask(self, body: bytes) -> bytes:
        process = self._started()
        try:
            if not self._is_ready:
                self._answer(process, Kind.READY, _START_S)
                self._is_ready = True
            self._tell(process, pack(Kind.TEXT, body))
            return self._answer(process, Kind.SPEECH, self._timeout_s)
        except EngineError:
            if not self._is_ready:
                self._end()
            raise
        except BaseException:  # half an answer is in the pipe
            self._end()
            raise

    def close(self) -> None:
        """Ends it; waits for a text that is being spoken. Harmless when repeated."""
        with self._lock:
            self._is_closed = True
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._is_closed:
            raise EngineError("this piper voice is closed")
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            try:
                self._process = subprocess.Popen(  # nosec B603 # our own file
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    start_new_session=True,  # Ctrl-C is for the one who started it
                )
            except OSError as e:
                raise EngineError(f"piper's process cannot be started: {e}") from e
        return self._process

    def _tell(self, process: subprocess.Popen[bytes], message: bytes) -> None:
        assert process.stdin is not None
        try:
            while message:
                message = message[process.stdin.write(message) :]
        except OSError as e:
            raise self._has_ended(process) from e

    def _answer(self, process: subprocess.Popen[bytes], wanted: Kind, timeout_s: float) -> bytes:
        until_s = time.monotonic() + timeout_s
        try:
            kind, body = unpack(lambda count: self._read(process, count, until_s))
        except ValueError as e:
            self._end()
            raise EngineError(f"what runs as piper's process is not ours: it sent {e}") from e
        if kind is Kind.ERROR:
            sentence = body.decode(errors="replace")
            raise EngineError(sentence if self._is_ready else f"{sentence}: {self._mend}")
        if kind is not wanted:
            self._end()
            raise EngineError(f"what runs as piper's process is not ours: it sent {kind.name}")
        return body

    def _read(self, process: subprocess.Popen[bytes], count: int, until_s: float) -> bytes:
        assert process.stdout is not None
        data = bytearray()
        waiting = (
            select.poll()
        )  # select() knows no descriptor over 1023, a server of many calls does
        waiting.register(process.stdout, select.POLLIN)
        while len(data) < count:
            left_s = max(0.0, until_s - time.monotonic())
            if not waiting.poll(left_s * 1000):
                self._end()
                raise EngineTimeout("piper did not answer in time; the next text starts it again")
            piece = os.read(process.stdout.fileno(), count - len(data))
            if not piece:
                raise self._has_ended(process)
            data += piece
        return bytes(data)

    def _has_ended(self, process: subprocess.Popen[bytes]) -> _Ended:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        code = process.returncode
        self._end()
        return _Ended(
            f"piper's process has ended (exit code {code}); the next text starts it again"
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        self._is_ready = False
        if process is not None:
            end_child(process, timeout_s=_END_S)
