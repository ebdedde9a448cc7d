"""What `make evals` and `make evals-full` measure, and the report of it.

python -m evals.plans quick
python -m evals.plans full --resume
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evals import vad
from evals.bench import Options, choose_all, console, run, told
from evals.ear.corpus import Split
from evals.ear.journal import JournalError
from evals.ear.results import read_results
from evals.ear.systems import ROOT
from evals.ear.table import results_table
from evals.report.write import write_picture, write_report

RESULTS = ROOT / "evals" / "results"
REPORT = RESULTS / "report.html"
PICTURE = ROOT / "docs" / "ear.png"
VAD_FIGURES = RESULTS / "vad.json"

DONE = "done"
"""A file in the folder of a plan that was carried out to its end."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Systems that are called in turn."""

    systems: tuple[str, ...]
    sets: tuple[str, ...]
    patience: tuple[str, ...] = ("normal",)
    n: int
    baseline_n: int = 30
    parallel: int = 4
    timed_parallel: int = 2


ALL = ("parley", "stock_v1_mini", "stock_vad", "pipecat")

PLANS: dict[str, tuple[Part, ...]] = {
    "quick": (
        Part(
            systems=("parley", "stock_v1_mini"),
            sets=("plain", "pauses", "backchannels", "interruptions"),
            n=10,
            baseline_n=10,
            parallel=2,
        ),
    ),
    "full": (
        Part(systems=ALL, sets=("plain", "interruptions", "backchannels", "echo"), n=100),
        Part(
            systems=ALL,
            sets=("human", "pauses", "dictation", "hesitation", "noise", "side_talk", "phone"),
            n=100,
        ),
        Part(systems=("parley",), sets=("plain", "pauses"), patience=("eager", "patient"), n=40),
        Part(systems=("parley_embedded",), sets=("plain", "human"), n=30, timed_parallel=1),
    ),
}
SPLITS: dict[str, Split] = {"quick": "dev", "full": "test"}
"""Whoever tunes looks at what the quick plan says; the test sentences are for the full one."""


def carry_out(
    name: str,
    *,
    split: Split,
    resume: bool,
    results: Path = RESULTS,
    measure: Callable[[Options], None] = run,
) -> Path:
    """Measures a plan; returns the folder of its results, in the folder `results`.

    A finished run is replaced, another one only gone on with: raises JournalError for it unless
    `resume`; otherwise what `evals.bench.run` raises.
    """
    folder = results / name
    if not resume:
        _make_room(folder)
    (folder / DONE).unlink(missing_ok=True)
    for index, part in enumerate(PLANS[name]):
        measure(
            Options(
                systems=choose_all(part.systems, part.patience),
                sets=part.sets,
                output=folder,
                split=split,
                n=part.n,
                baseline_n=part.baseline_n,
                parallel=part.parallel,
                timed_parallel=part.timed_parallel,
                resume=resume or index > 0,
            )
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).touch()
    return folder


def _make_room(folder: Path) -> None:
    if (folder / DONE).exists():
        shutil.rmtree(folder)
    elif any(folder.glob("*.json")):
        raise JournalError(
            f"{folder} holds a run that did not come to its end: go on with it by --resume "
            "(make: RESUME=1), or delete the folder."
        )


def measure_vad(figures: Path = VAD_FIGURES) -> Path | None:
    """Returns the file `figures`; None without recordings, or with some that cannot be used.

    In a process of its own: its signal handlers and threads are not ours.
    """
    if not os.environ.get(vad.VARIABLE):
        return None
    command = [sys.executable, "-m", "evals.vad", str(figures)]
    return None if subprocess.run(command, cwd=ROOT, check=False).returncode else figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("--split", choices=("dev", "test"), help="default: quick dev, full test")
    parser.add_argument("--resume", action="store_true", help="leave out the calls already made")
    options = parser.parse_args()
    with told():
        split = options.split or SPLITS[options.plan]
        folder = carry_out(options.plan, split=split, resume=options.resume)
        vad_figures = measure_vad()
        results = read_results(folder)
        console.print(results_table(results.rows))
        write_report(results, REPORT, vad_figures=vad_figures)
        if options.plan == "full":
            write_picture(results, PICTURE)
    console.print(f"the report: {REPORT}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
