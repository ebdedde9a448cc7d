"""Writes the report: the page, and its main charts as a picture for the README.

python -m evals.report.write evals/results/full evals/results/report.html \\
    --vad evals/results/vad.json --picture docs/ear.png
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from evals.ear.results import Results, ResultsError, read_results
from evals.ear.systems import ROOT
from evals.ear.vad_figures import read_vad_figures
from evals.report.charts import response_curves, trade_off
from evals.report.markdown import render_markdown
from evals.report.page import render

CHAOS = ROOT / "evals" / "results" / "chaos.json"
PLOTS_PYTHON = ROOT / ".venv-evals" / "bin" / "python"

console = Console()


def write_report(results: Results, page: Path, *, vad_figures: Path | None) -> None:
    """`vad_figures` is the file that `evals.vad` wrote; None where the VAD was not measured."""
    page.parent.mkdir(parents=True, exist_ok=True)
    chaos = json.loads(CHAOS.read_text(encoding="utf-8")) if CHAOS.exists() else None
    page.write_text(render(results, read_vad_figures(vad_figures), chaos), encoding="utf-8")


def write_picture(results: Results, picture: Path) -> None:
    """Drawn by matplotlib, in the environment that has it. Raises ResultsError."""
    shown = {
        "curves": [asdict(curve) for curve in response_curves(results.rows, "plain")],
        "points": [asdict(point) for point in trade_off(results.rows)],
    }
    command = [str(PLOTS_PYTHON), "-m", "evals.report.picture", str(picture.resolve())]
    try:
        subprocess.run(command, cwd=ROOT, input=json.dumps(shown), text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as e:
        raise ResultsError(f"no picture: {e}; it needs `sh scripts/evals_setup.sh`") from None


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, metavar="FOLDER")
    parser.add_argument("page", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument(
        "--vad", type=Path, metavar="FILE", help="written by evals.vad; else it is NOT MEASURED"
    )
    options = parser.parse_args()
    try:
        results = read_results(options.results)
        write_report(results, options.page, vad_figures=options.vad)
        if options.picture:
            write_picture(results, options.picture)
        if options.markdown:
            sys.stdout.write(render_markdown(results, read_vad_figures(options.vad)))
    except (OSError, ResultsError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
