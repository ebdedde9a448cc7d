from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evals.ear.recording import Event
from evals.ear.results import EventResult, Results, Row
from evals.ear.targets import TARGETS, Target, Verdict, judge, judge_all
from evals.ear.vad_figures import VadFigures

TURN = Event(kind="turn", utterance="u", text="", voice="slt", start_s=0, end_s=1)

PAUSE_S = {"answered": None, "cut_off": 0.4}


def rows(system: str, *values_s: float | None, patience: str = "normal") -> list[Row]:
    """Plain turns; None for one without an answer."""
    return [
        Row(
            system=system,
            patience=patience,
            set="plain",
            split="test",
            call="plain-01",
            result=EventResult(
                event=TURN,
                outcome="unanswered" if value is None else "answered",
                response_s=value,
            ),
        )
        for value in values_s
    ]


def target(what: str) -> Target:
    return next(target for target in TARGETS if target.what == what)


def verdict(what: str, measured: list[Row]) -> Verdict:
    return judge(target(what), measured)


@pytest.mark.parametrize(("value_s", "state"), [(0.4, "met"), (0.41, "missed")])
def test_a_time_is_held_against_its_limit(value_s: float, state: str) -> None:
    found = verdict("response, synthetic voices, p50", rows("parley", *[value_s] * 30))
    assert (found.state, found.value, found.n) == (state, value_s, 30)


@pytest.mark.parametrize("value_s", [0.1, 0.9])
def test_with_few_events_nothing_is_claimed(value_s: float) -> None:
    found = verdict("response, synthetic voices, p50", rows("parley", *[value_s] * 29))
    assert (found.state, found.value, found.n) == ("too few", value_s, 29)


def test_a_share_needs_a_hundred_events() -> None:
    what = "turns in which the agent interrupts the caller"
    states = [verdict(what, rows("parley", *[0.4] * n)).state for n in (99, 100)]
    assert states == ["too few", "met"]


def test_cut_pauses_are_counted_by_what_was_said() -> None:
    def paused(outcome: Any, *tags: str) -> Row:
        turn = replace(TURN, pauses_s=((0.2, 0.6),), tags=tags)
        [row] = rows("parley", 0.4)
        return replace(
            row,
            set="pauses",
            result=EventResult(
                event=turn, outcome=outcome, response_s=0.4, cut_pause_s=PAUSE_S[outcome]
            ),
        )

    measured = [paused("answered", "pauses"), paused("cut_off", "pauses_hard")] * 50

    assert verdict("inner pauses of 0.3–2 s cut", measured).value == 0.5
    unfinished = verdict("those of them in unfinished phrases", measured * 2)
    assert (unfinished.value, unfinished.n, unfinished.state) == (0.0, 100, "met")
    assert verdict("pauses in numbers, spelling, e-mail, hesitation cut", measured).value is None


def test_a_ratio_needs_the_baseline_in_the_same_run() -> None:
    what = "response, synthetic voices, p50 against stock"
    ours = rows("parley", *[0.3] * 30)
    stock = rows("stock_v1_mini", 0.6, patience="default")
    assert verdict(what, ours).state == "NOT MEASURED"
    found = verdict(what, [*ours, *stock])
    assert (found.state, found.value) == ("met", pytest.approx(0.5))


def test_other_patience_and_other_systems_do_not_count_for_ours() -> None:
    others = [*rows("parley", 0.1, patience="eager"), *rows("parley_vad", 0.1)]
    assert verdict("response, synthetic voices, p50", others).state == "NOT MEASURED"


def test_an_agent_that_never_answers_misses_and_is_not_left_out() -> None:
    assert verdict("response, synthetic voices, p50", rows("parley", None)).state == "missed"
    found = verdict("unanswered turns", rows("parley", None, *[0.4] * 99))
    assert (found.state, found.value) == ("missed", 1)


def test_without_any_result_nothing_is_met() -> None:
    assert {judge(target, []).state for target in TARGETS} == {"NOT MEASURED"}


def test_the_targets_one_to_nine_are_all_there() -> None:
    assert {target.number for target in TARGETS} == set(range(1, 10))


def run(*measured: Row, **conditions: object) -> Results:
    return Results(when="", conditions=conditions, systems={}, rows=measured)


def judged(what: str, results: Results, vad: VadFigures | None = None) -> Verdict:
    return next(it for it in judge_all(results, vad) if it.target.what.startswith(what))


@pytest.mark.parametrize(("playout_s", "state"), [(0.26, "met"), (0.24, "missed")])
def test_record_and_ear_agree_within_50_ms_of_the_path(playout_s: float, state: str) -> None:
    [row] = rows("parley", 0.4)
    row = replace(row, result=replace(row.result, stage_s={"playout": playout_s}))
    found = judged("the product's own record", run(*[row] * 30, path={"p50_s": 0.1}))
    assert (found.state, found.n) == (state, 30)


def test_without_the_path_the_agreement_is_not_measured() -> None:
    [row] = rows("parley", 0.4)
    row = replace(row, result=replace(row.result, stage_s={"playout": 0.3}))
    assert judged("the product's own record", run(row)).state == "NOT MEASURED"


def test_the_vad_is_judged_when_its_recordings_are_there() -> None:
    figures = VadFigures(
        recordings=30,
        windows=8000,
        speech_share=0.7,
        average_precision=0.97,
        p50_us=17.0,
        p95_us=20.0,
        p50_with_hop_us=100.0,
    )
    assert judged("VAD, each window", run(), figures).state == "met"
    assert judged("VAD, average precision", run(), figures).state == "missed"
    assert judged("VAD, average precision", run()).state == "NOT MEASURED"
