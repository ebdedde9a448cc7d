"""More and more calls at the same time, until the budget breaks; every system in one run."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from rich.progress import Progress

from agent.sizing.usage import family
from evals.ear.systems import running
from evals.load import watch
from evals.load.budget import (
    CALLERS_LATE,
    Step,
    capacity,
    next_count,
    responses,
    why_broken,
)
from evals.load.child import child
from evals.load.results import conditions, read, write
from evals.load.steady import SET, Order
from evals.load.systems import Loaded, choose_loaded
from evals.load.turn import Turn
from tests.stack.processes import LiveKit, livekit_server

FILE = "load.json"
_SETTLE_S = 5.0
_LOOK_S, _LOOKS = 0.5, 60


@dataclass(frozen=True, kw_only=True)
class Options:
    names: tuple[str, ...]
    output: Path
    """A folder."""
    turns: int = 60
    """Of each step, of all its callers together: the same sentences in every step."""
    most: int = 16
    """Calls at the same time."""
    resume: bool = False


@dataclass(frozen=True)
class _Running:
    """A system that is up, and what was measured of it."""

    loaded: Loaded
    head: psutil.Process
    idle_mb: float
    idle_processes: int
    steps: list[Step]


def measure(options: Options, progress: Progress) -> dict[str, Any]:
    """Returns the content of the file. Raises SystemFailed, JournalError, KeyboardInterrupt."""
    path = options.output / FILE
    content = read(path)
    with tempfile.TemporaryDirectory(prefix="parley-") as folder, ExitStack() as stack:
        loaded = choose_loaded(options.names, Path(folder))
        server = stack.enter_context(livekit_server())
        systems = []
        for one in loaded:
            progress.console.print(f"… starting {one.name}", highlight=False)
            head = stack.enter_context(running(one.system, server))
            systems.append((one, head))
        known = content.get("systems", {}) if options.resume else {}
        up = asyncio.run(_settled(systems, known, options.turns))
        facts = conditions(set=SET, split="dev", turns=options.turns, side_by_side=options.names)

        def save(one: _Running, nice: int) -> None:
            now = facts | {"callers_nice": nice}
            content.setdefault("systems", {})[one.loaded.name] = _summary(one, now)
            write(path, content)

        asyncio.run(_measure(options, server, up, progress, save))
    return content


def _summary(one: _Running, facts: dict[str, Any]) -> dict[str, Any]:
    found = capacity(one.steps, os.cpu_count() or 1)
    alone = next((step for step in one.steps if step.calls == 1), None)
    return {
        "conditions": facts,
        "settings": one.loaded.system.settings,
        "profile": one.loaded.system.profile,
        "about": one.loaded.about,
        "idle_mb": round(one.idle_mb, 1),
        "capacity": found.to_dict() if found else None,
        "steps": [
            step.to_dict() | {"broken": why_broken(step, alone) if alone else ""}
            for step in sorted(one.steps, key=lambda step: step.calls)
        ],
    }


async def _settled(
    systems: Sequence[tuple[Loaded, psutil.Process]], known: dict[str, Any], turns: int
) -> list[_Running]:
    """Of an earlier run what can be gone on with stays: steps of as many turns, measured in time."""
    await asyncio.sleep(_SETTLE_S)
    return [
        _Running(
            loaded=one,
            head=head,
            idle_mb=watch.memory_mb(head),
            idle_processes=len(list(family(head))),
            steps=[
                Step.from_dict(step)
                for step in known.get(one.name, {}).get("steps", [])
                if step["broken"] != CALLERS_LATE and step["turns"] == turns
            ],
        )
        for one, head in systems
    ]


async def _measure(
    options: Options,
    server: LiveKit,
    up: Sequence[_Running],
    progress: Progress,
    save: Callable[[_Running, int], None],
) -> None:
    """In turn, so that whatever else the machine does is the same for all."""
    is_news = True
    while is_news:
        is_news = False
        for one in up:
            count = next_count(one.steps, options.most)
            if count is None:
                continue
            is_news = True
            step, nice = await _step(one, server, count, options.turns, progress)
            one.steps.append(step)
            save(one, nice)
            progress.console.print(_line(one, step), highlight=False)


async def _step(
    one: _Running, server: LiveKit, count: int, turns: int, progress: Progress
) -> tuple[Step, int]:
    bar = progress.add_task(f"{one.loaded.name}, {count} calls", total=turns)
    measured = await _calls(one, server, count, turns, partial(progress.advance, bar))
    progress.remove_task(bar)
    await _until_ended(one)
    return measured


async def _calls(
    one: _Running, server: LiveKit, count: int, turns: int, on_turn: Callable[[], None]
) -> tuple[Step, int]:
    tokens = [one.loaded.token() for _ in range(count)]
    order = Order(url=server.url, tokens=tokens, turns=turns, listens_s=one.loaded.listens_s)
    said: list[Turn] = []
    failed: list[str] = []
    nice = 0
    async with child("evals.load.steady", asdict(order)) as callers:
        parts = _parts(one, server, callers.process.pid)
        async for event in callers.events():
            match event.pop("event"):
                case "ready":
                    nice = event["nice"]
                case "begin":
                    before = watch.usage(parts)
                case "turn":
                    said.append(Turn(**event))
                    on_turn()
                case "failed":
                    failed.append(event["why"])
                case "end":
                    after, late_p99_s = watch.usage(parts), event["late_p99_s"]
                    memory_mb = watch.memory_mb(one.head)
                    callers.go_on()
    kbit_s = watch.kbit_s(before, after)
    outcomes = [turn.outcome for turn in said]
    step = Step(
        calls=count,
        responses_s=responses(said),
        cut_off=outcomes.count("cut_off"),
        unanswered=outcomes.count("unanswered"),
        failed_calls=tuple(failed),
        late_p99_s=None if late_p99_s is None else round(late_p99_s, 4),
        cores=watch.cores(before, after),
        memory_mb=round(memory_mb, 1),
        loopback_kbit_s=None if kbit_s is None else round(kbit_s / count, 1),
        seconds=round(after.at_s - before.at_s, 1),
    )
    return step, nice


def _parts(one: _Running, server: LiveKit, callers_pid: int) -> dict[str, psutil.Process]:
    """The heads of the families of processes that a step keeps busy."""
    return {
        "agent": one.head,
        "server": psutil.Process(server.process.pid),
        "callers": psutil.Process(callers_pid),
    }


async def _until_ended(one: _Running) -> None:
    """Until the calls' processes are gone and the next is warm."""
    for _ in range(_LOOKS):
        if len(list(family(one.head))) <= one.idle_processes:
            break
        await asyncio.sleep(_LOOK_S)
    await asyncio.sleep(_SETTLE_S)


def _line(one: _Running, step: Step) -> str:
    alone = next(other for other in one.steps if other.calls == 1)
    times = [f"{value:.2f} s" if value is not None else "–" for value in (step.p50_s, step.p95_s)]
    return f"{one.loaded.name}, {step.calls} calls: {' / '.join(times)} {why_broken(step, alone)}"
