"""The figures of load and soak for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table


def steps_table(name: str, system: Mapping[str, Any]) -> Table:
    """A row for each number of calls of a system."""
    table = Table(title=f"{name}: responses in s, cores kept busy", box=box.SIMPLE, padding=0)
    headings = ("calls", "p50", "p95", "n", "slow", "cut", "none", "agents", "server", "callers")
    for heading in (*headings, "all", "MB", "late ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for step in system["steps"]:
        table.add_row(*_cells(step))
    broken = [f"{step['calls']}: {step['broken']}" for step in system["steps"] if step["broken"]]
    table.caption = "\n".join(broken) or "within the budget"
    return table


def capacity_table(systems: Mapping[str, Any]) -> Table:
    """A row for each system."""
    table = Table(title="the most calls, and what one costs", box=box.SIMPLE)
    table.add_column("")
    for heading in ("calls", "a core", "a GB", "agent cores", "server cores", "MB"):
        table.add_column(heading, justify="right")
    keys = ("calls", "per_core", "per_gb")
    keys += ("agent_cores_per_call", "server_cores_per_call", "memory_mb_per_call")
    for name, system in systems.items():
        found = system["capacity"]
        values = [found[key] for key in keys] if found else [None] * len(keys)
        table.add_row(name, *map(_number, values))
    return table


def soak_table(name: str, report: Mapping[str, Any]) -> Table:
    """A row for each series."""
    table = Table(title=f"{name}: {report['calls']} calls in {report['minutes']} minutes")
    for heading in ("", "before", "after", "slope in an hour"):
        table.add_column(heading, justify="right" if heading else "left")
    after = report["after"] or {}
    for series, before in report["before"].items():
        # Of files and processes a slope would tell how many calls there were, and when.
        line = report["slopes_per_hour"].get(series) if series.endswith("_mb") else None
        slope = f"{line['slope']:.1f} ± {line['slope_error'] or 0:.1f} MB" if line else ""
        if series not in ("at_s", "calls", "lasting_rss_mb") or line:
            is_known = series != "lasting_rss_mb"
            cells = (_number(before), _number(after.get(series))) if is_known else ("", "")
            table.add_row(series, *cells, slope)
    for half, turns in report["turns"].items():
        times = f"{_number(turns['p50_s'])} / {_number(turns['p95_s'])} s"
        table.add_row(f"response, {half.replace('_', ' ')}", "", times, f"n {turns['n']}")
    return table


def redis_table(figures: Mapping[str, Any]) -> Table:
    table = Table("", "commands", title="Redis")
    for name, value in figures.items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), _number(value))
    return table


def _cells(step: Mapping[str, Any]) -> list[str]:
    late_s = step["late_p99_s"]
    return [
        str(step["calls"]),
        _number(step["p50_s"]),
        _number(step["p95_s"]),
        str(len(step["responses_s"])),
        *(str(step[name]) for name in ("slow", "cut_off", "unanswered")),
        *(f"{step['cores'][part]:.2f}" for part in ("agent", "server", "callers", "machine")),
        f"{step['memory_mb']:.0f}",
        "–" if late_s is None else f"{1000 * late_s:.1f}",
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
