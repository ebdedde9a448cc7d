"""What a first caller gets, measured at the caller's ear in real rooms on a real livekit-server.

    python -m evals.first_call [--turns 20] [--greetings 10]

Time from joining to the greeting, from hanging up to the end of the process, from the end of speech to the first audio of the answer, with the
embedded engines and, beside them in the same run, the simulated ones (80/150/70 ms); memory of the
worker and of a call. Raw figures go to `evals/results/first_call.json`.
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
from tests.stack.speech import speech

RESULTS = Path(__file__).parent / "results" / "first_call.json"
QUESTIONS = (
    "What time is it?",
    "What is twelve times seven?",
    "Which day is it today?",
    "What can you do for me?",
    "Tell me the time in Tokyo.",
)
VOICES = ("slt", "rms", "kal16", "awb")


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


async def responses(url: str, turns: int, *, greeted: bool) -> dict[str, Any]:
    """Turns of one call, each with its record; a turn without an answer counts as failed."""
    caller = await join(url)
    if greeted:
        await caller.wait_for_answer(caller.joined_s)
        await caller.wait_for_quiet()
    else:
        await asyncio.sleep(2)
    times, failed = [], 0
    for number in range(turns):
        text, voice = QUESTIONS[number % len(QUESTIONS)], VOICES[number % len(VOICES)]
        end_s = await caller.say(speech(text, voice))
        try:
            times.append(await caller.wait_for_answer(end_s, 8) - end_s)
        except AssertionError:
            failed += 1
        await caller.wait_for_quiet(1.5)
    await asyncio.sleep(1)
    lateness = sorted(caller.lateness_s)
    await caller.leave()
    return {
        "response_s": times,
        "failed": failed,
        "records": caller.turns,
        "microphone_lateness_p99_s": lateness[int(len(lateness) * 0.99)],
    }


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


async def measure(profile: str, url: str, worker: Worker, options: argparse.Namespace) -> Any:
    result: dict[str, Any] = await responses(url, options.turns, greeted=profile == "embedded")
    result["response"] = summary(result["response_s"])
    if profile == "embedded":
        calls = [await short_call(url, worker) for _ in range(options.greetings)]
        result["greeting_s"], result["process_gone_s"] = map(list, zip(*calls, strict=True))
        result["greeting"] = summary(result["greeting_s"])
        result["process_gone"] = summary(result["process_gone_s"])
        result["memory"] = await memory(url, worker)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--greetings", type=int, default=10)
    options = parser.parse_args()
    for text in QUESTIONS:
        for voice in VOICES:
            speech(text, voice)  # made before the calls: the microphone must not wait
    results: dict[str, Any] = {
        "conditions": {
            "when": time.strftime("%Y-%m-%d"),
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "network": "loopback",
            "microphone": "flite voices over a -60 dBFS noise bed, 48 kHz",
        }
    }
    with livekit_server() as server:
        for profile in ("simulated", "embedded"):
            with running_worker(server.environment | {"AGENT_PROFILE": profile}) as worker:
                results[profile] = asyncio.run(measure(profile, server.url, worker, options))
    RESULTS.write_text(json.dumps(results, indent=1))
    shown = {name: results[name]["response"] for name in ("simulated", "embedded")}
    shown |= {name: results["embedded"][name] for name in ("greeting", "process_gone", "memory")}
    print(json.dumps(shown, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
