"""A telephone's signalling, by sipp (Debian's sip-tester) and call.xml."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.ports import LOOPBACK, free_port
from evals.ear.caller import CallFailed
from evals.ear.systems import SystemFailed
from evals.phone.messages import Message, parse_messages
from tests.stack.processes import stop

SCENARIO = Path(__file__).with_name("call.xml")
NUMBER = "+15550100"
"""Which the trunk of deploy/sip has."""

_LONGEST_CALL_S = 1800
_POLL_S = 0.01


def program() -> str:
    """Raises SystemFailed."""
    found = shutil.which("sipp")
    if found is None:
        raise SystemFailed("There is no sipp: run `apt-get install sip-tester`.")
    return found


class Dialled:
    """A call in progress."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process = process
        self._port = port
        self._log = log
        self._to_monotonic_s = time.monotonic() - time.time()
        self._size = 0
        self._messages: list[Message] = []

    @property
    def messages(self) -> list[Message]:
        """All so far."""
        size = self._log.stat().st_size if self._log.exists() else 0
        if size != self._size:
            self._messages = parse_messages(self._log.read_text(errors="replace"))
            self._size = size
        return self._messages

    @property
    def is_over(self) -> bool:
        """One side has hung up, or sipp has ended."""
        bye = any(m.method == "BYE" and m.status is None for m in self.messages)
        return bye or self._process.poll() is not None

    def monotonic_s(self, message: Message) -> float:
        return message.at_s + self._to_monotonic_s

    async def wait_for(
        self, what: str, is_it: Callable[[Message], bool], timeout_s: float
    ) -> Message:
        """The first such message, from the beginning of the call on. Raises CallFailed."""
        end_s = time.monotonic() + timeout_s
        while (found := next(filter(is_it, self.messages), None)) is None:
            refused = next((m for m in self.messages if (m.status or 0) >= 400), None)
            if refused is not None:
                raise CallFailed(f"the call was refused: {refused.start}")
            if time.monotonic() > end_s or self._process.poll() is not None:
                raise CallFailed(f"no {what}")
            await asyncio.sleep(_POLL_S)
        return found

    async def answered(self, timeout_s: float = 30.0) -> Message:
        return await self.wait_for(
            "answer", lambda m: m.status == 200 and m.method == "INVITE", timeout_s
        )

    async def hang_up(self) -> Message:
        """Makes sipp send its BYE; returns that."""
        invite = self.messages[0]
        request = (
            f"INFO sip:phone@{LOOPBACK}:{self._port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {LOOPBACK}:9;branch=z9hG4bK-hang-up\r\n"
            f"From: {invite.headers['from']}\r\n"
            f"To: {invite.headers['to']}\r\n"
            f"Call-ID: {invite.headers['call-id']}\r\n"
            "CSeq: 2 INFO\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hand:
            hand.sendto(request.encode(), (LOOPBACK, self._port))
        return await self.wait_for("BYE", lambda m: m.method == "BYE" and m.status is None, 5.0)

    async def until_gone(self, timeout_s: float = 10.0) -> None:
        """Until sipp has ended. Raises CallFailed."""
        end_s = time.monotonic() + timeout_s
        while self._process.poll() is None:
            if time.monotonic() > end_s:
                raise CallFailed("the call does not end")
            await asyncio.sleep(_POLL_S)


@contextmanager
def dialled(sip_port: int, sound_port: int, folder: Path) -> Iterator[Dialled]:
    """Calls NUMBER; at the end sipp is gone. `folder` keeps its files."""
    port, log = free_port(udp=True), folder / "messages.log"
    command = [
        *(program(), "-sf", str(SCENARIO), "-m", "1", "-s", NUMBER),
        *("-i", LOOPBACK, "-p", str(port), "-ci", LOOPBACK, "-cp", str(free_port())),
        *("-key", "sound_port", str(sound_port), "-timeout", f"{_LONGEST_CALL_S}s"),
        *("-trace_msg", "-message_file", str(log)),
        *("-trace_err", "-error_file", str(folder / "errors.log")),
        *("-nostdin", "-skip_rlimit", f"{LOOPBACK}:{sip_port}"),
    ]
    with (folder / "sipp.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:
        yield Dialled(process, port, log)
    finally:
        stop(process, timeout_s=2)
