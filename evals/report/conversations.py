"""The report of conversations: one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from evals.conversations.results import Run, columns
from evals.conversations.table import figure_lines, missed_lines, task_lines
from evals.conversations.trial import Trial
from evals.report.html_parts import document, section, state, table


def write_page(run: Run, page: Path) -> None:
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(run), encoding="utf-8")


def render(run: Run) -> str:
    """The whole page."""
    heads = [", ".join(column) for column in columns(run.trials)]
    body = "".join(
        [
            f"<h1>Conversations with Parley, {escape(run.when)}</h1>",
            section("Figures", _table(["", *heads], figure_lines(run.trials)), _FIGURES_NOTE),
            section("Tasks", _table(["", *heads], task_lines(run.trials)), _TASKS_NOTE),
            section("What was missed", _missed(run.trials), _MISSED_NOTE),
            section("Conditions", _conditions(run), ""),
            section("Every conversation", "".join(map(_trial, run.trials)), ""),
        ]
    )
    return document("Conversations with Parley", body)


def _table(head: Sequence[str], lines: Sequence[tuple[str, Sequence[str]]]) -> str:
    rows = [[what, *cells] for what, cells in lines]
    return table(head, [[escape(cell).replace("\n", "<br>") for cell in row] for row in rows])


def _missed(trials: Sequence[Trial]) -> str:
    found = missed_lines(trials)
    if not found:
        return "<p>Nothing.</p>"
    return table(["conversation", "", "what", "instead"], [[*map(escape, row)] for row in found])


def _conditions(run: Run) -> str:
    rows = [[escape(name), escape(str(value))] for name, value in run.conditions.items()]
    rows += [[f"NOT RUN {escape(name)}", escape(why)] for name, why in run.not_run.items()]
    return table(["condition", ""], rows)


def _trial(trial: Trial) -> str:
    verdict = {True: "done", False: "not done", None: "NOT JUDGED"}[trial.success]
    title = f"{trial.conversation}, {trial.system}, {trial.way}, {trial.number + 1}: {verdict}"
    said = [
        [
            escape(str(exchange["line"]["text"])),
            escape(exchange["heard"] or exchange["skipped"]),
            escape(", ".join(exchange["calls"] or [])),
        ]
        for exchange in trial.exchanges
    ]
    checks = [
        [state(check.verdict, check.verdict), escape(check.what), escape(check.why)]
        for check in trial.checks
    ]
    failure = f"<p>{escape(trial.failure)}</p>" if trial.failure else ""
    tables = table(["caller", "agent", "tools"], said) + table(["", "check", ""], checks)
    return f"<details><summary>{escape(title)}</summary>{failure}{tables}</details>"


_FIGURES_NOTE = (
    "pass^k: the chance that a task is done k times out of k. Times and shares below it are those of "
    "the ear, from the waveforms alone: L are latencies, R rates, I interrupting, S selectivity. What is "
    "typed has no speech: its response time begins when it is sent."
)
_TASKS_NOTE = (
    "How often the task was done, of how many that could be judged: what was said, which tools were run "
    "with what, and what they hold in the end. Limits of time count apart."
)
_MISSED_NOTE = "Most often first, with what there was instead the first time."
