"""Opus's settings over a bad network: what comes late, what is missing, what is still understood.

    python -m evals.opus [--sentences 16] [--output evals/results/opus.json]
    python -m evals.opus --show

Every setting is published at once, with the same sound over the same network, from a caller to an agent's
end of the room and back. Needs Linux, /dev/net/tun and the right to make network namespaces.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from evals.ear.journal import JournalError
from evals.load.results import RESULTS, conditions, read, write
from evals.opus.run import DIRECTIONS, NETWORKS, as_dicts, measure, sentences
from evals.opus.tunnel import TunnelError

OUTPUT = RESULTS / "opus.json"
_INSIDE = "PARLEY_OPUS_INSIDE"

console = Console()


def table(rows: Sequence[dict[str, Any]], direction: str) -> str:
    """Markdown: a line for each network and setting."""
    lines = [
        "| network | setting | delay p50 / p95 | speech missing | words wrong | kbit/s | pauses |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["direction"] != direction:
            continue
        delay = " / ".join(_ms(row[f"delay_{share}_s"]) for share in ("p50", "p95"))
        lost = f" ({row['lost']} of {row['n']} not found)" if row["lost"] else ""
        pauses = "" if row["pause_dbfs"] is None else f"{row['pause_dbfs']:.0f} dBFS"
        lines.append(
            f"| {row['network']} | {row['variant']} | {delay}{lost} | {row['missing']:.1%} "
            f"| {row['word_errors'] / row['words']:.0%} | {row['kbps']:.0f} | {pauses} |"
        )
    return "\n".join(lines)


def _ms(value_s: float | None) -> str:
    return "–" if value_s is None else f"{value_s * 1000:.0f} ms"


def _show(path: Path) -> None:
    rows = read(path).get("rows", [])
    if not rows:
        raise JournalError(f"{path} holds no figures: measure first, without --show.")
    for direction in DIRECTIONS.values():
        console.print(f"\n{direction}\n", highlight=False)
        sys.stdout.write(table(rows, direction) + "\n")


def _measure(count: int, path: Path) -> None:
    content: dict[str, Any] = {
        "conditions": conditions(
            network="two namespaces, TUN, 20 ms each way",
            sentences=len(sentences(count)),
            note="all settings side by side in one call, both ways at once; FEC always on",
        ),
        "rows": [],
    }
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, refresh_per_second=2) as progress:
        task = progress.add_task("networks", total=len(NETWORKS))
        for rows in measure(count):
            content["rows"] += as_dicts(rows)
            write(path, content)
            progress.advance(task)
    _show(path)


def _in_own_namespace(arguments: Sequence[str]) -> int:
    """This program again, where the network is ours."""
    isolate = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    command = [*isolate, sys.executable, "-m", "evals.opus", *arguments]
    return subprocess.run(command, env=os.environ | {_INSIDE: "1"}, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m evals.opus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sentences", type=int, choices=range(2, 25), default=16, metavar="2-24")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--show", action="store_true", help="the tables of what was measured")
    options = parser.parse_args()
    if not options.show and not os.environ.get(_INSIDE):
        return _in_own_namespace(sys.argv[1:])
    try:
        if options.show:
            _show(options.output)
        else:
            _measure(options.sentences, options.output)
    except (TunnelError, JournalError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
