"""What a first caller gets, measured at the caller's ear in real rooms on a real livekit-server.

    python -m evals.first_call [--calls 10]

Time from joining to the greeting and from hanging up to the end of the process, and memory of the
worker and of a call, with the embedded engines. Raw figures go to `evals/results/first_call.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

from tests.stack.caller import Caller, join_token
from tests.stack.processes import KEYS, Worker, livekit_server, running_worker

RESULTS = Path(__file__).parent / "results" / "first_call.json"


async def join(url: str) -> Caller:
    caller = Caller()
    room = f"eval-{uuid.uuid4().hex[:8]}"
    await caller.join(url, join_token(KEYS.api_key, KEYS.api_secret, room, caller.identity))
    return caller


async def short_call(url: str, worker: Worker) -> tuple[float, float]:
    """Seconds from arrival to the greeting's first sound, and from hanging up to the end of the
    call's process."""
    caller = await join(url)
    greeting_s = await caller.wait_for_answer(caller.joined_s) - caller.joined_s
    await asyncio.sleep(1)
    running = worker.job_processes()
    left_s = time.monotonic()
    await caller.leave()
    await caller.wait_for(lambda: not all(p.is_running() for p in running), "end of the process")
    gone_s = time.monotonic() - left_s
    await asyncio.sleep(2)
    return greeting_s, gone_s


async def memory(url: str, worker: Worker) -> dict[str, float]:
    """MB: resident size of the worker itself, and what one more call adds to all processes."""
    await asyncio.sleep(3)
    before = _proportional_mb(worker)
    callers = [await join(url) for _ in range(2)]
    await asyncio.sleep(8)
    during = _proportional_mb(worker)
    for caller in callers:
        await caller.leave()
    return {
        "worker_rss_mb": psutil.Process(worker.process.pid).memory_info().rss / 1e6,
        "all_processes_pss_mb": before,
        "one_more_call_pss_mb": (during - before) / len(callers),
    }


def _proportional_mb(worker: Worker) -> float:
    return sum(process.memory_full_info().pss for process in worker.processes()) / 1e6


def summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "p50_s": statistics.median(ordered),
        "p95_s": ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))],
    }


async def measure(url: str, worker: Worker, count: int) -> dict[str, Any]:
    calls = [await short_call(url, worker) for _ in range(count)]
    greeting_s, gone_s = map(list, zip(*calls, strict=True))
    return {
        "greeting_s": greeting_s,
        "process_gone_s": gone_s,
        "greeting": summary(greeting_s),
        "process_gone": summary(gone_s),
        "memory": await memory(url, worker),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=10)
    options = parser.parse_args()
    conditions = {
        "when": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "network": "loopback",
    }
    with livekit_server() as server:
        settings = server.environment | {"AGENT_PROFILE": "embedded"}
        with running_worker(settings) as worker:
            results = asyncio.run(measure(server.url, worker, options.calls))
    RESULTS.write_text(json.dumps({"conditions": conditions} | results, indent=1) + "\n")
    print(json.dumps({n: results[n] for n in ("greeting", "process_gone", "memory")}, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
