"""How many commands a call costs the Redis behind a LiveKit server (one node, one worker), and how many
such a Redis can take."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from redis.asyncio import Redis

from evals.ear.systems import running
from evals.load.results import conditions
from evals.load.systems import Loaded, choose_loaded
from tests.stack.caller import Caller
from tests.stack.processes import LiveKit, prepared_livekit, start_livekit, stop
from tests.stack.redis import redis_server

CALLS = 5
_LOOK_S = 20.0
_SETTLE_S = 6.0


def measure(calls: int = CALLS, look_s: float = _LOOK_S) -> dict[str, Any]:
    """Of the profile `simulated`; other engines say nothing to Redis. Raises SystemFailed."""
    with redis_server() as url, _livekit_on(url) as server:
        [parley] = choose_loaded(["parley"], Path(server.url))
        with running(parley.system, server):
            figures = asyncio.run(_figures(parley, server, url, calls, look_s))
        figures["publishes_per_s_at_most"] = _publishes_per_s(url)
    return {"conditions": conditions(nodes=1, workers=1, calls=calls)} | figures


@contextmanager
def _livekit_on(redis_url: str) -> Iterator[LiveKit]:
    with prepared_livekit() as (folder, url):
        path = folder / "livekit.yaml"
        config = yaml.safe_load(path.read_text())
        config["redis"] = {"address": redis_url.removeprefix("redis://")}
        path.write_text(yaml.safe_dump(config))
        server = start_livekit(folder, url)
        try:
            yield server
        finally:
            stop(server.process)


def _publishes_per_s(redis_url: str) -> float | None:
    """Of messages to nobody, 50 clients; None where there is no redis-benchmark."""
    program = shutil.which("redis-benchmark")
    if program is None:
        return None
    port = redis_url.rpartition(":")[2]
    command = [program, "-p", port, "-n", "100000", "--csv", "publish", "parley", "x" * 200]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    # "publish parley …","84602.37",… below a line of headings
    return float(done.stdout.strip().splitlines()[-1].split('","')[1].strip('"'))


async def _figures(
    parley: Loaded, server: LiveKit, url: str, calls: int, look_s: float
) -> dict[str, Any]:
    redis = Redis.from_url(url)
    callers = [Caller() for _ in range(calls)]
    try:
        await asyncio.sleep(_SETTLE_S)
        idle, idle_s = await _commands(redis, asyncio.sleep(look_s))
        begun, begun_s = await _commands(redis, _begin(callers, parley, server))
        going, going_s = await _commands(redis, asyncio.sleep(look_s))
        ended, ended_s = await _commands(redis, _end(callers))
    finally:
        await asyncio.gather(*(caller.leave() for caller in callers), return_exceptions=True)
        await redis.aclose()
    per_s = idle.total() / idle_s
    return {
        "idle_commands_per_s": round(per_s, 2),
        "commands_to_begin_a_call": round((begun.total() - per_s * begun_s) / calls, 1),
        "commands_per_s_of_a_call": round((going.total() / going_s - per_s) / calls, 2),
        "commands_to_end_a_call": round((ended.total() - per_s * ended_s) / calls, 1),
        "most_frequent": dict((begun + going + ended).most_common(6)),
    }


async def _begin(callers: list[Caller], parley: Loaded, server: LiveKit) -> None:
    for caller in callers:
        await caller.join(server.url, parley.token())
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")  # noqa: B023
    await asyncio.sleep(_SETTLE_S)


async def _end(callers: list[Caller]) -> None:
    await asyncio.gather(*(caller.leave() for caller in callers))
    await asyncio.sleep(_SETTLE_S)


async def _commands(redis: Redis, doing: Any) -> tuple[Counter[str], float]:
    """What Redis was told while something was done, and how long that took."""
    before, begun_s = await _told(redis), time.monotonic()
    await doing
    return await _told(redis) - before, time.monotonic() - begun_s


async def _told(redis: Redis) -> Counter[str]:
    """Commands so far, by name, without our own."""
    stats = await redis.info("commandstats")
    counts = {name.removeprefix("cmdstat_"): of["calls"] for name, of in stats.items()}
    return Counter({name: count for name, count in counts.items() if name != "info"})
