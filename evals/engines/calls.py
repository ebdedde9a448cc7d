"""Callers at the same time: one model server for all, beside the stock way of one model in each
caller's process.

Speech goes in in real time; a caller speaks for three of every four seconds, twice as much as people
do. On both sides a decode has one thread.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import psutil  # type: ignore[import-untyped]  # comes with livekit-agents
from livekit.plugins.modelserver import EngineConfig

from evals.engines.caller import SPOKEN_S, TURN_S, Order
from evals.engines.timing import Times
from evals.engines.watched_server import watched_server
from evals.engines.whisper import sentence
from tests.models.random_whisper import scripted_whisper

Way = Literal["one model server", "one model server, admission", "one process a call"]

COUNTS = (1, 2, 4, 8)
_ALL = 1000
"""A capacity that refuses nobody."""

_LOOK_S = 2.0


def calls(*, turns: int) -> list[dict[str, Any]]:
    """Nobody is refused."""
    ways: tuple[Way, ...] = ("one model server", "one process a call")
    return [asyncio.run(_row(way, count, turns)) for count in COUNTS for way in ways]


def admission(*, turns: int) -> list[dict[str, Any]]:
    """The model server takes as many as it finds that it has the time for."""
    return [
        asyncio.run(_row("one model server, admission", count, turns))
        for count in COUNTS
        if count > 1
    ]


async def _row(way: Way, count: int, turns: int) -> dict[str, Any]:
    path = scripted_whisper(sentence(SPOKEN_S), size="tiny", quantization="int8", english_only=True)
    whisper = {"model": str(path), "cpu_threads": 1}
    delays = random.Random(count)
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        lag = Path(folder) / "lag.json"
        async with AsyncExitStack() as stack:
            address, pids = "", []
            if way != "one process a call":
                capacity = None if way.endswith("admission") else _ALL
                server = watched_server(lag, _whisper(whisper, capacity))
                running = await stack.enter_async_context(server)
                address, pids = running.address, [running.pid]
            orders = [
                Order(
                    whisper=whisper, turns=turns, delay_s=delays.uniform(0, TURN_S), address=address
                )
                for _ in range(count)
            ]
            starting = [stack.enter_async_context(_caller(order)) for order in orders]
            callers = await asyncio.gather(*starting)
            row = {"what": f"{count} callers, {way}"} | await _observed(callers, pids)
        loop = json.loads(lag.read_text()) if lag.exists() else {}
        return row | {"server_loop_max_ms": loop.get("max_ms")}


async def _observed(callers: Sequence[Process], others: Sequence[int]) -> dict[str, Any]:
    """Lets the callers call, and looks at what they and the other processes take meanwhile."""
    processes = [psutil.Process(pid) for pid in (*others, *(caller.pid for caller in callers))]
    over = asyncio.Event()
    looking = asyncio.create_task(_peak_mb(processes, over), name="memory")
    busy_s = -_busy_s(processes)
    begin_s = time.monotonic() + 0.5
    for caller in callers:
        assert caller.stdin is not None
        caller.stdin.write(f"{begin_s}\n".encode())
    reports = [json.loads(line) for line in await asyncio.gather(*map(_line, callers))]
    busy_s += _busy_s(processes)
    over.set()
    return _summary(reports, busy_s) | {"peak_pss_mb": round(await looking)}


def _summary(reports: Sequence[dict[str, Any]], busy_s: float) -> dict[str, Any]:
    """`text_…`: from a tenth of a second of speech to the first text that covers it."""
    served = [report for report in reports if not report["error"]]
    refused = sum(report["error"] == "refused" for report in reports)
    partials = sum(report["partials"] for report in served)
    delays_s = [delay_s for report in served for delay_s in report["delays_s"]]
    finals_s = [final_s for report in served for final_s in report["finals_s"]]
    spoken_s = len(finals_s) * SPOKEN_S
    return {
        "served": len(served),
        "refused": refused,
        "failed": len(reports) - len(served) - refused,
        "empty_finals": sum(report["empty_finals"] for report in served),
        "partials_per_spoken_s": round(partials / spoken_s, 2),
        "processor_s_per_spoken_s": round(busy_s / spoken_s, 3),
        **_prefixed("text", delays_s),
        **_prefixed("final", finals_s),
        "caller_loop_max_ms": max(report["loop"]["max_ms"] for report in served),
    }


def _prefixed(name: str, values_s: Sequence[float]) -> dict[str, float]:
    return {f"{name}_{key}": value for key, value in asdict(Times.of(values_s)).items()}


def _whisper(options: dict[str, Any], capacity: int | None) -> EngineConfig:
    return EngineConfig(
        name="whisper",
        kind="stt",
        factory="evals.engines.marked:marked_whisper",
        options=options,
        capacity=capacity,
    )


@asynccontextmanager
async def _caller(order: Order) -> AsyncIterator[Process]:
    """One that is ready to call."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evals.engines.caller"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        if await _line(process) != b"ready\n":
            raise RuntimeError("a caller did not start")
        yield process
    finally:
        process.stdin.close()
        await process.wait()


async def _line(process: Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.readline()


def _busy_s(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    busy_s: float = sum(each.user + each.system for each in times)
    return busy_s


async def _peak_mb(processes: Sequence[psutil.Process], over: asyncio.Event) -> float:
    """Of all processes together; what they share counts once."""
    peak_mb = 0.0
    while not over.is_set():
        peak_mb = max(peak_mb, sum(each.memory_full_info().pss for each in processes) / 1e6)
        try:
            async with asyncio.timeout(_LOOK_S):
                await over.wait()
        except TimeoutError:
            continue
    return peak_mb
