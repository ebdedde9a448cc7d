"""Parley with Moshi: the fake server of the tests, which tells which reply it gives by its tone.

    AGENT_NAME=moshi python -m evals.baselines.moshi

It begins its reply at the next 80 ms after `PATIENCE_S` of quiet: what is measured beyond that is
Parley's and the way of the sound. The worker runs in a process of its own.
"""

from __future__ import annotations

import asyncio
import sys

from livekit.plugins.simulated.reply import reply_text

from evals.baselines.realtime import run, tone_of_reply
from tests.fakes.providers.moshi import FakeMoshi

PATIENCE_S = 0.24
_REPLIES = tuple(reply_text(turn) for turn in range(1, 500))


async def serve() -> None:
    """Writes its address, and serves until it is ended."""
    server = FakeMoshi(replies=_REPLIES, voice=tone_of_reply, patience_s=PATIENCE_S)
    async with server.running():
        sys.stdout.write(f"{server.address}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> int:
    if "--serve" not in sys.argv:
        return run("evals.baselines.moshi", lambda url: {"AGENT_REALTIME": f"moshi:{url}"})
    asyncio.run(serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
