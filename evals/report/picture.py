"""Draws the README's chart with matplotlib, from the numbers on standard input. It runs in
.venv-evals and imports nothing of ours:

    .venv-evals/bin/python -m evals.report.picture docs/ear.png < numbers.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

COLOURS = ("#0b6e4f", "#c1440e", "#1f5fbf", "#8a5a00", "#7a2e8e", "#4a4a4a", "#b0006d")
LONGEST_S = 4.5


def draw(shown: dict[str, Any], path: str) -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    labels = [it["label"] for it in (*shown["curves"], *shown["points"])]
    colours = dict(zip(dict.fromkeys(labels), COLOURS * 3, strict=False))
    for curve in shown["curves"]:
        times_s = [0.0, *curve["times_s"], LONGEST_S]
        reached = [100 * n / curve["turns"] for n in range(len(curve["times_s"]) + 1)]
        label = f"{curve['label']} (n {curve['turns']})"
        left.step(
            times_s,
            [*reached, reached[-1]],
            where="post",
            label=label,
            color=colours[curve["label"]],
        )
    left.set(title="Plain turns answered by then", xlabel="s after the end of speech", ylabel="%")
    left.set_xlim(0, LONGEST_S)
    left.legend(fontsize="small", loc="lower right")
    for point in shown["points"]:
        low, high = (100 * abs(point["cut_off"] - bound) for bound in point["interval"])
        right.errorbar(
            point["p50_s"],
            100 * point["cut_off"],
            yerr=[[low], [high]],
            fmt="o",
            capsize=3,
            color=colours[point["label"]],
            label=f"{point['label']} (n {point['pauses_turns']})",
        )
    right.set(
        title="Turns with inner pauses cut off, against delay",
        xlabel="median response in s (plain turns)",
        ylabel="%",
    )
    right.set_xlim(left=0)
    right.set_ylim(0, 100)
    right.legend(fontsize="small", loc="upper right")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
