"""What each stage of the noise filter is worth: VAD, words, turns, interruptions, cost.

    python -m evals.sound [--plain 5] [--paused 4] [--noise-s 30] [--every 3] [--processes 1] [--resume]
    python -m evals.sound --chains "gate; auto" --output trial.json    # some of the chains
    python -m evals.sound --costs      # what a frame costs, measured anew beside the cells that are there
    python -m evals.sound --table

Two synthetic voices of the split dev, made noises, a seed: the same every time. With PARLEY_VAD_DATA
(`python -m evals.vad --help`) the VAD is asked about people, too. Results go to
`evals/results/sound.json`, cell by cell; `--table` prints what is there. `--resume` goes on with cells that
were measured alike.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from evals.bench import processor
from evals.ear.flite import VoiceError
from evals.sound.material import CONDITIONS
from evals.sound.speed import costs
from evals.sound.table import tables
from evals.sound.work import CHAINS, Options, Work, all_work, bench_of, measure
from evals.vad import VARIABLE, VadDataError

RESULTS = Path(__file__).parents[1] / "results" / "sound.json"
_ALIKE = ("split", "plain_per_voice", "paused_per_voice", "people")

console = Console()


class OtherConditionsError(ValueError):
    """Cells of two measurements do not go together."""


def run(options: Options) -> dict[str, Any]:
    """Raises OtherConditionsError, VadDataError, VoiceError."""
    output = options.output
    result = json.loads(output.read_text()) if options.resume and output.exists() else {}
    now = _circumstances(options)
    check_alike(result.get("conditions", now), now)
    result |= {"conditions": now}
    cells: list[dict[str, Any]] = result.setdefault("cells", [])
    done = {(cell["chain"], cell["condition"]) for cell in cells}
    result["costs"] = _costs(options)
    for cell in _measured(
        [it for it in all_work(options) if (it[1], it[2].name) not in done], options
    ):
        cells.append(cell)
        output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        console.print(f"{cell['chain']}: {cell['condition']}", highlight=False)
    return result


def with_new_costs(options: Options) -> dict[str, Any]:
    """Of results that are there. Raises OSError, VoiceError."""
    result: dict[str, Any] = json.loads(options.output.read_text())
    result["costs"] = _costs(options)
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _costs(options: Options) -> list[dict[str, Any]]:
    heard = bench_of(options).spoken[0].heard(CONDITIONS[3], 0)
    return [asdict(it) for it in costs(heard[:480_000])]


def check_alike(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises OtherConditionsError where cells measured now would say something else."""
    for name in _ALIKE:
        if then[name] != now[name]:
            raise OtherConditionsError(
                f"The cells that are there were measured with {name} {then[name]!r}, not {now[name]!r}: "
                f"set {VARIABLE} and the options as then, or measure anew, without --resume."
            )


def _measured(work: list[Work], options: Options) -> Iterator[dict[str, Any]]:
    if options.processes == 1:
        yield from map(measure, work)
        return
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        yield from pool.imap_unordered(measure, work)


def _circumstances(options: Options) -> dict[str, Any]:
    packages = ("livekit-agents", "pocketsphinx", "pyrnnoise", "numpy")
    return {
        "split": "dev",
        "plain_per_voice": options.plain,
        "paused_per_voice": options.paused,
        "people": f"one recording out of {options.every}" if VARIABLE in os.environ else "none",
        "machine": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def _result(options: Options) -> dict[str, Any]:
    if options.table:
        result: dict[str, Any] = json.loads(options.output.read_text())
        return result
    return with_new_costs(options) if options.costs else run(options)


def _chains(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(";"))
    if unknown := [name for name in names if name not in CHAINS]:
        listed = "; ".join(CHAINS)
        raise argparse.ArgumentTypeError(f"there is no chain {unknown[0]!r}, but {listed}")
    return names


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plain", type=int, default=5, help="sentences a voice says in one go")
    parser.add_argument("--paused", type=int, default=4, help="sentences with pauses")
    parser.add_argument("--noise-s", type=float, default=30.0, help="seconds of noise alone")
    parser.add_argument("--every", type=int, default=3, help="recording of people, out of so many")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--chains", type=_chains, default=tuple(CHAINS), help="by semicolons")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument("--resume", action="store_true", help="leave out the cells that are there")
    parser.add_argument("--costs", action="store_true", help="leave all cells as they are")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    options = Options(**vars(parser.parse_args()))
    try:
        result = _result(options)
    except (OSError, OtherConditionsError, VadDataError, VoiceError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    console.print(tables(result), markup=False, highlight=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
