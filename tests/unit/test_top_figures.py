from __future__ import annotations

import math

import pytest

from agent.top.figures import Reading, Window, parse, quantile, server_figures, worker_figures
from tests.fakes.exposition import worker_page

SERVER = """
process_resident_memory_bytes 9e8
parley_modelserver_connections 2
parley_modelserver_sessions{engine="ear"} 3
parley_modelserver_sessions{engine="voice"} 1
parley_modelserver_capacity{engine="ear"} 7
parley_modelserver_capacity{engine="voice"} 7
parley_modelserver_queue{lane="cpu",kind="final"} 1
parley_modelserver_queue{lane="cpu",kind="partial"} 4
parley_modelserver_refused_total{reason="session"} 2
parley_modelserver_wait_seconds_bucket{engine="ear",kind="final",le="0.1"} 10
parley_modelserver_wait_seconds_bucket{engine="ear",kind="final",le="+Inf"} 10
parley_modelserver_wait_seconds_bucket{engine="ear",kind="partial",le="0.1"} 0
parley_modelserver_wait_seconds_bucket{engine="ear",kind="partial",le="+Inf"} 10
"""


def worker(**facts: object) -> Reading:
    return parse(worker_page(**facts))  # type: ignore[arg-type]


def test_a_worker_is_read_as_it_writes() -> None:
    figures = worker_figures(
        worker(calls=2, responses_s=(0.32, 0.34, 0.36), failed=1, open_breaker="llm:bad"), None
    )
    assert (figures.calls, figures.is_full) == (2, False)
    assert figures.turns == {"answered": 3, "failed": 1}
    assert figures.faults == {"llm": 1, "stt": 0}
    assert figures.open_breakers == ["llm:bad"]
    assert figures.answers == 3
    assert figures.response_p50_s == pytest.approx(0.35, abs=0.05)
    assert figures.calls_bytes == 800_000_000
    assert figures.lag_p99_s is None


def test_response_times_are_those_of_the_last_minute() -> None:
    slow, then = (4.0,) * 20, (0.32,) * 3
    figures = worker_figures(worker(responses_s=slow + then), worker(responses_s=slow))
    assert figures.answers == 3
    assert figures.response_p95_s is not None
    assert figures.response_p95_s < 0.4
    assert figures.turns["answered"] == 23


def test_a_minute_without_an_answer_has_no_response_time() -> None:
    same = worker(responses_s=(0.3,))
    figures = worker_figures(same, same)
    assert (figures.answers, figures.response_p50_s) == (0, None)


def test_a_window_compares_with_its_oldest_reading_and_forgets_older_ones() -> None:
    window = Window(length_s=60)
    readings = [worker(calls=number) for number in range(4)]
    assert window.add(readings[0], 0.0) is None
    assert window.add(readings[1], 30.0) is readings[0]
    assert window.add(readings[2], 60.0) is readings[0]
    assert window.add(readings[3], 80.0) is readings[1]


def test_a_worker_that_was_started_anew_is_not_compared_with_what_it_was() -> None:
    window = Window()
    window.add(worker(start_s=1, responses_s=(0.3,) * 9), 0.0)
    assert window.add(worker(start_s=50, responses_s=(0.3,)), 10.0) is None


def test_a_model_server_is_read_engine_by_engine() -> None:
    figures = server_figures(parse(SERVER), None)
    assert {name: (e.sessions, e.capacity) for name, e in figures.engines.items()} == {
        "ear": (3, 7),
        "voice": (1, 7),
    }
    assert figures.engines["ear"].wait_p95_s == pytest.approx(0.1)
    assert figures.engines["voice"].wait_p95_s is None
    assert (figures.waiting, figures.refused, figures.resident_bytes) == (5, 2, 900_000_000)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0.1), (0.25, 0.15), (0.5, 0.2), (0.75, 0.3), (0.95, 0.38)]
)
def test_a_quantile_lies_within_its_bucket(share: float, expected: float) -> None:
    buckets = {0.1: 0.0, 0.2: 10.0, 0.4: 20.0, math.inf: 20.0}
    assert quantile(share, buckets) == pytest.approx(expected)


def test_a_quantile_agrees_with_prometheus_own() -> None:
    """By histogram_quantile() of Prometheus 2.42 on the same buckets."""
    buckets = {0.1: 3.0, 0.5: 7.0, 1.0: 8.0, math.inf: 10.0}
    assert quantile(0.5, buckets) == pytest.approx(0.3)
    assert quantile(0.8, buckets) == pytest.approx(1.0)
    assert quantile(0.95, buckets) == pytest.approx(1.0)
    assert quantile(0.9, {math.inf: 0.0}) is None
    assert quantile(0.9, {}) is None


@pytest.mark.parametrize("text", ["<html>", "parley_calls{", 'parley_calls{a="b} 1', "a b c d"])
def test_what_is_no_metrics_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)
