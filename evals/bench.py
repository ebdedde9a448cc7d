"""Calls to Parley and to what it is compared with, measured at the caller's ear.

    python -m evals.bench --systems parley,stock_v1_mini --sets plain,pauses --n 20 --output run
    python -m evals.bench --systems parley --calls mine.yaml --output run

All systems run at the same time on one livekit-server and are called in turn, each with the same
calls, so that whatever else the machine does is the same for all. First the way of the sound is
measured alone. The results are written after every call; Ctrl-C loses only the call in progress,
and --resume goes on.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.turns.patience import parse_patience
from evals.ear.corpus import CorpusError, Split, expand, load_set, set_names
from evals.ear.flite import VoiceError
from evals.ear.journal import Journal, JournalError
from evals.ear.one_call import CallReport, Job, run_job
from evals.ear.path import ECHO, measure_path
from evals.ear.results import ResultsError, read_results
from evals.ear.scenario import Call, Conditions, ScenarioError, load_calls
from evals.ear.systems import ROOT, SYSTEMS, System, SystemFailed, choose, running
from evals.ear.table import results_table
from evals.ear.targets import TIMED_SETS
from evals.ear.voices import speak
from tests.stack.processes import livekit_server

_SETTLE_S = 3.0
_STAGES = {"stt_ms": 80, "llm_ms": 150, "tts_ms": 70}

console = Console()


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is called with what."""

    systems: tuple[System, ...]
    sets: tuple[str, ...]
    output: Path
    """A folder."""
    calls: tuple[Call, ...] = ()
    """Of one's own: each with every system, in the place of those that the sets would have made."""
    split: Split = "dev"
    n: int = 20
    """Events of each set's main kind, for Parley's systems."""
    baseline_n: int = 20
    """The same for the others."""
    parallel: int = 1
    """Calls side by side, in the sets of which only shares count."""
    timed_parallel: int = 1
    """The same for those in which times count."""
    resume: bool = False
    keep_audio: Path | None = None
    seed: int = 0


def plan(options: Options, url: str) -> list[Job]:
    """Every call with every system that makes it; who comes first changes from call to call.

    Raises CorpusError.
    """
    jobs: list[Job] = []
    for name in options.sets:
        made = {n: _calls_of(name, n, options) for n in {options.n, options.baseline_n}}
        for number in range(max(map(len, made.values()))):
            for system in _rotated(options.systems, number):
                own = made[options.n if system.is_ours else options.baseline_n]
                if number < len(own):
                    jobs.append(
                        Job(system=system, call=own[number], url=url, keep_audio=options.keep_audio)
                    )
    return jobs


def _calls_of(name: str, n: int, options: Options) -> tuple[Call, ...]:
    if options.calls:
        return tuple(call for call in options.calls if call.set == name)
    return expand(name, options.split, n, seed=options.seed)


def _rotated(systems: Sequence[System], by: int) -> list[System]:
    first = by % len(systems)
    return [*systems[first:], *systems[:first]]


def facts(options: Options, path: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the results must know; `path` is what was measured of it."""
    settings = {
        system.name: {k: v for k, v in system.settings.items() if k != "AGENT_PATIENCE"}
        for system in options.systems
    }
    conditions = {
        "cores": os.cpu_count(),
        "machine": processor(),
        "python": platform.python_version(),
        "versions": versions("livekit-agents", "livekit", "numpy") | _pinned("pipecat-ai"),
        "network": "loopback",
        "path": path,
        "stages": _STAGES,
        "parallel": {name: _side_by_side(name, options) for name in options.sets},
        "load_at_start": round(os.getloadavg()[0], 2),
        "sets": {name: asdict(it) for name, it in _conditions(options)},
        "seed": options.seed,
    }
    return {"conditions": conditions, "systems": settings}


def _conditions(options: Options) -> list[tuple[str, Conditions]]:
    """By set; of calls of one's own by their names."""
    if options.calls:
        return [(call.name, call.conditions) for call in options.calls]
    return [(name, load_set(name).conditions) for name in options.sets]


def run(options: Options) -> None:
    """Raises CorpusError, VoiceError, SystemFailed, JournalError, KeyboardInterrupt."""
    _prepare_voices(plan(options, ""))
    if not options.resume:
        Journal.begin(options.output, {})  # refuses now, not after a minute
    with ExitStack() as stack:
        server = stack.enter_context(livekit_server())
        for system in options.systems:
            console.print(f"… starting {system.label}", highlight=False)
            stack.enter_context(running(system, server))
        console.print("… measuring the way of the sound")
        with running(ECHO, server), processes(1) as pool:
            time.sleep(_SETTLE_S)
            path = pool.submit(measure_path, server.url).result()
        jobs = plan(options, server.url)
        journal = _journal(options, path, jobs)
        jobs = [job for job in jobs if job.key not in journal.done]
        for names, parallel in _batches(options):
            batch = [job for job in jobs if job.call.set in names]
            _call_all(batch, journal, parallel)


def _journal(options: Options, path: dict[str, Any], jobs: Sequence[Job]) -> Journal:
    if not options.resume:
        return Journal.begin(options.output, facts(options, path))
    sizes = {job.key: len(job.call.steps) for job in jobs}
    return Journal.resume(options.output, facts(options, path), sizes)


def _batches(options: Options) -> list[tuple[list[str], int]]:
    """The sets, with how many calls of theirs are made side by side."""
    by_parallel: dict[int, list[str]] = {}
    for name in options.sets:
        by_parallel.setdefault(_side_by_side(name, options), []).append(name)
    return [(names, parallel) for parallel, names in sorted(by_parallel.items())]


def _side_by_side(name: str, options: Options) -> int:
    return options.timed_parallel if name in TIMED_SETS else options.parallel


def _prepare_voices(jobs: Sequence[Job]) -> None:
    """Everything is spoken once before any call: later it comes from the cache."""
    steps = {step.utterance: step for job in jobs for step in job.call.steps}.values()
    with _progress() as progress:
        for step in progress.track(list(steps), description="speaking"):
            speak(step.utterance)


def _call_all(jobs: Sequence[Job], journal: Journal, parallel: int) -> None:
    if not jobs:
        return
    with _progress() as progress, processes(parallel) as pool:
        bar = progress.add_task("calling", total=len(jobs))
        for future in as_completed([pool.submit(run_job, job) for job in jobs]):
            report = future.result()
            journal.add(report)
            progress.advance(bar)
            _tell(report)


@contextmanager
def processes(parallel: int) -> Iterator[ProcessPoolExecutor]:
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


def versions(*packages: str) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _pinned(package: str) -> dict[str, str]:
    """From the lock of the environment that is not ours."""
    lock = ROOT / "requirements" / "evals.lock"
    found = re.search(rf"^{re.escape(package)}(?:\[.*\])?==(\S+)", lock.read_text(), re.MULTILINE)
    return {package: found[1]} if found else {}


def processor() -> str:
    """The processor's name; on Linux platform knows only its architecture."""
    with suppress(OSError):
        names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
        if names:
            return str(names[0])
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


def _own_calls(text: str) -> tuple[Call, ...]:
    try:
        return load_calls(Path(text))
    except ScenarioError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def positive(text: str) -> int:
    """For argparse: a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def parse_options(arguments: Sequence[str]) -> Options:
    """Raises SystemExit, with a message, for what cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--systems", type=_names(list(SYSTEMS)), default=["parley"])
    said = parser.add_mutually_exclusive_group()
    said.add_argument("--sets", type=_names(set_names()), default=["plain"])
    said.add_argument("--calls", type=_own_calls, default=(), metavar="FILE", help="YAML, your own")
    add("--split", choices=("dev", "test"), default="dev")
    add("--n", type=positive, default=20, help="events of each set's main kind, per system")
    add("--baseline-n", type=positive, help="the same for what is not Parley; default: as --n")
    add("--patience", type=_patience, default=["normal"], help="of Parley; several by commas")
    add("--parallel", type=positive, default=1, help="calls side by side where shares count")
    add("--timed-parallel", type=positive, default=1, help="the same where times count")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--keep-audio", type=Path, metavar="FOLDER")
    add("--resume", action="store_true", help="leave out the calls that --output has")
    add("--seed", type=int, default=0)
    values = vars(parser.parse_args(arguments))
    values["systems"] = choose_all(values["systems"], values.pop("patience"))
    own_sets = dict.fromkeys(call.set for call in values["calls"])
    values["sets"] = tuple(own_sets or values["sets"])
    values["baseline_n"] = values["baseline_n"] or values["n"]
    return Options(**values)


def choose_all(names: Sequence[str], patience: Sequence[str]) -> tuple[System, ...]:
    """Each system once for each patience it can have."""
    systems = [choose(name, one) for name in names for one in patience]
    return tuple({system.label: system for system in systems}.values())


@contextmanager
def told() -> Iterator[None]:
    """What a person can do something about ends with a sentence: status 1, or 130 for Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except (CorpusError, JournalError, ResultsError, SystemFailed, VoiceError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("\nstopped; the calls so far are kept, --resume goes on", highlight=False)
        sys.exit(130)


def main() -> None:
    options = parse_options(sys.argv[1:])
    with told():
        run(options)
        console.print(results_table(read_results(options.output).rows))


if __name__ == "__main__":
    main()
