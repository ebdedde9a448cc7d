"""A run's figures as a table for the terminal: a column for each system."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from evals.ear import metrics
from evals.ear.metrics import Share, Times
from evals.ear.results import Row

Cell = Callable[[Sequence[Row]], str]


def results_table(rows: Sequence[Row]) -> Table:
    """Each set's figures, where there is something to count."""
    columns = list(dict.fromkeys((row.system, row.patience) for row in rows))
    table = Table(title="at the caller's ear: p50 / p95 in seconds, shares in %")
    table.add_column("set")
    table.add_column("figure")
    for system, patience in columns:
        table.add_column(f"{system}\n{patience}", justify="right")
    for name in dict.fromkeys(row.set for row in rows):
        for what, cell in _FIGURES:
            cells = [
                cell([r for r in rows if r.set == name and (r.system, r.patience) == column])
                for column in columns
            ]
            if any(cells):
                table.add_row(name, what, *cells)
        table.add_section()
    return table


def _times(measure: Callable[[Sequence[Row]], Times]) -> Cell:
    def cell(rows: Sequence[Row]) -> str:
        times = measure(rows)
        if times.p50_s is None or times.p95_s is None:
            return f"– (failed {times.failed})" if times.failed else ""
        failed = f", failed {times.failed}" if times.failed else ""
        return f"{times.p50_s:.2f} / {times.p95_s:.2f} (n {times.n}{failed})"

    return cell


def _share(measure: Callable[[Sequence[Row]], Share]) -> Cell:
    def cell(rows: Sequence[Row]) -> str:
        share = measure(rows)
        if share.value is None:
            return f"– ({share.unmeasured} unmeasured)" if share.unmeasured else ""
        missing = f", {share.unmeasured} unmeasured" if share.unmeasured else ""
        return f"{100 * share.value:.0f} % ({share.hits} of {share.n}{missing})"

    return cell


_FIGURES: tuple[tuple[str, Cell], ...] = (
    ("response", _times(metrics.response)),
    ("turns cut off", _share(metrics.cut_offs)),
    ("pauses cut", _share(metrics.pauses_cut)),
    ("unanswered", _share(metrics.unanswered)),
    ("interrupts the user", _share(metrics.interrupts)),
    ("yields", _share(metrics.yielded)),
    ("silent after", _times(metrics.yield_time)),
    ("backchannels survived", _share(metrics.backchannels_survived)),
    ("other sounds survived", _share(metrics.undirected_survived)),
)
