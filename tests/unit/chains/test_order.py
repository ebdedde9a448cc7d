"""Of a chain everybody is asked who may be, and nobody for ever."""

from __future__ import annotations

import pytest
from livekit.plugins.chains.member import Member
from livekit.plugins.chains.order import Order


def asked(names: str, healthy: str, hopeless: str = "") -> str:
    """The names in the order in which they are asked."""
    order = Order(
        [Member(name, name, 1.0) for name in names],
        may_try=lambda name: name in healthy,
        is_hopeless=lambda name: name in hopeless,
    )
    taken = []
    while member := order.take():
        taken.append(member.name)
    return "".join(taken)


@pytest.mark.parametrize(
    ("names", "healthy", "hopeless", "order"),
    [
        ("a", "a", "", "aa"),
        ("abc", "abc", "", "abcabc"),
        ("abc", "bc", "", "bcbcaa"),
        ("abc", "bc", "a", "bcbc"),
        ("ab", "", "", "abab"),
        ("ab", "", "ab", ""),
        ("ab", "", "a", "bb"),
    ],
)
def test_the_healthy_come_first_and_twice_the_doubtful_last_and_the_hopeless_never(
    names: str, healthy: str, hopeless: str, order: str
) -> None:
    assert asked(names, healthy, hopeless) == order


def test_while_another_one_works_nobody_is_asked_twice() -> None:
    order = Order(
        [Member(name, name, 1.0) for name in "ab"],
        may_try=lambda name: True,
        is_hopeless=lambda name: False,
    )
    assert order.has_new
    taken = [order.take(), order.take(only_new=True), order.take(only_new=True)]
    assert [member.name if member else None for member in taken] == ["a", "b", None]
    assert not order.has_new
