"""agent.token_bucket: how often something may happen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.token_bucket import RateLimiter, TokenBucket

pauses_s = st.lists(st.floats(0, 30), min_size=1, max_size=60)


def test_so_many_at_once_and_then_one_each_time_that_it_takes() -> None:
    bucket = TokenBucket(per_s=0.5, burst=3)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_s(10.0) == pytest.approx(2.0)
    assert not bucket.take(11.9)
    assert bucket.take(12.0)
    assert not bucket.take(12.0)


def test_who_waits_long_has_no_more_than_the_burst() -> None:
    bucket = TokenBucket(per_s=1, burst=2)
    assert [bucket.take(1e6) for _ in range(3)] == [True, True, False]
    assert [bucket.take(2e6) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_neither_gives_nor_takes() -> None:
    bucket = TokenBucket(per_s=1, burst=1)
    assert bucket.take(100.0)
    assert not bucket.take(50.0)
    assert bucket.wait_s(100.0) == pytest.approx(1.0)
    assert bucket.take(101.0)


@given(per_s=st.floats(0.01, 100), burst=st.integers(1, 20), pauses_s=pauses_s)
def test_in_any_time_no_more_than_the_burst_and_the_rate(
    per_s: float, burst: int, pauses_s: list[float]
) -> None:
    bucket, now_s, taken = TokenBucket(per_s, burst), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        taken += bucket.take(now_s)
    assert taken <= burst + per_s * now_s + 1e-6


@given(per_s=st.floats(0.01, 100), burst=st.integers(1, 20), pauses_s=pauses_s)
def test_waiting_as_long_as_was_told_is_enough(
    per_s: float, burst: int, pauses_s: list[float]
) -> None:
    bucket, now_s = TokenBucket(per_s, burst), 0.0
    for pause_s in pauses_s:
        now_s += pause_s
        bucket.take(now_s)
    now_s += bucket.wait_s(now_s)
    assert bucket.take(now_s)


def test_each_key_has_its_own() -> None:
    limiter = RateLimiter(per_s=1 / 60, burst=1)
    assert limiter.take("ann", 0.0) == 0
    assert limiter.take("ann", 0.0) == pytest.approx(60)
    assert limiter.take("bob", 0.0) == 0


def test_strangers_do_not_fill_the_memory_nor_set_free_who_keeps_asking() -> None:
    limiter = RateLimiter(per_s=1 / 60, burst=1, most_keys=10)
    limiter.take("ann", 0.0)
    for number in range(1000):
        limiter.take(f"stranger {number}", 0.0)
        assert limiter.take("ann", 0.0) > 0
    assert limiter.size == 10
