"""Results of conversations as tables: for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from evals.conversations.results import (
    Column,
    columns,
    in_time,
    of_column,
    pass_hat,
    unjudged,
)
from evals.conversations.trial import Trial
from evals.ear.table import TAU, share_text

Line = tuple[str, list[str]]


def figure_lines(trials: Sequence[Trial]) -> list[Line]:
    """Each figure with a cell for each system and way; named as on the leaderboard of tau-voice."""
    by_column = [of_column(trials, column) for column in columns(trials)]
    lines = [("conversations", [str(len(found)) for found in by_column])]
    lines += [
        (f"pass^{k} task success", [_pass(found, k) for found in by_column])
        for k in range(1, _repeats(trials) + 1)
    ]
    lines.append(("steps answered in time", [share_text(in_time(found)) for found in by_column]))
    rows = [[row for trial in found for row in trial.rows()] for found in by_column]
    lines += [(what, [cell(part) for part in rows]) for what, cell in TAU]
    failed = [sum(bool(trial.failure) for trial in found) for found in by_column]
    lines.append(("calls that failed", [str(count) for count in failed]))
    lines.append(("NOT JUDGED", [_not_judged(found) for found in by_column]))
    return [(what, cells) for what, cells in lines if any(cells)]


def task_lines(trials: Sequence[Trial]) -> list[Line]:
    """Each conversation with how often it succeeded, of how many."""
    return [
        (
            name,
            [
                _successes([one for one in of_column(trials, column) if one.conversation == name])
                for column in columns(trials)
            ],
        )
        for name in dict.fromkeys(trial.conversation for trial in trials)
    ]


def missed_lines(trials: Sequence[Trial]) -> list[tuple[str, str, str, str]]:
    """What was missed, most often first: conversation, system and way, what, why (of the first)."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for trial in trials:
        for check in trial.checks:
            if check.verdict == "missed":
                key = (trial.conversation, _label((trial.system, trial.way)), check.what)
                found.setdefault(key, []).append(check.why)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [(*key, f"{len(why)}×: {why[0]}") for key, why in ordered]


def tables(trials: Sequence[Trial]) -> list[Table]:
    titles = ("conversations: times p50 / p95 in seconds, shares in %", "tasks done")
    return [
        _table(title, columns(trials), lines)
        for title, lines in zip(titles, (figure_lines(trials), task_lines(trials)), strict=True)
    ]


def _table(title: str, heads: Sequence[Column], lines: Sequence[Line]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for head in heads:
        table.add_column(_label(head).replace(", ", "\n"), justify="right")
    for what, cells in lines:
        table.add_row(what, *cells)
    return table


def _label(column: Column) -> str:
    return ", ".join(column)


def _repeats(trials: Sequence[Trial]) -> int:
    return max((trial.number + 1 for trial in trials), default=0)


def _pass(trials: Sequence[Trial], k: int) -> str:
    value = pass_hat(trials, k)
    if value is None:
        return "NOT JUDGED" if k == 1 else ""
    tasks = len({trial.conversation for trial in trials if trial.success is not None})
    return f"{value:.2f} ({tasks} tasks)"


def _successes(trials: Sequence[Trial]) -> str:
    if not trials:
        return ""
    judged = [trial.success for trial in trials if trial.success is not None]
    return f"{sum(judged)} of {len(judged)}" if judged else "NOT JUDGED"


def _not_judged(trials: Sequence[Trial]) -> str:
    return "\n".join(f"{count} checks, {why}" for why, count in unjudged(trials).items())
