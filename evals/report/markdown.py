"""A run's main tables as Markdown, for the README."""

from __future__ import annotations

from collections.abc import Sequence

from evals.ear.results import Results, Row
from evals.ear.table import FIGURES, filled
from evals.ear.targets import Verdict, judge_all
from evals.ear.vad_figures import VadFigures
from evals.markdown import markdown_table
from evals.report.charts import RESPONSES_OF, STAGES, Stage, contestants, stages
from evals.report.figures import state_text, value_text


def render_markdown(results: Results, vad: VadFigures | None) -> str:
    """The targets, every set's figures with all systems side by side, and the stages of a turn."""
    tables = (
        _targets(judge_all(results, vad)),
        _comparison(results.rows),
        _stages(results.rows),
    )
    return "\n\n".join(tables) + "\n"


def _targets(verdicts: Sequence[Verdict]) -> str:
    lines = []
    for verdict in verdicts:
        target = verdict.target
        limit = f"{'≥' if target.at_least else '≤'} {value_text(target.limit, target.unit)}"
        found = "" if verdict.value is None else value_text(verdict.value, target.unit)
        number = "" if target.number is None else str(target.number)
        lines.append([number, target.what, limit, found, str(verdict.n), state_text(verdict)])
    return markdown_table(["#", "what", "target", "measured", "n", ""], lines)


def _comparison(rows: Sequence[Row]) -> str:
    found = contestants(rows)
    lines = []
    for name in dict.fromkeys(row.set for row in rows):
        columns = [contestant.rows(rows, name) for contestant in found]
        lines += [[name, what, *cells] for what, cells in filled(FIGURES, columns)]
    return markdown_table(["set", "figure", *(it.label for it in found)], lines)


def _stages(rows: Sequence[Row]) -> str:
    """Of plain turns, as the systems that have records tell it."""
    found: dict[str, dict[str, Stage]] = {}
    for it in contestants(rows):
        if known := stages(it.rows(rows, RESPONSES_OF)):
            found[it.label] = {stage.name: stage for stage in known}
    lines = [
        [name.replace("_", " "), *(_stage(known.get(name)) for known in found.values())]
        for name in STAGES
        if any(name in known for known in found.values())
    ]
    return markdown_table(["stage, p50 / p95 after the end of speech", *found], lines)


def _stage(stage: Stage | None) -> str:
    return f"{stage.p50_s:.3f} / {stage.p95_s:.3f} s (n {stage.n})" if stage else ""
