"""Calls to Parley and to what it is compared with, measured at the caller's ear.

    python -m evals.bench --systems parley,stock_v1_mini --sets plain,pauses --n 20

All systems run at the same time on one livekit-server and are called in turn, each with the same
calls, so that whatever else the machine does is the same for all. The results are written after
every call; Ctrl-C loses only the call in progress, and --resume goes on.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.turns.patience import parse_patience
from evals.ear.corpus import CorpusError, expand, load_set, set_names
from evals.ear.flite import VoiceError
from evals.ear.journal import Journal, JournalError
from evals.ear.one_call import CallReport, Job, run_job
from evals.ear.results import read_results
from evals.ear.scenario import Call
from evals.ear.systems import SYSTEMS, System, SystemFailed, choose, running
from evals.ear.table import results_table
from evals.ear.voices import speak
from tests.stack.processes import livekit_server

_SETTLE_S = 3.0
_STAGES = {"stt_ms": 80, "llm_ms": 150, "tts_ms": 70}

console = Console()


def plan(
    systems: Sequence[System], calls: Sequence[Call], url: str, keep_audio: Path | None
) -> list[Job]:
    """Every call with every system; who comes first changes from call to call."""
    return [
        Job(system=system, call=call, url=url, keep_audio=keep_audio)
        for number, call in enumerate(calls)
        for system in _rotated(systems, number)
    ]


def _rotated(systems: Sequence[System], by: int) -> list[System]:
    first = by % len(systems)
    return [*systems[first:], *systems[:first]]


def facts(options: argparse.Namespace, systems: Sequence[System]) -> dict[str, Any]:
    """What a reader of the results must know."""
    settings = {
        system.name: {
            **{k: v for k, v in system.settings.items() if k != "AGENT_PATIENCE"},
            "patience": [other.patience for other in systems if other.name == system.name],
        }
        for system in systems
    }
    conditions = {
        "cores": os.cpu_count(),
        "machine": _processor(),
        "python": platform.python_version(),
        "versions": _versions("livekit-agents", "livekit", "numpy"),
        "network": "loopback",
        "noise_dbfs": -60,
        "stages": _STAGES,
        "parallel": options.parallel,
        "load_at_start": round(os.getloadavg()[0], 2),
        "sets": {name: asdict(load_set(name).conditions) for name in options.sets},
        "seed": options.seed,
    }
    if options.parallel > 1:
        conditions["warning"] = "calls ran side by side: the percentages count, the times do not"
    return {
        "when": time.strftime("%Y-%m-%d"),
        "conditions": conditions,
        "systems": settings,
    }


def run(options: argparse.Namespace) -> None:
    """Raises CorpusError, VoiceError, SystemFailed, JournalError, KeyboardInterrupt."""
    systems = [choose(name, one) for name in options.systems for one in options.patience]
    systems = list({system.label: system for system in systems}.values())
    calls = [
        call
        for name in options.sets
        for call in expand(name, options.split, options.n, seed=options.seed)
    ]
    begin = Journal.resume if options.resume else Journal.begin
    journal = begin(options.output, facts(options, systems))
    _prepare_voices(calls)
    with ExitStack() as stack:
        server = stack.enter_context(livekit_server())
        for system in systems:
            console.print(f"… starting {system.label}")
            stack.enter_context(running(system, server))
        time.sleep(_SETTLE_S)
        jobs = plan(systems, calls, server.url, options.keep_audio)
        _call_all([job for job in jobs if job.key not in journal.done], journal, options.parallel)
    console.print(results_table(read_results(options.output).rows))


def _prepare_voices(calls: Sequence[Call]) -> None:
    """Everything is spoken once before any call: later it comes from the cache."""
    steps = [step for call in calls for step in call.steps]
    with _progress() as progress:
        for step in progress.track(steps, description="speaking"):
            speak(step.utterance)


def _call_all(jobs: Sequence[Job], journal: Journal, parallel: int) -> None:
    with _progress() as progress, _pool(parallel) as pool:
        bar = progress.add_task("calling", total=len(jobs))
        for future in as_completed([pool.submit(run_job, job) for job in jobs]):
            report = future.result()
            journal.add(report)
            progress.advance(bar)
            _tell(report)


@contextmanager
def _pool(parallel: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end at once, in mid-call, when something goes wrong here."""
    pool = ProcessPoolExecutor(
        parallel, multiprocessing.get_context("spawn"), initializer=_ignore_ctrl_c
    )
    try:
        yield pool
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise


def _ignore_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _tell(report: CallReport) -> None:
    call = report.facts
    if call["failure"]:
        console.print(f"! {call['system']} {call['call']}: {call['failure']}")
    elif not console.is_terminal:
        outcomes = ", ".join(row.result.outcome for row in report.rows)
        console.print(f"{call['system']} {call['call']}: {outcomes}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        refresh_per_second=2,
        speed_estimate_period=600,
    )


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    return platform.processor() or platform.machine()


def _names(known: Sequence[str]) -> Any:
    """A parser of comma-separated names out of `known`; "all" stands for all of them."""

    def parse(text: str) -> list[str]:
        names = list(known) if text == "all" else [name.strip() for name in text.split(",")]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"there is no {name!r}; use {', '.join(known)}")
        return names

    return parse


def _patience(text: str) -> list[str]:
    for name in text.split(","):
        try:
            parse_patience(name)
        except ValueError as e:
            raise argparse.ArgumentTypeError(str(e)) from None
    return text.split(",")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--systems", type=_names(list(SYSTEMS)), default=["parley"])
    add("--sets", type=_names(set_names()), default=["plain"])
    add("--split", choices=("dev", "test"), default="dev")
    add("--n", type=_positive, default=20, help="events of each set's main kind, per system")
    add("--patience", type=_patience, default=["normal"], help="of Parley; several by commas")
    add("--parallel", type=_positive, default=1, help="calls side by side; for percentages only")
    add("--output", type=Path, required=True)
    add("--keep-audio", type=Path, metavar="FOLDER")
    add("--resume", action="store_true", help="leave out the calls that --output has")
    add("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main() -> int:
    options = parse_options(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(options)
    except (CorpusError, JournalError, SystemFailed, VoiceError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print(f"\nstopped; the calls so far are in {options.output}, --resume goes on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
