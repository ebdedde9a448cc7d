"""What is heard of engines' faults: the table of all of them, side by side with livekit's adapters.

    python -m evals.chaos                      # everything, and a status of 1 if a fault was heard
    python -m evals.chaos --quick              # a handful, while you develop
    python -m evals.chaos rooms --systems parley --for-s 220 --resume

Results go to `evals/results/chaos.json` after every turn; Ctrl-C loses only the one in progress, and
`--resume` goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evals.chaos.hedging import MEDIAN_S, SIGMA, TAIL_S, TAIL_SHARE, WAYS, hedging
from evals.chaos.rooms import CONTENDERS, measure, row, turn_of
from evals.chaos.table import faults_table, plain_table, rows_table, summary_table
from evals.chaos.thousand import thousand_turns
from tests.chaos.trials import Trial, all_trials
from tests.chaos.verdict import Turn
from tests.stack.processes import livekit_server

RESULTS = Path(__file__).parents[1] / "results" / "chaos.json"
PARTS = ("rooms", "thousand", "hedging")
UNDETECTABLE = (("parley_openai_first", "tts wrong rate"),)
"""OpenAI's raw sound tells nothing of its rate: a voice is left once its pace is known for no human one,
which a single answer is too short for."""
_FAULT_SHARE = 0.2
_QUICK = (
    "stt midway: stall",
    "llm midway: reset",
    "tts midway: truncated",
    "tool tool told: reset",
)

console = Console()


class Results:
    """The file, read and written whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.all.setdefault("rooms", {})

    def turns(self, system: str) -> list[Turn]:
        return [turn_of(kept) for kept in self.all["rooms"].get(system, [])]

    def keep(self, system: str, turns: Sequence[Turn]) -> None:
        healthy = [turn for turn in turns if not turn.trial and turn.is_answered]
        self.all["rooms"][system] = [row(turn, healthy) for turn in turns]
        self.write()

    def write(self) -> None:
        self.all["conditions"] = {
            "when": time.strftime("%Y-%m-%d"),
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "load_average": round(os.getloadavg()[1], 1),
            "python": platform.python_version(),
            "providers": "fakes on loopback, 0.1 s to the first piece; two engines a stage",
            "hedging": f"log-normal, median {MEDIAN_S} s, sigma {SIGMA}; {TAIL_S} s in {TAIL_SHARE}",
        }
        new = self.path.with_suffix(".part")
        new.write_text(json.dumps(self.all, indent=1) + "\n")
        new.replace(self.path)


def rooms(options: argparse.Namespace, results: Results, progress: Progress) -> None:
    until_s = time.monotonic() + options.for_s
    for name in options.systems:
        turns = results.turns(name) if options.resume else []
        done = {turn.trial for turn in turns}
        waiting = [it for it in _trials(options) if str(it) not in done]
        task = progress.add_task(name, total=len(waiting))

        def note(
            turn: Turn, *, name: str = name, turns: list[Turn] = turns, task: Any = task
        ) -> None:
            turns.append(turn)
            results.keep(name, turns)
            progress.advance(task, bool(turn.trial))
            if turn.trial and (problems := turn.problems()):
                progress.console.print(f"{name}: {turn.trial}: {'; '.join(problems)}")

        with livekit_server() as livekit:
            asyncio.run(measure(CONTENDERS[name], livekit, waiting, until_s=until_s, on_turn=note))


def _trials(options: argparse.Namespace) -> list[Trial]:
    return [
        trial
        for trial in all_trials()
        if trial.stage in options.stages and (not options.quick or str(trial) in _QUICK)
    ]


def thousand(options: argparse.Namespace, results: Results, progress: Progress) -> None:
    count = 40 if options.quick else options.turns
    task = progress.add_task("random faults", total=count)
    run = thousand_turns(count, options.lines, _FAULT_SHARE, lambda: progress.advance(task))
    results.all["thousand"] = asyncio.run(run)
    results.write()


def hedge(options: argparse.Namespace, results: Results, progress: Progress) -> None:
    count = 40 if options.quick else options.questions
    task = progress.add_task("hedging", total=count * len(WAYS))
    results.all["hedging"] = asyncio.run(hedging(count, lambda: progress.advance(task)))
    results.write()


def show(results: Results) -> None:
    systems = results.all["rooms"]
    if systems:
        console.print(faults_table(systems))
        console.print(summary_table(systems))
    if figures := results.all.get("thousand"):
        console.print(plain_table("turns with random faults", {"parley": figures}))
    if figures := results.all.get("hedging"):
        console.print(rows_table("hedging", figures))


def heard_faults(results: Results) -> list[str]:
    """Of Parley: what should not have been noticed."""
    return [
        f"{name}: {kept['trial']}: {'; '.join(kept['problems'])}"
        for name, rows in results.all["rooms"].items()
        if CONTENDERS[name].is_ours
        for kept in rows
        if kept["trial"] and kept["problems"] and (name, kept["trial"]) not in UNDETECTABLE
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="all by default")
    parser.add_argument("--systems", type=_names(list(CONTENDERS)), default=list(CONTENDERS))
    parser.add_argument("--stages", type=_names(["stt", "llm", "tts", "tool"]))
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=12, help="calls at once")
    parser.add_argument("--questions", type=int, default=400, help="of each way of hedging")
    parser.add_argument("--for-s", type=float, default=float("inf"), help="rooms: stop after")
    parser.add_argument("--resume", action="store_true", help="rooms: only what is missing")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--show", action="store_true", help="only the tables")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.stages = options.stages or ["stt", "llm", "tts", "tool"]
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; use {', '.join(PARTS)}")
    logging.disable(logging.CRITICAL)  # faults are what is wanted; the tables tell of them
    if options.quick and options.results == RESULTS:
        options.results = RESULTS.with_name("chaos_quick.json")
    results = Results(options.results)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        try:
            for part, run in zip(PARTS, (rooms, thousand, hedge), strict=True):
                if not options.show and (not options.parts or part in options.parts):
                    run(options, results, progress)
        except KeyboardInterrupt:
            return 130
    show(results)
    heard = heard_faults(results)
    console.print("\n".join(heard) or "no fault was heard")
    return bool(heard)


def _names(known: list[str]) -> Any:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: use {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main())
