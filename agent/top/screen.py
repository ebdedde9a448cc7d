"""The tables of `parley top`."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.table import Table
from rich.text import Text

from agent.top.figures import ServerFigures, WorkerFigures

_MEGABYTE = 1e6


def worker_table(address: str, figures: WorkerFigures, *, is_recent: bool) -> Table:
    """`is_recent`: the times are those of the last minute, else of everything since the start."""
    span = "last minute" if is_recent else "since its start"
    table = _table(f"worker {address}")
    state = Text(" full", style="red") if figures.is_full else Text("")
    table.add_row("calls", Text(str(figures.calls)) + state)
    table.add_row("turns", _counts(figures.turns))
    response = f"p50 {shown_time(figures.response_p50_s)}  p95 {shown_time(figures.response_p95_s)}"
    table.add_row("response", f"{response}  ({span}, {figures.answers} answers)")
    table.add_row("engine faults", _counts(figures.faults, bad=True))
    breakers = ", ".join(figures.open_breakers)
    table.add_row("breakers open", Text(breakers or "none", style="red" if breakers else ""))
    table.add_row("audio gaps", str(figures.gaps))
    table.add_row("event loop", f"p99 {shown_time(figures.lag_p99_s)} late  ({span})")
    memory = f"worker {shown_size(figures.worker_bytes)}  calls {shown_size(figures.calls_bytes)}"
    table.add_row("memory", f"{memory}  largest call {shown_size(figures.largest_bytes)}")
    return table


def server_table(address: str, figures: ServerFigures, *, is_recent: bool) -> Table:
    """`is_recent`: as of the worker."""
    span = "last minute" if is_recent else "since its start"
    table = _table(f"model server {address}")
    for name, engine in figures.engines.items():
        wait = f"steps wait p95 {shown_time(engine.wait_p95_s)}  ({span})"
        table.add_row(name, f"{engine.sessions} of {engine.capacity} callers  {wait}")
    table.add_row("steps waiting", str(figures.waiting))
    table.add_row("refused", Text(str(figures.refused), style="red" if figures.refused else ""))
    table.add_row("memory", shown_size(figures.resident_bytes))
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    return table


def _counts(values: Mapping[str, int], *, bad: bool = False) -> Text:
    """`answered 7  failed 1`; red where there should be none."""
    parts = [f"{name} {value}" for name, value in values.items()]
    return Text("  ".join(parts) or "none", style="red" if bad and any(values.values()) else "")


def shown_time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def shown_size(count_bytes: int) -> str:
    return f"{count_bytes / _MEGABYTE:.0f} MB" if count_bytes else "–"
