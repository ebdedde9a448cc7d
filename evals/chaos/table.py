"""The figures of all faults, for the terminal and the report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from evals.ear.metrics import percentile

Rows = Sequence[Mapping[str, Any]]


def summary(rows: Rows) -> dict[str, Any]:
    """Of turns with a fault."""
    extra_s = sorted(row["extra_s"] for row in rows if row["extra_s"] is not None)
    return {
        "n": len(rows),
        "answered": sum(row["is_answered"] for row in rows),
        "words_lost": sum(row["lost"] for row in rows),
        "extra_p50_s": percentile(extra_s, 0.5),
        "extra_p95_s": percentile(extra_s, 0.95),
        "sentences_cut": sum(row["sentences_cut"] for row in rows),
        "words_doubled": sum(row["doubled"] for row in rows),
        "tool_runs_doubled": sum(max(0, row["tool_runs"] - 1) for row in rows),
        "calls_ended": sum(row["has_ended"] for row in rows),
        "words_torn": sum(row["torn"] for row in rows),
    }


def faults_table(systems: Mapping[str, Rows]) -> Table:
    """A row for each fault: words lost, extra seconds, sentences cut, words doubled."""
    table = Table(title="each fault in a room: lost / extra s / cut / doubled; – no answer")
    table.add_column("stage and fault")
    for name in systems:
        table.add_column(name, justify="right")
    for line in fault_lines(systems):
        table.add_row(*line)
    return table


def fault_lines(systems: Mapping[str, Rows]) -> list[list[str]]:
    """Of each fault its name and, of each system, words lost / extra seconds / sentences cut / words
    doubled; nothing where it was not tried."""
    trials = dict.fromkeys(row["trial"] for rows in systems.values() for row in rows)
    by_trial = [{row["trial"]: _cell(row) for row in rows} for rows in systems.values()]
    return [[trial, *(cells.get(trial, "") for cells in by_trial)] for trial in trials if trial]


def summary_lines(systems: Mapping[str, Rows]) -> list[list[str]]:
    """Of each figure over all faults its name and, of each system, its value."""
    figures = [summary(_with_fault(rows)) for rows in systems.values()]
    names = next(iter(figures), {})
    return [[name.replace("_", " "), *(_number(of[name]) for of in figures)] for name in names]


def summary_table(systems: Mapping[str, Rows]) -> Table:
    figures = {name: summary(_with_fault(rows)) for name, rows in systems.items()}
    return plain_table("all faults", figures)


def plain_table(title: str, figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """A column for each entry."""
    table = Table(title=title)
    table.add_column("")
    for name in figures:
        table.add_column(name, justify="right")
    for what in next(iter(figures.values()), {}):
        values = [of[what] for of in figures.values()]
        if not any(isinstance(value, list) for value in values):
            table.add_row(what.replace("_", " "), *map(_number, values))
    return table


def rows_table(title: str, figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each entry."""
    table = Table(title=title)
    table.add_column("")
    for what in next(iter(figures.values()), {}):
        table.add_column(what.replace("_", " "), justify="right")
    for name, values in figures.items():
        table.add_row(name, *map(_number, values.values()))
    return table


def _with_fault(rows: Rows) -> Rows:
    return [row for row in rows if row["trial"]]


def _cell(row: Mapping[str, Any]) -> str:
    extra = "–" if row["extra_s"] is None else f"{row['extra_s']:.2f}"
    ended = " ended" if row["has_ended"] else ""
    runs = f" {row['tool_runs']} runs" if row["tool_runs"] > 1 else ""
    return f"{row['lost']} / {extra} / {row['sentences_cut']} / {row['doubled']}{runs}{ended}"


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
