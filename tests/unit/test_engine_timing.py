from __future__ import annotations

import pytest

from evals.engines.timing import Comparison, Times, compare


def test_percentiles_are_values_that_occurred() -> None:
    times = Times.of([0.4, 0.1, 0.3, 0.2])
    assert (times.n, times.p50_s, times.p95_s) == (4, 0.2, 0.4)
    with pytest.raises(ValueError, match="no times"):
        Times.of([])


def test_the_ratio_is_that_of_the_medians() -> None:
    found = Comparison(what="x", ours=Times.of([0.1, 0.1]), baseline=Times.of([0.3, 0.5]))
    assert found.times_faster == pytest.approx(3.0)
    assert found.to_dict()["times_faster"] == 3.0


def test_both_ways_are_done_in_turn_and_once_unmeasured() -> None:
    done: list[str] = []
    found = compare("x", lambda: done.append("ours"), lambda: done.append("plain"), n=4)
    assert done.count("ours") == done.count("plain") == 5
    assert done[2:] != ["ours", "plain"] * 4  # who is first changes
    assert found.ours.n == found.baseline.n == 4
