"""The results as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evals.markdown import markdown_table

Cell = Mapping[str, Any]


def _ap(cell: Cell) -> str:
    return f"{cell['vad_ap']:.3f}"


def _human(cell: Cell) -> str:
    return "" if cell["human_ap"] is None else f"{cell['human_ap']:.3f}"


def _wer(cell: Cell) -> str:
    return f"{100 * cell['word_errors'] / cell['words']:.0f} %"


def _cuts(cell: Cell) -> str:
    return str(cell["cut_off"])


def _ends(cell: Cell) -> str:
    if cell["end_p50_s"] is None:
        return f"never ({cell['not_ended']})"
    late = f" ({cell['not_ended']})" if cell["not_ended"] else ""
    return f"{cell['end_p50_s']:.2f}, {cell['end_p95_s']:.2f}{late}"


def _false(cell: Cell) -> str:
    return f"{cell['false_interruptions']}, {cell['ducks']}, {cell['false_turns']}"


FIGURES: Mapping[str, Callable[[Cell], str]] = {
    "VAD, average precision, people": _human,
    "VAD, average precision, synthetic voices": _ap,
    "word error rate": _wer,
    "utterances cut off": _cuts,
    "from the end of speech to that of the turn, p50, p95 in s (turns that never ended)": _ends,
    "over noise alone: interruptions, times turned down; turns of nobody": _false,
}


def tables(result: Mapping[str, Any]) -> str:
    """One for each figure, a row a condition and a column a chain; the costs last."""
    cells: Sequence[Cell] = result["cells"]
    found = {(cell["chain"], cell["condition"]): cell for cell in cells}
    chains = list(dict.fromkeys(cell["chain"] for cell in cells))
    conditions = list(dict.fromkeys(cell["condition"] for cell in cells))
    parts = []
    for title, figure in FIGURES.items():
        rows = [
            [
                name,
                *(figure(found[chain, name]) if (chain, name) in found else "" for chain in chains),
            ]
            for name in conditions
        ]
        parts.append(
            f"**{title}** ({_count(cells[0], title)})\n\n{markdown_table(['', *chains], rows)}"
        )
    costs = [[it["what"], f"{it['p50_ms']:.3f}, {it['p95_ms']:.3f}"] for it in result["costs"]]
    parts.append(markdown_table(["a frame of 10 ms", "ms on one core, p50, p95"], costs))
    return "\n\n".join(parts)


def _count(cell: Cell, title: str) -> str:
    if "people" in title:
        return f"{cell['human_windows']} windows"
    if "synthetic" in title:
        return f"{cell['vad_windows']} windows"
    if "word error" in title:
        return f"{cell['words']} words"
    if "noise alone" in title:
        return f"{cell['noise_s']:g} s; {cell['utterances']} gaps"
    return f"n {cell['utterances']}"
