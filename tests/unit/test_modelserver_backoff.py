"""How long to wait before the next attempt."""

from __future__ import annotations

from livekit.plugins.modelserver.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(first_s=0.1, longest_s=0.5)
    assert [backoff.next_s(1.0) for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]


def test_half_of_a_wait_is_chance() -> None:
    assert Backoff(first_s=0.1).next_s(0.0) == 0.05
    assert Backoff(first_s=0.1).next_s(0.5) == 0.1 * 0.75


def test_success_begins_anew() -> None:
    backoff = Backoff(first_s=0.1)
    for _ in range(4):
        backoff.next_s(1.0)
    backoff.reset()
    assert backoff.next_s(1.0) == 0.1
