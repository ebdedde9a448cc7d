"""How many calls a machine carries, and whether anything grows while calls come and go.

    python -m evals.load calls                       # until the budget breaks, ours and stock: half an hour
    python -m evals.load calls --systems parley_embedded,parley_local    # as long; is added to the file
    python -m evals.load calls --systems parley,stock_v1_mini --turns 12 --most 2
    python -m evals.load redis                       # what a call costs Redis: two minutes
    python -m evals.load soak --minutes 30           # 240 calls; status 1 if anything grew

Results go to `load.json` and `soak.json` in `--output`, after every step and every ten seconds. Ctrl-C
loses only the step in progress, and `--resume` goes on; a soak begins anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from evals.bench import console, positive, told
from evals.load import calls, redis_load, soak
from evals.load.results import RESULTS, read, write
from evals.load.systems import COMPARED, NAMES
from evals.load.table import capacity_table, redis_table, soak_table, steps_table

PARTS = ("calls", "redis", "soak")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises SystemExit, with a message, for what cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("parts", nargs="+", metavar="|".join(PARTS))
    add(
        "--systems",
        type=_names,
        default=COMPARED,
        help=f"of {', '.join(NAMES)}; {','.join(COMPARED)} by default; of a soak only the first counts",
    )
    add("--turns", type=positive, default=60, help="calls: of each step, of all callers together")
    add("--most", type=positive, default=16, help="calls: so many at the same time at most")
    add("--resume", action="store_true", help="calls: leave out the steps that --output has")
    add("--minutes", type=_minutes, default=30.0, help="soak")
    add("--calls", type=positive, help="soak; eight a minute by default")
    add("--output", type=Path, default=RESULTS, metavar="FOLDER")
    options = parser.parse_args(arguments)
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; use {', '.join(PARTS)}")
    options.calls = options.calls or max(1, round(8 * options.minutes))
    return options


def _calls(options: argparse.Namespace, progress: Progress) -> None:
    chosen = calls.Options(
        names=options.systems,
        output=options.output,
        turns=options.turns,
        most=options.most,
        resume=options.resume,
    )
    systems = calls.measure(chosen, progress).get("systems", {})
    for name, system in systems.items():
        console.print(steps_table(name, system))
    console.print(capacity_table(systems))


def _redis(options: argparse.Namespace, progress: Progress) -> None:
    bar = progress.add_task("what Redis is told", total=None)
    figures = redis_load.measure()
    progress.remove_task(bar)
    path = options.output / calls.FILE
    write(path, read(path) | {"redis": figures})
    console.print(redis_table(figures))


def _soak(options: argparse.Namespace, progress: Progress) -> list[str]:
    name = options.systems[0]
    chosen = soak.Options(
        name=name, output=options.output, minutes=options.minutes, calls=options.calls
    )
    report = soak.measure(chosen, progress)
    console.print(soak_table(name, report))
    problems = [*report["grown"], *report["failed_calls"]]
    console.print("\n".join(problems) or "nothing grew, and no call failed", highlight=False)
    return problems


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in NAMES]:
        message = f"there is no system {', '.join(unknown)}; use {', '.join(NAMES)}"
        raise argparse.ArgumentTypeError(message)
    return names


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0.5 <= minutes <= 24 * 60:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 0.5 to 1440 minutes")
    return minutes


def main() -> int:
    options = parse_options(sys.argv[1:])
    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    problems: list[str] = []
    with told(), Progress(*columns, console=console, refresh_per_second=2) as progress:
        if "calls" in options.parts:
            _calls(options, progress)
        if "redis" in options.parts:
            _redis(options, progress)
        if "soak" in options.parts:
            problems = _soak(options, progress)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
