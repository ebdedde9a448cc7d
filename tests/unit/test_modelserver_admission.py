"""How many callers an engine has the time for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.modelserver.admission import Admission


def _measured(cost: float, *, threads: int = 1, seconds: int = 600) -> Admission:
    admission = Admission(threads=threads)
    for _ in range(seconds):
        admission.lasted(1.0)
        admission.worked(cost)
    return admission


@pytest.mark.parametrize(("cost", "threads", "capacity"), [(0.1, 1, 8), (0.1, 2, 16), (0.3, 1, 2)])
def test_capacity_is_what_four_fifths_of_the_threads_can_do(
    cost: float, threads: int, capacity: int
) -> None:
    assert _measured(cost, threads=threads).capacity == pytest.approx(capacity, abs=1)


def test_before_anything_is_measured_a_cost_is_assumed() -> None:
    assert Admission(threads=1).capacity == 4
    assert Admission(threads=1, assumed_cost=0.4).capacity == 2


def test_an_engine_that_is_too_slow_still_serves_one() -> None:
    assert _measured(5.0).capacity == 1


def test_it_follows_a_machine_that_becomes_slower() -> None:
    admission = _measured(0.05)
    before = admission.capacity
    for _ in range(300):
        admission.lasted(1.0)
        admission.worked(0.4)
    assert admission.capacity < before / 3


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=50))
def test_capacity_is_a_number_of_callers_whatever_was_measured(
    work: list[tuple[float, float]],
) -> None:
    admission = Admission(threads=2)
    for sound_s, busy_s in work:
        admission.lasted(sound_s)
        admission.worked(busy_s)
        assert 1 <= admission.capacity <= 16_000
        assert admission.cost >= 0
