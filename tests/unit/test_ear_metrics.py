from __future__ import annotations

from typing import Any

import pytest

from evals.ear import metrics
from evals.ear.recording import Event
from evals.ear.results import EventResult, Row


def row(kind: str = "turn", outcome: str = "answered", **facts: Any) -> Row:
    pauses_s = facts.pop("pauses_s", ())
    event = Event(
        kind=kind,  # type: ignore[arg-type]
        utterance="u",
        text="",
        voice="slt",
        start_s=1.0,
        end_s=5.0,
        pauses_s=pauses_s,
    )
    return Row(
        system="parley",
        patience="normal",
        set="plain",
        split="test",
        call="plain-01",
        result=EventResult(event=event, outcome=outcome, **facts),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.95, 7.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([1.0, 2.0, 3.0], 0.5, 2.0),
        (list(range(1, 101)), 0.95, 95),
        (list(range(1, 21)), 0.95, 19),
        (list(range(1, 20)), 0.95, 19),
    ],
)
def test_a_percentile_is_the_nearest_value_that_occurred(
    values: list[float], share: float, expected: float | None
) -> None:
    assert metrics.percentile(values, share) == expected


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 100, 0.0, 0.0370), (5, 100, 0.0215, 0.1118), (8, 20, 0.2188, 0.6134), (3, 3, 0.4385, 1.0)],
)
def test_the_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    assert metrics.wilson(hits, n) == (
        pytest.approx(low, abs=2e-4),
        pytest.approx(high, abs=2e-4),
    )


def test_no_events_have_neither_a_share_nor_times() -> None:
    assert metrics.cut_offs([]).value is None
    assert metrics.cut_offs([]).interval is None
    assert metrics.response([]).p50_s is None
    assert metrics.response([]).mean_s is None


def test_a_response_counts_where_the_caller_was_heard_out_and_the_rest_failed() -> None:
    rows = [
        row(response_s=0.5),
        row(response_s=0.3),
        row(outcome="cut_off", response_s=0.2),
        row(outcome="unanswered"),
        row(outcome="unmeasured"),
        row("interruption", "yielded", response_s=0.1),
    ]
    times = metrics.response(rows)
    assert times.values_s == (0.3, 0.5)
    assert (times.n, times.failed, times.unmeasured) == (2, 2, 1)
    assert metrics.responded(rows).value == 0.75
    assert metrics.unanswered(rows).value == 0.25
    assert metrics.cut_offs(rows).value == 0.25
    assert metrics.cut_offs(rows).unmeasured == 1


def test_a_cut_off_turn_counts_the_pauses_up_to_the_one_it_fell_into() -> None:
    pauses = ((2.0, 2.5), (3.0, 3.5), (4.0, 4.5))
    rows = [
        row(pauses_s=pauses, response_s=0.4),
        row(outcome="cut_off", pauses_s=pauses, onset_s=3.2, cut_pause_s=0.5),
        row(outcome="cut_off", pauses_s=pauses, onset_s=2.8),
        row(outcome="unmeasured", pauses_s=pauses),
    ]
    share = metrics.pauses_cut(rows)
    assert (share.hits, share.n, share.unmeasured) == (1, 3 + 2 + 1, 3)


def test_yielding_is_timed_where_it_took_place() -> None:
    rows = [
        row("interruption", "yielded", stop_s=0.5, response_s=0.6),
        row("interruption", "yielded", stop_s=0.3),
        row("interruption", "not_yielded", stop_s=4.0),
        row("interruption", "unmeasured"),
    ]
    times = metrics.yield_time(rows)
    assert (times.values_s, times.failed, times.unmeasured) == ((0.3, 0.5), 1, 1)
    assert metrics.yielded(rows).value == pytest.approx(2 / 3)
    assert metrics.response_to_interruption(rows).failed == 1


def test_survival_is_told_apart_for_backchannels_and_undirected_sounds() -> None:
    rows = [
        row("backchannel", "survived"),
        row("backchannel", "stopped"),
        row("cough", "survived"),
        row("noise", "survived"),
        row("side_talk", "answered"),
        row("side_talk", "unmeasured"),
    ]
    assert metrics.backchannels_survived(rows).value == 0.5
    assert metrics.undirected_survived(rows).value == pytest.approx(2 / 3)
    assert metrics.undirected_survived(rows).unmeasured == 1


def test_interrupting_counts_turns_and_interruptions_alike() -> None:
    rows = [
        row(outcome="cut_off", agent_interrupts=True),
        row(response_s=0.4),
        row("interruption", "yielded", agent_interrupts=True),
        row("interruption", "yielded"),
        row("cough", "survived"),
    ]
    assert metrics.interrupts(rows).value == 0.5


@pytest.mark.parametrize(
    ("facts", "hits"),
    [
        ({"replies": 1, "reply_whole": True}, 0),
        ({"replies": 1, "reply_whole": None}, 0),
        ({"replies": 2, "reply_whole": True}, 1),
        ({"replies": 1, "reply_whole": False}, 1),
    ],
)
def test_an_echo_was_taken_for_the_caller_if_the_reply_broke_off_or_had_a_second(
    facts: dict[str, Any], hits: int
) -> None:
    assert metrics.echo_taken([row(response_s=0.4, **facts)]).hits == hits


def test_the_agents_records_are_checked_against_the_ear_after_the_path_is_taken_off() -> None:
    rows = [
        row(response_s=0.40, stage_s={"playout": 0.30}),
        row(response_s=0.52, stage_s={"playout": 0.40}),
        row(response_s=0.42, stage_s={"playout": 0.35}),
        row(response_s=0.45),
        row(outcome="cut_off", response_s=0.45, stage_s={"playout": 9.9}),
    ]
    check = metrics.cross_check(rows, path_s=0.09)
    assert (check.difference.n, check.difference.unmeasured) == (3, 1)
    assert check.difference.p50_s == pytest.approx(0.10)
    assert check.bias_s == pytest.approx(0.01)
    assert check.deviations_s == pytest.approx((0.01, 0.02, 0.03))
    assert check.p95_deviation_s == pytest.approx(0.03)


def test_the_time_after_the_last_word_of_a_recording_is_no_error_of_the_record() -> None:
    rows = [row(response_s=0.20, stage_s={"playout": 0.30})]
    check = metrics.cross_check(rows, path_s=0.09, tail_s=lambda utterance: 0.18)
    assert check.deviations_s == pytest.approx((0.01,))


def test_without_records_or_without_the_path_nothing_is_checked() -> None:
    assert metrics.cross_check([row(response_s=0.4)], path_s=0.1).p95_deviation_s is None
    recorded = row(response_s=0.4, stage_s={"playout": 0.3})
    check = metrics.cross_check([recorded], path_s=None)
    assert (check.difference.n, check.p95_deviation_s, check.bias_s) == (1, None, None)


def test_a_stage_that_a_record_lacks_is_unmeasured() -> None:
    rows = [row(stage_s={"eot": 0.2}), row(stage_s={"playout": 0.3}), row()]
    times = metrics.stage_times(rows, "eot")
    assert (times.values_s, times.unmeasured) == ((0.2,), 1)
