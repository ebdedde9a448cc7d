"""The measurement as Markdown: every figure of it, and what docs/opus.md tells. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evals.markdown import markdown_table

MISSING = "Not measured yet."

Row = dict[str, Any]


def whole_table(rows: Sequence[Row], direction: str) -> str:
    """A line for each network and setting of one direction."""
    heads = ("network", "setting", "delay p50 / p95", "speech missing", "words wrong", "kbit/s")
    return markdown_table(
        (*heads, "pauses"),
        [
            [
                row["network"],
                row["variant"],
                f"{_ms(row['delay_p50_s'])} / {_ms(row['delay_p95_s'])}{_not_found(row)}",
                f"{row['missing']:.1%}",
                f"{row['word_errors'] / row['words']:.0%}",
                f"{row['kbps']:.0f}",
                "" if row["pause_dbfs"] is None else f"{row['pause_dbfs']:.0f} dBFS",
            ]
            for row in rows
            if row["direction"] == direction
        ],
    )


def figures(content: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/opus.md, by the names of their places; both directions together."""
    rows: list[Row] = content.get("rows", [])
    if not rows:
        return dict.fromkeys(("conditions", "words", "missing", "delay", "rate"), MISSING)
    return {
        "conditions": _conditions(content["conditions"], rows),
        "words": _by_network(rows, _words_wrong),
        "missing": _by_network(rows, _speech_missing),
        "delay": _by_network(rows, _delay),
        "rate": _rates(rows),
    }


def _conditions(said: dict[str, Any], rows: Sequence[Row]) -> str:
    late_ms = max(row["late_p99_s"] for row in rows) * 1000
    words = max(row["words"] for row in rows)
    return (
        f"{said['sentences']} sentences ({words} words) each way in each cell, {said['when']}, "
        f"{said['cores']} cores of {said['machine']}, load {said['load_at_start']} when it began; "
        f"the callers' microphones were {late_ms:.0f} ms late at most (p99)."
    )


def _by_network(rows: Sequence[Row], cell: Callable[[Sequence[Row]], str]) -> str:
    """A line for each setting, a column for each network."""
    networks = list(dict.fromkeys(row["network"] for row in rows))
    settings = list(dict.fromkeys(row["variant"] for row in rows))
    return markdown_table(
        ["setting", *networks],
        [
            [setting, *(cell(_chosen(rows, setting, network)) for network in networks)]
            for setting in settings
        ],
    )


def _rates(rows: Sequence[Row]) -> str:
    """Of the first network alone: bits do not depend on what is lost."""
    best = [row for row in rows if row["network"] == rows[0]["network"]]
    settings = list(dict.fromkeys(row["variant"] for row in best))
    lines = []
    for setting in settings:
        chosen = _chosen(best, setting, rows[0]["network"])
        kbps = sum(row["kbps"] for row in chosen) / len(chosen)
        pauses = [row["pause_dbfs"] for row in chosen if row["pause_dbfs"] is not None]
        level = f"{sum(pauses) / len(pauses):.0f} dBFS" if pauses else "–"
        lines.append([setting, f"{kbps:.0f}", level])
    return markdown_table(["setting", "kbit/s, pauses and headers included", "pauses"], lines)


def _chosen(rows: Sequence[Row], setting: str, network: str) -> list[Row]:
    return [row for row in rows if (row["variant"], row["network"]) == (setting, network)]


def _words_wrong(rows: Sequence[Row]) -> str:
    return f"{sum(row['word_errors'] for row in rows) / sum(row['words'] for row in rows):.0%}"


def _speech_missing(rows: Sequence[Row]) -> str:
    """Both directions have the same sentences, so that their shares weigh alike."""
    lost = sum(row["lost"] for row in rows)
    share = f"{sum(row['missing'] for row in rows) / len(rows):.1%}"
    return f"{share} ({lost} not found)" if lost else share


def _delay(rows: Sequence[Row]) -> str:
    """The worse direction's."""
    p50_s, p95_s = (
        max((row[name] for row in rows if row[name] is not None), default=None)
        for name in ("delay_p50_s", "delay_p95_s")
    )
    return f"{_ms(p50_s)} / {_ms(p95_s)}"


def _not_found(row: Row) -> str:
    return f" ({row['lost']} of {row['n']} not found)" if row["lost"] else ""


def _ms(value_s: float | None) -> str:
    return "–" if value_s is None else f"{value_s * 1000:.0f} ms"
