"""A run's figures, a column for each system: for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from evals.ear import metrics
from evals.ear.metrics import Share, Times
from evals.ear.results import Row
from evals.ear.voices import tail_s

Cell = Callable[[Sequence[Row]], str]
Figure = tuple[str, Cell]


def results_table(rows: Sequence[Row]) -> Table:
    """Each set's figures, where there is something to count."""
    columns = list(dict.fromkeys((row.system, row.patience) for row in rows))
    table = Table(title="at the caller's ear: p50 / p95 in seconds, shares in %")
    table.add_column("set")
    table.add_column("figure")
    for system, patience in columns:
        table.add_column(f"{system}\n{patience}", justify="right")
    for name in dict.fromkeys(row.set for row in rows):
        of_set = [row for row in rows if row.set == name]
        by_column = [[r for r in of_set if (r.system, r.patience) == it] for it in columns]
        for what, cells in filled(FIGURES, by_column):
            table.add_row(name, what, *cells)
        table.add_section()
    return table


def filled(
    figures: Sequence[Figure], columns: Sequence[Sequence[Row]]
) -> list[tuple[str, list[str]]]:
    """Each figure with its cells, without those that have nothing in any column."""
    lines = [(what, [cell(rows) for rows in columns]) for what, cell in figures]
    return [(what, cells) for what, cells in lines if any(cells)]


def _times(measure: Callable[[Sequence[Row]], Times]) -> Cell:
    def cell(rows: Sequence[Row]) -> str:
        times = measure(rows)
        if times.p50_s is None or times.p95_s is None:
            return f"– (failed {times.failed})" if times.failed else ""
        failed = f", failed {times.failed}" if times.failed else ""
        missing = f", {times.unmeasured} unmeasured" if times.unmeasured else ""
        return f"{times.p50_s:.2f} / {times.p95_s:.2f} (n {times.n}{failed}{missing})"

    return cell


def share_text(share: Share) -> str:
    """Empty where there was nothing to count."""
    if share.value is None:
        return f"– ({share.unmeasured} unmeasured)" if share.unmeasured else ""
    missing = f", {share.unmeasured} unmeasured" if share.unmeasured else ""
    return f"{100 * share.value:.0f} % ({share.hits} of {share.n}{missing})"


def _share(measure: Callable[[Sequence[Row]], Share]) -> Cell:
    return lambda rows: share_text(measure(rows))


def _echo(rows: Sequence[Row]) -> str:
    """Only where there is an echo."""
    of_set = [row for row in rows if row.set == "echo"]
    return _share(metrics.echo_taken)(of_set)


def _pauses(*tags: str) -> Cell:
    """Those cut, of turns with one of these tags."""

    def cell(rows: Sequence[Row]) -> str:
        return _share(metrics.pauses_cut)(
            [row for row in rows if set(tags) & set(row.result.event.tags)]
        )

    return cell


def _difference(rows: Sequence[Row]) -> str:
    """The path of the sound and the record's error; nothing for a system without records."""
    difference = metrics.cross_check(rows, None, tail_s).difference
    return _times(lambda _: difference)(rows) if difference.n else ""


FIGURES: tuple[Figure, ...] = (
    ("response", _times(metrics.response)),
    ("turns cut off", _share(metrics.cut_offs)),
    ("pauses cut", _share(metrics.pauses_cut)),
    ("… in unfinished phrases", _pauses("pauses")),
    ("… where it could be over", _pauses("pauses_hard")),
    ("… in numbers, spelling, e-mail", _pauses("numbers", "spelling", "emails")),
    ("… in dates and addresses", _pauses("dates", "addresses")),
    ("unanswered", _share(metrics.unanswered)),
    ("interrupts the user", _share(metrics.interrupts)),
    ("yields", _share(metrics.yielded)),
    ("silent after", _times(metrics.yield_time)),
    ("answers an interruption after", _times(metrics.response_to_interruption)),
    ("backchannels survived", _share(metrics.backchannels_survived)),
    ("other sounds survived", _share(metrics.undirected_survived)),
    ("echo taken for the caller", _echo),
    ("ear − own record", _difference),
)

TAU: tuple[Figure, ...] = (
    ("L_R response", _times(metrics.response)),
    ("R_R responds", _share(metrics.responded)),
    ("L_Y silent after an interruption", _times(metrics.yield_time)),
    ("R_Y yields", _share(metrics.yielded)),
    ("I_A interrupts the caller", _share(metrics.interrupts)),
    ("S_BC survives backchannels", _share(metrics.backchannels_survived)),
    ("S_ND survives other sounds", _share(metrics.undirected_survived)),
)
"""Named as on the leaderboard of tau-voice."""
