"""Half an hour of calls that come and go, and what grows meanwhile."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from livekit import api
from rich.progress import Progress, TaskID

from agent.sizing.usage import family
from evals.ear.metrics import percentile
from evals.ear.systems import running
from evals.load import watch
from evals.load.budget import LATE_S
from evals.load.child import Child, child
from evals.load.growth import Sample, grown, slopes, to_rows, with_lasting
from evals.load.passing import Planned, plan
from evals.load.results import conditions, read, write
from evals.load.systems import Loaded, choose_loaded
from tests.stack.processes import KEYS, LiveKit, livekit_server

FILE = "soak.json"
_SAMPLE_S = 10.0
_WARM_UP_CALLS = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    name: str
    output: Path
    minutes: float = 30.0
    calls: int = 240
    seed: int = 0
    idle_s: float = 20.0
    """Before the first call and after the last: empty rooms go, and the next process is made."""


@dataclass
class _Told:
    """What the callers told so far."""

    came: int = 0
    gone: list[dict[str, Any]] = field(default_factory=list)

    @property
    def going(self) -> int:
        return self.came - len(self.gone)


@dataclass(frozen=True)
class _Watched:
    worker: psutil.Process
    server: psutil.Process
    url: str
    begun_s: float

    async def sample(self, calls: int) -> tuple[Sample, dict[int, float]]:
        """With the memory of each process of the worker."""
        rss_mb: dict[int, float] = {}
        for process in family(self.worker):
            with suppress(psutil.NoSuchProcess):
                rss_mb[process.pid] = process.memory_info().rss / 1e6
        sample = Sample(
            at_s=round(time.monotonic() - self.begun_s, 1),
            calls=calls,
            worker_rss_mb=round(rss_mb[self.worker.pid], 1),
            lasting_rss_mb=0.0,
            family_mb=round(watch.memory_mb(self.worker), 1),
            worker_fds=self.worker.num_fds(),
            processes=len(rss_mb),
            server_rss_mb=round(self.server.memory_info().rss / 1e6, 1),
            server_fds=self.server.num_fds(),
            rooms=await self._rooms(),
        )
        return sample, rss_mb

    async def _rooms(self) -> int:
        async with api.LiveKitAPI(self.url, KEYS.api_key, KEYS.api_secret) as server:
            return len((await server.room.list_rooms(api.ListRoomsRequest())).rooms)


def measure(options: Options, progress: Progress) -> dict[str, Any]:
    """Returns what is written for the system, also when it was stopped before its time.

    Raises SystemFailed, JournalError, KeyboardInterrupt.
    """
    path = options.output / FILE
    content = read(path)
    facts = conditions(minutes=options.minutes, calls=options.calls, seed=options.seed)
    report: dict[str, Any] = {}

    def save(told: _Told, before: Sample, samples: list[Sample], after: Sample | None) -> None:
        report.update(_report(told, before, samples, after))
        content[options.name] = {"conditions": facts} | report
        write(path, content)

    with tempfile.TemporaryDirectory(prefix="parley-") as folder, ExitStack() as stack:
        [loaded] = choose_loaded([options.name], Path(folder))
        server = stack.enter_context(livekit_server())
        worker = stack.enter_context(running(loaded.system, server))
        asyncio.run(_soak(options, loaded, server, worker, progress, save))
    return report


async def _soak(
    options: Options,
    loaded: Loaded,
    server: LiveKit,
    worker: psutil.Process,
    progress: Progress,
    save: Callable[[_Told, Sample, list[Sample], Sample | None], None],
) -> None:
    await _call_and_forget(loaded, server, plan(_WARM_UP_CALLS, 10.0, random.Random(1)))
    await asyncio.sleep(options.idle_s)
    watched = _Watched(worker, psutil.Process(server.process.pid), server.url, time.monotonic())
    before, _ = await watched.sample(0)
    bar = progress.add_task(options.name, total=options.minutes * 60)
    calls = plan(options.calls, options.minutes * 60, random.Random(options.seed))
    told = _Told()
    snapshots: list[tuple[Sample, dict[int, float]]] = []
    async with child("evals.load.passing", _order(loaded, server, calls)) as callers:
        listening = asyncio.create_task(_listen(callers, told), name="callers")
        while not listening.done():
            snapshots.append(await watched.sample(told.going))
            save(told, before, with_lasting(snapshots), None)
            _show(progress, bar, snapshots[-1][0], told)
            await asyncio.wait({listening}, timeout=_SAMPLE_S)
        await listening
    await asyncio.sleep(options.idle_s)
    after, _ = await watched.sample(0)
    save(told, before, with_lasting(snapshots), after)


def _order(loaded: Loaded, server: LiveKit, calls: list[Planned]) -> dict[str, Any]:
    return {
        "url": server.url,
        "listens_s": loaded.listens_s,
        "calls": [asdict(call) for call in calls],
        "tokens": [loaded.token() for _ in calls],
    }


async def _call_and_forget(loaded: Loaded, server: LiveKit, calls: list[Planned]) -> None:
    async with child("evals.load.passing", _order(loaded, server, calls)) as callers:
        await _listen(callers, _Told())


async def _listen(callers: Child, told: _Told) -> None:
    async for event in callers.events():
        match event.pop("event"):
            case "came":
                told.came += 1
            case "gone":
                told.gone.append(event)


def _show(progress: Progress, bar: TaskID, sample: Sample, told: _Told) -> None:
    what = f"{len(told.gone)} calls, {told.going} now, worker {sample.worker_rss_mb:.0f} MB"
    progress.update(bar, completed=sample.at_s, description=what)


def _report(
    told: _Told, before: Sample, samples: list[Sample], after: Sample | None
) -> dict[str, Any]:
    lines = slopes(samples)
    return {
        "is_whole": after is not None,
        "minutes": round(samples[-1].at_s / 60, 1) if samples else 0.0,
        "calls": len(told.gone),
        "most_at_once": max((sample.calls for sample in samples), default=0),
        "failed_calls": [one["failure"] for one in told.gone if one["failure"]],
        "callers_late": sum(one["late_p99_s"] > LATE_S for one in told.gone),
        **_turns(told.gone),
        "before": asdict(before),
        "after": asdict(after) if after else None,
        "slopes_per_hour": {name: _rounded(asdict(line)) for name, line in lines.items()},
        "grown": grown(lines, before, after) if after else None,
        "samples": to_rows(samples),
    }


def _turns(gone: list[dict[str, Any]]) -> dict[str, Any]:
    """In halves of the calls: whether the later ones were answered later."""
    parts = {"first_half": gone[: len(gone) // 2], "second_half": gone[len(gone) // 2 :]}
    return {"turns": {name: _answers(calls) for name, calls in parts.items()}}


def _answers(calls: list[dict[str, Any]]) -> dict[str, Any]:
    turns = [turn for call in calls for turn in call["turns"]]
    times_s = sorted(turn["response_s"] for turn in turns if turn["response_s"] is not None)
    outcomes = [turn["outcome"] for turn in turns]
    return {
        "n": len(turns),
        "cut_off": outcomes.count("cut_off"),
        "unanswered": outcomes.count("unanswered"),
        "p50_s": percentile(times_s, 0.5),
        "p95_s": percentile(times_s, 0.95),
    }


def _rounded(line: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()
    }
