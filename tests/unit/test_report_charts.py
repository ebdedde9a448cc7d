from __future__ import annotations

import pytest

from evals.report.charts import contestants, response_curves, stages, trade_off
from evals.report.svg import response_chart, trade_off_chart
from tests.fakes.report_rows import cut_off, turn


def test_ours_come_first() -> None:
    rows = [turn(system="pipecat"), turn(), turn(patience="eager")]
    assert [it.label for it in contestants(rows)] == ["parley", "parley, eager", "pipecat"]


def test_a_curve_counts_turns_that_were_cut_off_or_not_answered_as_never_answered() -> None:
    rows = [
        turn(response_s=0.5),
        turn(response_s=0.3),
        cut_off(set="plain"),
        turn(outcome="unanswered"),
        turn(outcome="unmeasured"),
        turn(set="pauses", response_s=9.0),
    ]
    [curve] = response_curves(rows, "plain")
    assert (curve.times_s, curve.turns) == ((0.3, 0.5), 4)


def test_the_trade_off_takes_times_from_plain_turns_and_cut_offs_from_pauses() -> None:
    rows = [
        turn(response_s=0.4),
        turn(response_s=0.6),
        turn(response_s=0.5),
        turn(set="pauses", response_s=3.0),
        cut_off(set="pauses"),
    ]
    [point] = trade_off(rows)
    assert (point.p50_s, point.mean_s, point.cut_off) == (0.5, pytest.approx(0.5), 0.5)
    assert (point.turns, point.pauses_turns) == (3, 2)


def test_a_system_without_one_of_the_figures_has_no_point() -> None:
    assert trade_off([turn(response_s=0.4)]) == []
    assert trade_off([cut_off(set="pauses")]) == []


def test_stages_are_in_the_order_of_a_turn() -> None:
    rows = [turn(response_s=0.4, stage_s={"playout": 0.3, "eot": 0.2, "llm_first": 0.1})]
    assert [stage.name for stage in stages(rows)] == ["eot", "llm_first", "playout"]


def test_a_curve_ends_at_the_share_that_was_answered() -> None:
    curves = response_curves([turn(response_s=0.25), turn(outcome="unanswered")], "plain")
    chart = response_chart(curves)
    points = chart.split('points="')[1].split('"')[0].split()
    heights = {float(point.split(",")[1]) for point in points}
    nothing, everything = 298, 14
    assert heights == {nothing, (nothing + everything) / 2}
    assert "parley (2)" in chart


def test_a_point_tells_its_figures() -> None:
    chart = trade_off_chart(trade_off([turn(response_s=0.4), cut_off(set="pauses")]))
    assert "parley: 100 % of 1 cut off, response p50 0.40 s" in chart


def test_charts_without_anything_to_show_can_still_be_drawn() -> None:
    assert response_chart([]).startswith("<svg") and trade_off_chart([]).startswith("<svg")
