"""The next member is the best that has failed least."""

from __future__ import annotations

from livekit.plugins.chains import Fault, FaultKind
from livekit.plugins.chains.stt_choice import Choice

BROKEN = Fault(FaultKind.OTHER, "broken")
LATE = Fault(FaultKind.TIMEOUT, "late")


def failing(choice: Choice) -> list[int]:
    """Who is asked, one after the other, if all fail."""
    order, member = [], choice.first()
    while member is not None:
        order.append(member)
        choice.failed(member, BROKEN)
        member = choice.next()
    return order


def test_each_is_asked_in_order_and_once_more() -> None:
    assert failing(Choice(3, lambda m: True, lambda m: False)) == [0, 1, 2, 0, 1, 2]
    assert failing(Choice(1, lambda m: True, lambda m: False)) == [0, 0]


def test_one_with_an_open_breaker_is_asked_when_all_else_has_failed() -> None:
    assert failing(Choice(3, lambda m: m > 0, lambda m: False)) == [1, 2, 1, 2, 0]


def test_one_with_a_refused_key_is_never_asked() -> None:
    assert failing(Choice(2, lambda m: m > 0, lambda m: m == 0)) == [1, 1]
    assert Choice(2, lambda m: False, lambda m: m == 0).first() == 1
    assert failing(Choice(2, lambda m: False, lambda m: True)) == []


def test_a_breaker_that_opens_meanwhile_is_heeded() -> None:
    may_try = {0, 1}
    choice = Choice(2, lambda m: m in may_try, lambda m: False)
    choice.failed(0, BROKEN)
    may_try.remove(0)
    assert choice.next() == 1
    assert choice.others(1) == []


def test_a_new_turn_forgets_the_faults() -> None:
    choice = Choice(2, lambda m: True, lambda m: False)
    choice.failed(0, BROKEN)
    assert (choice.next(), choice.faults) == (1, [BROKEN])
    choice.begin()
    assert (choice.next(), choice.faults) == (0, [])


def test_the_others_are_those_that_have_failed_least_and_not_twice() -> None:
    choice = Choice(5, lambda m: m != 2, lambda m: False)
    for member in (1, 4, 4):
        choice.failed(member, BROKEN)
    assert choice.others(0) == [3, 1]
    choice.failed(3, LATE)
    assert choice.others(0) == [1]
