"""Run by test_no_outside_connection inside its namespace: server, worker and a call, then the count."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.stack.caller import Caller, join_token
from tests.stack.processes import KEYS, livekit_server, running_worker
from tests.stack.speech import speech


def packets_sent(interface: str) -> int:
    statistics = Path("/proc/net/dev").read_text().splitlines()
    line = next(line for line in statistics if line.strip().startswith(f"{interface}:"))
    return int(line.split(":")[1].split()[9])


async def call(url: str) -> None:
    caller = Caller()
    await caller.join(url, join_token(KEYS.api_key, KEYS.api_secret, "alone", caller.identity))
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    end_s = await caller.say(speech("What time is it?"))
    await caller.wait_for_answer(end_s)
    await caller.wait_for_quiet()
    await caller.leave()


def main(interface: str) -> None:
    before = packets_sent(interface)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.sendto(b"is this counted?", ("203.0.113.1", 9))
    counted = packets_sent(interface) - before
    sys.stdout.write(f"counted before the call: {'works' if counted == 1 else counted}\n")
    before = packets_sent(interface)
    with livekit_server() as server, running_worker(server.environment):
        asyncio.run(call(server.url))
    sys.stdout.write(f"packets sent outside: {packets_sent(interface) - before}\n")


if __name__ == "__main__":
    main(sys.argv[1])
