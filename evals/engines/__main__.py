"""What the local engines gain over the plain way of using their libraries.

    python -m evals.engines [whisper] [batch] [partials] [kokoro] [playout] [precision] [llama] [server]
        [calls] [admission] [memory] [loop] [draft] [rooms] [--n 10]

Each figure is a ratio within one run. Models are made here: the exact architectures, no trained
weights, so what is measured is time and nothing of quality. Results go to
`evals/results/engines.json`, on a GPU to `engines_gpu.json`, part by part.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from evals.engines import (
    batch,
    calls,
    draft,
    kokoro,
    llama,
    loop,
    memory,
    rooms,
    server,
    whisper,
)
from evals.engines.timing import Comparison

RESULTS = Path(__file__).parents[1] / "results"

Part = Callable[[int], list[dict[str, Any]]]


def _dicts(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    return [comparison.to_dict() for comparison in comparisons]


PARTS: dict[str, Part] = {
    "whisper": lambda n: _dicts(whisper.finals(n=n)),
    "batch": lambda n: batch.batches(n=n),
    "partials": lambda n: [whisper.partials(size) for size in whisper.sizes()],
    "kokoro": lambda n: _dicts(kokoro.first_audio(n=n)),
    "playout": lambda n: kokoro.playouts(n=n),
    "precision": lambda n: kokoro.precisions(n=n),
    "llama": lambda n: _dicts(llama.first_tokens(n=n)),
    "server": lambda n: _dicts(server.costs(n=20 * n)),
    "calls": lambda n: calls.calls(turns=n),
    "admission": lambda n: calls.admission(turns=n),
    "memory": lambda n: memory.calls(count=max(2, n // 3)),
    "loop": lambda n: loop.lags(turns=n),
    "draft": lambda n: draft.answers(n=n),
    "rooms": lambda n: rooms.rooms(n=2 * n),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--n", type=int, default=10, help="measurements of each")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(unknown)}: use {', '.join(PARTS)}")
    path = RESULTS / ("engines_gpu.json" if whisper.device() == "cuda" else "engines.json")
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in options.parts or PARTS:
        rows = PARTS[name](options.n)
        results[name] = {"conditions": _conditions(), "rows": rows}
        Console().print(_table(name, rows))
        path.write_text(json.dumps(results, indent=1) + "\n")


def _conditions() -> dict[str, Any]:
    packages = (
        "faster-whisper",
        "ctranslate2",
        "kokoro-onnx",
        "onnxruntime",
        "xllamacpp",
        "livekit-agents",
    )
    return {
        "cores": os.cpu_count(),
        "whisper_on": whisper.device(),
        "python": platform.python_version(),
        "versions": {each: version(each) for each in packages if find_spec(each.replace("-", "_"))},
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=name)
    if "ours" not in rows[0]:
        table.add_column("")
        for row in rows:  # a column each: there may be many figures
            table.add_column(row["what"], overflow="fold")
        for key in [key for key in rows[0] if key != "what"]:
            table.add_row(key, *(str(row[key]) for row in rows))
        return table
    for heading in ("what", "n", "ours p50 / p95 s", "baseline p50 / p95 s", "times faster"):
        table.add_column(heading)
    for row in rows:
        both = (row["ours"], row["baseline"])
        cells = [f"{t['p50_s']:.4f} / {t['p95_s']:.4f}" if t else "–" for t in both]
        n = str(row["ours"]["n"]) if row["ours"] else "0"
        table.add_row(row["what"], n, *cells, f"{row.get('times_faster', '–')}")
    return table


if __name__ == "__main__":
    main()
