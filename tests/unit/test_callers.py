from __future__ import annotations

from agent.callers import RETURN_GRACE_S, Callers, EndAfter, Link


def test_the_first_to_join_is_listened_to() -> None:
    callers = Callers()
    assert callers.joined("ann") == Link("ann")
    assert callers.joined("bob") is None
    assert callers.linked == "ann"


def test_when_the_linked_caller_leaves_the_one_there_longest_is_next() -> None:
    callers = Callers()
    for name in ("ann", "bob", "cid"):
        callers.joined(name)
    assert callers.left("ann", hung_up=True) == Link("bob")
    assert callers.left("cid", hung_up=True) is None
    assert callers.left("bob", hung_up=True) == EndAfter(0.0)


def test_a_lost_connection_gives_the_last_caller_time_to_return() -> None:
    callers = Callers()
    callers.joined("ann")
    assert callers.left("ann", hung_up=False) == EndAfter(RETURN_GRACE_S)
    assert callers.alone
    assert callers.joined("ann") == Link("ann")


def test_a_participant_that_was_never_a_caller_changes_nothing_while_others_are_there() -> None:
    callers = Callers()
    callers.joined("ann")
    assert callers.left("recorder", hung_up=True) is None
    assert callers.linked == "ann"


def test_the_one_who_was_talking_before_is_preferred_when_there() -> None:
    callers = Callers()
    callers.joined("ann")
    callers.joined("bob")
    callers.prefer("cid")
    assert callers.linked == "ann"
    callers.prefer("bob")
    assert callers.linked == "bob"
    assert callers.present == ("ann", "bob")
