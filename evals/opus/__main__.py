"""Opus's settings over a bad network: what comes late, what is missing, what is still understood.

    python -m evals.opus [--sentences 16] [--output evals/results/opus.json]
    python -m evals.opus --networks 1,4 --output trial.json    # some of the eight
    python -m evals.opus --show                                # every figure of it
    python -m evals.opus --write                               # puts the tables into docs/opus.md

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
from evals.markdown import filled
from evals.opus.run import DIRECTIONS, NETWORKS, as_dicts, measure, sentences
from evals.opus.table import figures, whole_table
from evals.opus.tunnel import TunnelError
from evals.opus.wire import Network

OUTPUT = RESULTS / "opus.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "opus.md"
_INSIDE = "PARLEY_OPUS_INSIDE"

console = Console()


def _show(path: Path) -> None:
    rows = read(path).get("rows", [])
    if not rows:
        raise JournalError(f"{path} holds no figures: measure first, without --show.")
    for direction in DIRECTIONS.values():
        console.print(f"\n{direction}\n", highlight=False)
        sys.stdout.write(whole_table(rows, direction) + "\n")


def up_to_date(path: Path = OUTPUT) -> str:
    """The document as it should be now. Raises JournalError, ValueError."""
    return filled(DOCUMENT.read_text(encoding="utf-8"), figures(read(path)))


def _measure(count: int, networks: Sequence[Network], path: Path) -> None:
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
        task = progress.add_task("networks", total=len(networks))
        for rows in measure(count, networks):
            content["rows"] += as_dicts(rows)
            write(path, content)
            progress.advance(task)
    _show(path)


def _networks(text: str) -> list[Network]:
    numbers = {str(number): network for number, network in enumerate(NETWORKS, start=1)}
    try:
        return [numbers[name.strip()] for name in text.split(",")]
    except KeyError as e:
        listed = ", ".join(f"{number} ({network.name})" for number, network in numbers.items())
        raise argparse.ArgumentTypeError(f"there is no network {e}, but {listed}") from None


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
    parser.add_argument("--networks", type=_networks, default=NETWORKS, metavar="NUMBERS")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--show", action="store_true", help="the tables of what was measured")
    parser.add_argument("--write", action="store_true", help="puts them into docs/opus.md")
    options = parser.parse_args()
    if not (options.show or options.write or os.environ.get(_INSIDE)):
        return _in_own_namespace(sys.argv[1:])
    try:
        if options.write:
            DOCUMENT.write_text(up_to_date(options.output), encoding="utf-8")
        elif options.show:
            _show(options.output)
        else:
            _measure(options.sentences, options.networks, options.output)
    except (TunnelError, JournalError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
