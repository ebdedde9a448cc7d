"""Lines through samples, and what counts as grown."""

from __future__ import annotations

import random
from typing import Any

import pytest

from evals.load.growth import SERIES, Sample, grown, slopes, to_rows, with_lasting
from evals.load.trend import fit_line


def sample(at_s: float = 0.0, **more: Any) -> Sample:
    fields: dict[str, Any] = dict.fromkeys(SERIES, 100) | {"rooms": 0, "calls": 0}
    return Sample(at_s=at_s, **fields | more)


def half_an_hour(mb_per_hour: float, noise_mb: float = 2.0) -> list[Sample]:
    rng = random.Random(1)
    return [
        sample(at_s, worker_rss_mb=150 + mb_per_hour * at_s / 3600 + rng.gauss(0, noise_mb))
        for at_s in range(0, 1800, 10)
    ]


def test_a_line_through_points_on_a_line_is_that_line() -> None:
    line = fit_line([0, 1, 2, 3], [5, 7, 9, 11])
    assert line is not None
    assert (line.slope, line.intercept, line.slope_error) == pytest.approx((2, 5, 0))


def test_the_error_of_a_slope_is_the_textbooks() -> None:
    """The residuals are ±1 about y = x: s² = 4/2, Sxx = 5."""
    line = fit_line([0, 1, 2, 3], [1, 0, 1, 4])
    assert line is not None
    assert line.slope == pytest.approx(1.0)
    assert line.slope_error == pytest.approx((4 / 2 / 5) ** 0.5)
    assert line.surely_above == pytest.approx(1.0 - 2 * (4 / 2 / 5) ** 0.5)


def test_two_points_have_a_line_without_an_error_and_one_has_none() -> None:
    line = fit_line([1, 2], [10, 60])
    assert line is not None and (line.slope, line.slope_error) == (50, None)
    assert fit_line([1], [10]) is None
    assert fit_line([1, 1], [10, 20]) is None


def test_nineteen_of_twenty_slopes_are_within_two_standard_errors() -> None:
    rng, hits = random.Random(7), 0
    xs = [number / 60 for number in range(60)]
    for _ in range(400):
        line = fit_line(xs, [3 * x + rng.gauss(0, 1) for x in xs])
        assert line is not None and line.slope_error is not None
        hits += abs(line.slope - 3) < 2 * line.slope_error
    assert 0.92 < hits / 400 < 0.98


def test_a_leak_of_forty_megabytes_an_hour_is_found_in_half_an_hour() -> None:
    lines = slopes(half_an_hour(40))
    assert lines["worker_rss_mb"].slope == pytest.approx(40, abs=5)
    (problem,) = grown(lines, sample(), sample())
    assert problem.startswith("worker_rss_mb grows by")


def test_noise_is_no_leak() -> None:
    assert grown(slopes(half_an_hour(0)), sample(), sample()) == []


def test_the_first_fifth_is_left_out_for_then_everything_is_used_once() -> None:
    warming = [sample(at_s, worker_rss_mb=50 + at_s / 4) for at_s in range(0, 360, 10)]
    steady = [sample(at_s, worker_rss_mb=140) for at_s in range(360, 1800, 10)]
    assert slopes([*warming, *steady])["worker_rss_mb"].slope == 0


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        ({"processes": 101}, "processes: 100 before the first call, 101 after the last"),
        ({"worker_fds": 103}, "worker_fds: 100 before the first call, 103 after the last"),
        ({"rooms": 1}, "rooms: 0 before the first call, 1 after the last"),
        ({"worker_fds": 102, "processes": 90}, None),
    ],
)
def test_what_is_left_after_the_last_call_has_grown(
    after: dict[str, int], problem: str | None
) -> None:
    assert grown({}, sample(), sample(**after)) == ([problem] if problem else [])


def test_lasting_processes_are_those_of_every_sample() -> None:
    snapshots = [(sample(0), {1: 50.0, 2: 20.0}), (sample(10), {1: 60.0, 3: 9.0, 2: 21.0})]
    assert [one.lasting_rss_mb for one in with_lasting(snapshots)] == [70.0, 81.0]
    assert with_lasting([]) == []


def test_without_samples_there_are_no_slopes() -> None:
    assert slopes([]) == {}
    assert slopes([sample()]) == {}


def test_samples_are_kept_as_a_list_for_each_field() -> None:
    rows = to_rows([sample(0), sample(10, calls=3)])
    assert (rows["at_s"], rows["calls"]) == ([0, 10], [0, 3])
