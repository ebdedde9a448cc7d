"""What many conversations amount to: pass^k, the tables, the file and the page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from evals.conversations.results import Run, in_time, pass_hat, read, write
from evals.conversations.rules import Check
from evals.conversations.table import figure_lines, missed_lines, tables, task_lines
from evals.conversations.trial import Trial
from evals.ear.recording import Event
from evals.ear.results import EventResult, ResultsError
from evals.report.conversations import render

MET = Check(about="task", what="end: has timers [600]", verdict="met")
MISSED = Check(about="task", what="end: has timers [600]", verdict="missed", why="[300.0] <b>")
EVENT = Event(kind="turn", utterance="hi", text="hi", voice="rms", start_s=1.0, end_s=2.0)


def trial(success: bool | None, number: int = 0, **facts: Any) -> Trial:
    checks = {True: (MET,), False: (MISSED,), None: ()}[success]
    return Trial(
        **{
            "system": "parley_embedded",
            "profile": "embedded",
            "conversation": "timer",
            "way": "voice",
            "number": number,
            "user": "script",
            "success": success,
            "checks": checks,
            "exchanges": (
                {"line": {"text": "hi"}, "heard": "Hello!", "calls": ["a({})"], "skipped": ""},
            ),
            "results": (EventResult(event=EVENT, outcome="answered", response_s=0.5),),
            "failure": None,
            "wall_s": 9.0,
        }
        | facts
    )


def run(*trials: Trial) -> Run:
    not_run = {"hosted": "no key"}
    return Run(when="2026-11-26", conditions={"cores": 2}, not_run=not_run, trials=trials)


def of_task(name: str, *outcomes: bool | None) -> list[Trial]:
    return [trial(one, number, conversation=name) for number, one in enumerate(outcomes)]


def test_pass_hat_is_the_chance_that_all_of_k_trials_succeed() -> None:
    trials = [*of_task("a", True, True, False, True), *of_task("b", True, True, True, True)]
    assert pass_hat(trials, 1) == pytest.approx((0.75 + 1) / 2)
    assert pass_hat(trials, 2) == pytest.approx((3 / 6 + 1) / 2)
    assert pass_hat(trials, 4) == pytest.approx((0 + 1) / 2)


def test_what_was_not_judged_is_in_no_figure() -> None:
    assert pass_hat(of_task("a", None, None), 1) is None
    assert pass_hat([*of_task("a", None), *of_task("b", True)], 1) == 1.0
    assert pass_hat(of_task("a", True, None), 2) is None


def test_answers_in_time_are_counted_apart_from_the_tasks() -> None:
    verdicts: list[Any] = ["met", "missed", "not judged"]
    checks = tuple(Check(about="time", what="t", verdict=verdict) for verdict in verdicts)
    share = in_time([trial(True, checks=checks)])
    assert (share.hits, share.n, share.unmeasured) == (1, 2, 1)


def test_the_table_names_its_figures_as_tau_voice_does() -> None:
    lines = dict(figure_lines([trial(True), trial(False, 1)]))
    assert lines["pass^1 task success"] == ["0.50 (1 tasks)"]
    assert lines["pass^2 task success"] == ["0.00 (1 tasks)"]
    assert lines["L_R response"] == ["0.50 / 0.50 (n 2)"]
    assert lines["R_R responds"] == ["100 % (2 of 2)"]
    assert "I_A interrupts the caller" in lines


def test_simulated_engines_are_not_judged_and_the_table_says_so() -> None:
    check = Check(about="task", what="x", verdict="not judged", why="no sense")
    one = trial(None, system="parley_simulated", checks=(check,))
    lines = dict(figure_lines([trial(True), one]))
    assert lines["pass^1 task success"] == ["1.00 (1 tasks)", "NOT JUDGED"]
    assert lines["NOT JUDGED"] == ["", "1 checks, no sense"]
    assert task_lines([trial(True), one]) == [("timer", ["1 of 1", "NOT JUDGED"])]


def test_what_was_missed_is_told_most_often_first() -> None:
    other = Check(about="task", what="says 'x'", verdict="missed", why="'y'")
    found = missed_lines([trial(False), trial(False, 1), trial(False, 2, checks=(other,))])
    assert [line[2] for line in found] == ["end: has timers [600]", "says 'x'"]
    assert found[0][3].startswith("2×")


def test_the_tables_fit_a_terminal() -> None:
    console = Console(file=io.StringIO(), width=100)
    for table in tables([trial(True), trial(False, way="text")]):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    assert "parley_embedded" in console.file.getvalue()


def test_a_file_of_results_says_all_of_it_again(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    written = run(trial(True), trial(False, 1, failure="the agent left"))
    write(written, path)
    assert read(path) == written


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1}'])
def test_a_file_that_is_no_results_is_told_in_a_sentence(content: str, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    with pytest.raises(ResultsError, match="make conversations"):
        read(path)
    path.write_text(content)
    with pytest.raises(ResultsError, match=str(path)):
        read(path)


def test_the_page_needs_nothing_else_and_runs_nothing_of_what_was_said() -> None:
    page = render(run(trial(True), trial(False, 1)))
    assert "pass^1" in page and "NOT RUN hosted" in page
    assert "[300.0] &lt;b&gt;" in page and "<b>" not in page
    assert "http" not in page and "<script" not in page
