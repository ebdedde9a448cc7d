"""Conversations with the agent: does it do what callers want, and when does it answer?

    python -m evals.conversations                        # every profile that can run here
    python -m evals.conversations --profiles embedded --ways voice --only timer_corrected --repeat 5
    python -m evals.conversations --check                # only reads the files
    python -m evals.conversations --show                 # the tables of the last run

The conversations are the YAML files of this folder, or those of --files. Results go to
`evals/results/conversations.json`, the report to `conversations.html` beside it. A model judges and
plays callers where PARLEY_EVALS_LLM_URL and PARLEY_EVALS_LLM name one.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

from rich.markup import escape

from agent.config import load_settings
from evals.bench import console, positive, processes, processor, versions
from evals.conversations.model import NO_MODEL, ModelSettings
from evals.conversations.plan import RESULTS, Options, plan, usable, voices
from evals.conversations.results import Run, read, write
from evals.conversations.scenario import WAYS, ConversationError, Way, load, only
from evals.conversations.table import tables
from evals.conversations.trial import Trial, UserKind, forget_own_settings, run_trial
from evals.ear.flite import VoiceError
from evals.ear.results import ResultsError
from evals.ear.systems import System, SystemFailed, running
from evals.report.conversations import write_page
from tests.stack.processes import livekit_server

_SETTLE_S = 2.0


def run(options: Options) -> Run:
    """Raises ConversationError, SystemFailed, VoiceError, KeyboardInterrupt."""
    systems, not_run = usable(options.profiles, load_settings())
    for profile, why in not_run.items():
        console.print(f"NOT RUN {profile}: {escape(why)}", highlight=False)
    if not systems:
        raise ConversationError("no profile that was asked for can run here")
    trials: list[Trial] = []
    with ExitStack() as stack:
        server = stack.enter_context(livekit_server())
        for system in systems:
            console.print(f"… starting {system.name}", highlight=False)
            stack.enter_context(running(system, server))
        time.sleep(_SETTLE_S)
        jobs = plan(options, systems, server.url)
        pool = stack.enter_context(processes(options.parallel))
        for future in as_completed([pool.submit(run_trial, job) for job in jobs]):
            trials.append(future.result())
            _tell(trials[-1], len(trials), len(jobs))
            write(_run(options, systems, not_run, trials), options.output)
    return _run(options, systems, not_run, trials)


def _run(
    options: Options, systems: Sequence[System], not_run: dict[str, str], trials: Sequence[Trial]
) -> Run:
    order = {system.name: index for index, system in enumerate(systems)}
    names = [conversation.name for conversation in options.conversations]
    return Run(
        when=time.strftime("%Y-%m-%d"),
        conditions=conditions(options),
        not_run=not_run,
        trials=tuple(
            sorted(
                trials,
                key=lambda one: (
                    names.index(one.conversation),
                    order[one.system],
                    WAYS.index(one.way),
                    one.number,
                ),
            )
        ),
    )


def conditions(options: Options) -> dict[str, Any]:
    """What a reader of the results must know."""
    return {
        "cores": os.cpu_count(),
        "machine": processor(),
        "python": platform.python_version(),
        "versions": versions("livekit-agents", "livekit"),
        "network": "loopback",
        "repeat": options.repeat,
        "parallel": options.parallel,
        "voices": ", ".join(voices()),
        "simulated users": options.user,
        "judge": options.model.model if options.model else NO_MODEL,
        "load_at_end": round(os.getloadavg()[0], 2),
    }


def _tell(trial: Trial, number: int, of: int) -> None:
    verdict = {True: "done", False: "NOT DONE", None: "not judged"}[trial.success]
    missed = "; ".join(
        f"{check.what}: {check.why}" for check in trial.checks if check.verdict == "missed"
    )
    line = f"{number}/{of} {trial.system} {trial.way} {trial.conversation}: {verdict}"
    console.print(escape(f"{line}{' — ' if missed else ''}{missed}"), highlight=False)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _ways(text: str) -> tuple[Way, ...]:
    wanted = _names(text)
    for name in wanted:
        if name not in WAYS:
            raise argparse.ArgumentTypeError(f"there is no way {name!r}; use {', '.join(WAYS)}")
    return tuple(way for way in WAYS if way in wanted)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m evals.conversations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--profiles", type=_names, help="by commas; default: all that can run here")
    add("--ways", type=_ways, default=WAYS, help="voice, text or both by commas")
    add("--only", type=_names, default=[], metavar="NAMES", help="conversations, by commas")
    add("--files", type=Path, nargs="+", help="YAML files in place of this folder's")
    add("--repeat", type=positive, default=1, help="how often each is held")
    add("--parallel", type=positive, default=1, help="calls side by side; times then say little")
    add("--user", choices=get_args(UserKind), default="rules", help="who plays simulated users")
    add("--output", type=Path, default=RESULTS, metavar="FILE")
    add("--check", action="store_true", help="only read the files")
    add("--show", action="store_true", help="only show the tables of --output")
    return made


def options_of(values: argparse.Namespace, environ: Mapping[str, str]) -> Options:
    """Raises ConversationError."""
    model = ModelSettings.of(environ)
    if values.user == "model" and model is None:
        raise ConversationError(f"--user model: there is {NO_MODEL}")
    return Options(
        conversations=only(load(values.files), values.only),
        profiles=tuple(values.profiles) if values.profiles is not None else None,
        ways=values.ways,
        repeat=values.repeat,
        parallel=values.parallel,
        output=values.output,
        user=values.user,
        model=model,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 for a system that cannot be started, 2 for a mistake of the user's."""
    values = parser().parse_args(arguments)
    try:
        return _carry_out(values)
    except ConversationError as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 2
    except (ResultsError, SystemFailed, VoiceError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print(f"\nstopped; what was held is in {values.output}", highlight=False)
        return 130


def _carry_out(values: argparse.Namespace) -> int:
    if values.show:
        _show(read(values.output), values.output)
        return 0
    options = options_of(values, os.environ)
    if values.check:
        console.print(f"{len(options.conversations)} conversations, no mistake")
        return 0
    _show(run(options), options.output)
    return 0


def _show(found: Run, path: Path) -> None:
    for table in tables(found.trials):
        console.print(table)
    for profile, why in found.not_run.items():
        console.print(f"NOT RUN {profile}: {escape(why)}", highlight=False)
    page = path.with_suffix(".html")
    write_page(found, page)
    console.print(f"the report: {page}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    forget_own_settings()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
