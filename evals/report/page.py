"""The report: one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from evals.chaos.table import fault_lines, summary_lines
from evals.ear import metrics
from evals.ear.metrics import CrossCheck
from evals.ear.results import Results, Row
from evals.ear.table import FIGURES, TAU, filled
from evals.ear.targets import OURS, PATIENCE, TIMED_SETS, Verdict, judge_all
from evals.ear.vad_figures import VadFigures
from evals.ear.voices import tail_s
from evals.report.charts import (
    Stage,
    contestants,
    response_curves,
    stages,
    trade_off,
)
from evals.report.figures import state_text, value_text
from evals.report.html_parts import document, section, state, table
from evals.report.svg import response_chart, trade_off_chart
from evals.report.timelines import timeline_data

_table = partial(table, are_numbers=True)
_SCRIPT = Path(__file__).with_name("page.js")
_CURVES = {"plain": "Plain turns, synthetic voices", "human": "Human voices"}


def render(results: Results, vad: VadFigures | None, chaos: Mapping[str, Any] | None = None) -> str:
    """The whole page; `vad` is None where it was not measured, `chaos` is what `evals.chaos` wrote."""
    rows = results.rows
    body = "".join(
        [
            f"<h1>Parley at the caller's ear, {escape(results.when)}</h1>",
            _conditions(results),
            section("Targets", _targets(judge_all(results, vad)), _TARGETS_NOTE),
            section("Time and trade-off", _charts(rows), _CHARTS_NOTE),
            section("Every set", _comparison(rows), _COMPARISON_NOTE),
            section("As tau-voice counts", _tau(rows), _TAU_NOTE),
            section("Stages of a turn", _stages(rows), _STAGES_NOTE),
            section("Record against ear", _cross_checks(results), _CHECK_NOTE),
            section("Faults", _faults(chaos), _FAULTS_NOTE),
            section("One event", _viewer(), _VIEWER_NOTE),
            section("The measurement itself", _quality(rows), _QUALITY_NOTE),
        ]
    )
    scripts = (
        f'<script type="application/json" id="timelines">{timeline_data(rows)}</script>'
        f"<script>{_SCRIPT.read_text()}</script>"
    )
    return document("Parley at the caller's ear", body + scripts)


def _conditions(results: Results) -> str:
    told = {**results.conditions}
    path = told.pop("path", None) or {}
    sets = told.pop("sets", {})
    lines = [[escape(name), escape(_plain(value))] for name, value in told.items()]
    lines.append(["path of the sound", escape(_path(path))])
    lines += [[f"set {escape(name)}", escape(_plain(value))] for name, value in sets.items()]
    lines += [[escape(name), escape(_plain(value))] for name, value in results.systems.items()]
    voices = {row.result.event.voice for row in results.rows}
    lines.append(["voices heard", escape(", ".join(sorted(voices)))])
    splits = sorted({row.split for row in results.rows})
    lines.append(["split of sentences and voices", ", ".join(splits)])
    table = _table(["condition", ""], lines)
    return f"<details><summary>Conditions</summary><div class='scroll'>{table}</div></details>"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _path(path: dict[str, Any]) -> str:
    if path.get("p50_s") is None:
        return "not measured"
    figures = f"p50 {path['p50_s']:.3f} s, p95 {path['p95_s']:.3f} s (n {path['n']})"
    return f"{figures}: {path['how']}"


def _targets(verdicts: Sequence[Verdict]) -> str:
    lines = []
    for verdict in verdicts:
        target = verdict.target
        limit = f"{'≥' if target.at_least else '≤'} {value_text(target.limit, target.unit)}"
        found = "" if verdict.value is None else value_text(verdict.value, target.unit)
        told = state(verdict.state, state_text(verdict))
        number = "" if target.number is None else str(target.number)
        lines.append([number, escape(target.what), limit, found, str(verdict.n), told])
    return _table(["#", "what", "target", "measured", "n", ""], lines)


def _charts(rows: Sequence[Row]) -> str:
    figures = [
        (f"{title}: share answered by then", response_chart(curves))
        for name, title in _CURVES.items()
        if (curves := response_curves(rows, name))
    ]
    if points := trade_off(rows):
        figures.append(("Turns with inner pauses cut off, against delay", trade_off_chart(points)))
    drawn = (f"<figure><figcaption>{t}</figcaption>{chart}</figure>" for t, chart in figures)
    return f'<div class="charts">{"".join(drawn)}</div>'


def _comparison(rows: Sequence[Row]) -> str:
    found = contestants(rows)
    lines = []
    for name in dict.fromkeys(row.set for row in rows):
        columns = [contestant.rows(rows, name) for contestant in found]
        lines += [
            [escape(name), what, *map(escape, cells)] for what, cells in filled(FIGURES, columns)
        ]
    return _table(["set", "figure", *(it.label for it in found)], lines)


def _tau(rows: Sequence[Row]) -> str:
    found = contestants(rows)
    columns = [contestant.rows(rows) for contestant in found]
    lines = [[what, *map(escape, cells)] for what, cells in filled(TAU, columns)]
    return _table(["figure", *(it.label for it in found)], lines)


def _stages(rows: Sequence[Row]) -> str:
    parts = [
        f"<h3>{escape(contestant.label)}</h3>{_waterfall(found)}"
        for contestant in contestants(rows)
        if (found := stages(contestant.rows(rows, "plain")))
    ]
    return "".join(parts) or "<p>No system sent records.</p>"


def _waterfall(found: Sequence[Stage]) -> str:
    first = min(0.0, *(stage.p50_s for stage in found))
    last = max(stage.p95_s for stage in found)

    def at(value_s: float) -> float:
        return 100 * (value_s - first) / max(last - first, 0.001)

    lines = []
    for stage in found:
        bar = (
            f'<div class="stage"><i style="left:{at(stage.p50_s):.1f}%;'
            f'width:{at(stage.p95_s) - at(stage.p50_s):.1f}%"></i>'
            f'<b style="left:{at(stage.p50_s):.1f}%"></b><u style="left:{at(0):.1f}%"></u></div>'
        )
        times = f"{stage.p50_s:.3f} / {stage.p95_s:.3f} s (n {stage.n})"
        lines.append([escape(stage.name.replace("_", " ")), bar, times])
    return _table(["stage", "", "p50 / p95"], lines)


def _cross_checks(results: Results) -> str:
    path_s = (results.conditions.get("path") or {}).get("p50_s")
    lines = []
    for contestant in contestants(results.rows):
        rows = contestant.rows(results.rows, *TIMED_SETS)
        check = metrics.cross_check(rows, path_s, tail_s)
        if check.difference.n:
            lines.append([escape(contestant.label), *_check_cells(check)])
    if not lines:
        return "<p>No system sent records.</p>"
    head = ["", "n", "without record", "response − playout, p50 / p95", "path", "left over, p50"]
    return _table([*head, "left over either way, p95"], lines)


def _faults(chaos: Mapping[str, Any] | None) -> str:
    systems = (chaos or {}).get("rooms")
    if not systems:
        return "<p>NOT MEASURED: <code>make chaos</code>.</p>"
    conditions = escape(_plain((chaos or {}).get("conditions", {})))
    whole, each = (
        _table([title, *systems], [[escape(cell) for cell in line] for line in lines])
        for title, lines in (
            ("all faults", summary_lines(systems)),
            ("stage and fault: lost / extra s / cut / doubled", fault_lines(systems)),
        )
    )
    return f"<p>{conditions}</p>{whole}<details><summary>Each fault</summary>{each}</details>"


def _check_cells(check: CrossCheck) -> list[str]:
    def time(value_s: float | None) -> str:
        return "not measured" if value_s is None else f"{value_s:.3f} s"

    difference = check.difference
    return [
        str(difference.n),
        str(difference.unmeasured),
        f"{time(difference.p50_s)} / {time(difference.p95_s)}",
        time(check.path_s),
        time(check.bias_s),
        time(check.p95_deviation_s),
    ]


def _viewer() -> str:
    picks = "".join(
        f'<select id="pick-{n}" aria-label="{n}"></select> ' for n in ("system", "set", "outcome")
    )
    return (
        f'<p>{picks}<br><select id="pick-event" aria-label="event"></select></p>'
        '<canvas id="timeline"></canvas><p id="timeline-facts"></p>'
    )


def _quality(rows: Sequence[Row]) -> str:
    lines = []
    for contestant in contestants(rows):
        calls = {row.call: row for row in contestant.rows(rows)}.values()
        unmeasured = [row for row in contestant.rows(rows) if row.result.outcome == "unmeasured"]
        late_s = sorted(row.microphone_lateness_p99_s for row in calls)
        lines.append(
            [
                escape(contestant.label),
                str(len(calls)),
                str(sum(row.gaps for row in calls)),
                str(sum(row.clicks for row in calls)),
                f"{1000 * (metrics.percentile(late_s, 0.95) or 0):.1f} ms",
                str(len(unmeasured)),
                escape("; ".join(sorted({row.result.why or "" for row in unmeasured}))),
            ]
        )
    head = ["", "calls", "gaps in the agent's sound", "clicks", "microphone late", "unmeasured"]
    return _table([*head, "why"], lines)


_TARGETS_NOTE = (
    f"For {OURS} with patience {PATIENCE}, all from the waveforms but the last four. A turn that "
    "could not be measured counts in no figure; how many there were, and why, is told below."
)
_CHARTS_NOTE = (
    "Left: a turn that was cut off or never answered does not count as answered, so a curve need not "
    "reach 100 %. Right: lower and further left is better; the whiskers are 95 % intervals; each "
    "point tells its figures when pointed at."
)
_COMPARISON_NOTE = (
    "Times: p50 / p95 in seconds, n, and how many failed (cut off or unanswered) or could not be "
    "measured. The times of sets whose calls ran side by side (see Conditions, parallel) say little."
)
_TAU_NOTE = "Over all sets together; L are latencies, R rates, I interrupting, S selectivity."
_STAGES_NOTE = (
    "Of plain turns, by the product's own records: seconds from the end of speech (the thin line) to "
    "p50 (bar) and p95. Work begun on speculation may lie before the end."
)
_CHECK_NOTE = (
    "The ear's response time less the record's playout_s should be the path of the sound and no more; "
    "in a recording of a person, counted from the end of the active speech (ITU-T P.56), as the noise of "
    "the room goes on. "
    "The path is measured apart, with an agent that only echoes (median)."
)
_FAULTS_NOTE = (
    "One fault of an engine in a turn, in real rooms, whatever run of the ear is shown above: words of the "
    "caller that no answer took up, seconds later than a healthy answer, sentences of the agent that broke "
    "off, words said twice. Of each fault one turn; – is no answer."
)
_VIEWER_NOTE = (
    "Both lanes of one event; inner pauses are shaded; grey marks are the record's stages."
)
_QUALITY_NOTE = (
    "Whether the caller's microphone kept time (p95 over the calls of each call's p99), what was wrong "
    "with the agent's sound, and what could not be measured."
)
