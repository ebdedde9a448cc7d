from __future__ import annotations

from typing import Any

import pytest

from agent.continuity.rescue import (
    ARRIVAL_S,
    ATTEMPTS,
    TAKING_S,
    Bring,
    Dispatch,
    GiveUp,
    Leave,
    LostJob,
    RoomView,
    Wait,
    decide,
)

NOW_S = 10_000.0
LOST = LostJob(room_sid="RM_1", dispatch="AD_0", identity="agent-1", metadata='{"voice": "a"}')


def dispatches(*ages_s: float, had_agent: bool = True) -> tuple[Dispatch, ...]:
    return tuple(
        Dispatch(id=f"AD_{n}", metadata=f"m{n}", asked_s=NOW_S - age_s, had_agent=had_agent)
        for n, age_s in enumerate(ages_s)
    )


def room(**changes: Any) -> RoomView:
    given: dict[str, Any] = {
        "sid": "RM_1",
        "callers": frozenset({"ann"}),
        "agents": frozenset(),
        "dispatches": dispatches(600),
    }
    return RoomView(**{**given, **changes})


def test_a_room_with_an_agent_needs_none() -> None:
    assert decide(room(agents=frozenset({"agent-2"})), None, NOW_S) == Leave()
    assert decide(room(agents=frozenset({"agent-1", "agent-2"})), LOST, NOW_S) == Leave()


def test_a_room_for_which_nobody_asked_for_an_agent_gets_none() -> None:
    assert decide(room(dispatches=()), None, NOW_S) == Leave()
    assert decide(room(dispatches=()), LOST, NOW_S) == Leave()  # it was withdrawn


def test_the_job_known_to_be_dead_is_replaced_at_once() -> None:
    ghost = room(agents=frozenset({"agent-1"}), dispatches=dispatches(1))
    assert decide(ghost, LOST, NOW_S) == Bring(LOST.metadata, was_interrupted=True)


def test_an_agent_of_another_worker_is_missed_when_it_had_time_to_arrive() -> None:
    young, old = dispatches(ARRIVAL_S - 0.1), dispatches(ARRIVAL_S)
    assert decide(room(dispatches=young), None, NOW_S) == Wait()
    assert decide(room(dispatches=old), None, NOW_S) == Bring("m0", was_interrupted=True)


def test_an_agent_that_was_seen_and_is_gone_is_missed_however_young_its_request_is() -> None:
    asked = Dispatch(
        id="AD_0", metadata="", asked_s=NOW_S - 4, had_agent=True, agents=frozenset({"agent-1"})
    )
    lonely = room(dispatches=(asked,))
    assert decide(lonely, None, NOW_S, {"agent-1"}) == Bring("", was_interrupted=True)
    assert decide(lonely, None, NOW_S, {"agent-of-an-older-request"}) == Wait()


def test_one_that_was_seen_has_taken_the_only_request_though_the_list_does_not_say_so_yet() -> None:
    only, older = dispatches(1, had_agent=False), dispatches(1, 60, had_agent=False)
    assert decide(room(dispatches=only), None, NOW_S, {"agent-1"}) == Bring(
        "m0", was_interrupted=True
    )
    assert decide(room(dispatches=only), None, NOW_S) == Wait()
    assert decide(room(dispatches=older), None, NOW_S, {"agent-1"}) == Wait()


def test_one_of_which_nothing_was_told_is_waited_for() -> None:
    assert decide(room(dispatches=dispatches(4)), None, NOW_S, {"agent-1"}) == Wait()


def test_agents_that_leave_at_once_are_replaced_ever_more_slowly_too() -> None:
    def seen_after(age_s: float) -> object:
        newest = Dispatch(
            id="AD_x",
            metadata="",
            asked_s=NOW_S - age_s,
            had_agent=True,
            agents=frozenset({"agent-2"}),
        )
        return decide(room(dispatches=(*dispatches(600, 600), newest)), None, NOW_S, {"agent-2"})

    assert seen_after(2.9) == Wait()
    assert seen_after(3.0) == Bring("", was_interrupted=True)


def test_a_request_that_no_worker_took_is_made_again_and_the_caller_greeted() -> None:
    young = dispatches(TAKING_S - 0.1, had_agent=False)
    old = dispatches(TAKING_S, had_agent=False)
    assert decide(room(dispatches=young), None, NOW_S) == Wait()
    assert decide(room(dispatches=old), None, NOW_S) == Bring("m0", was_interrupted=False)


def test_an_agent_waits_for_the_caller_to_return() -> None:
    assert decide(room(callers=frozenset()), LOST, NOW_S) == Wait()


def test_a_server_started_again_has_forgotten_the_request() -> None:
    again = room(sid="RM_2", dispatches=())
    assert decide(again, LOST, NOW_S) == Bring(LOST.metadata, was_interrupted=True)


def test_a_request_made_anew_by_the_caller_has_time_to_be_taken() -> None:
    fresh = (Dispatch(id="AD_9", metadata="", asked_s=NOW_S, had_agent=False),)
    assert decide(room(sid="RM_2", dispatches=fresh), LOST, NOW_S) == Wait()


@pytest.mark.parametrize(("attempts", "patience_s"), [(0, 0.0), (1, 1.0), (2, 3.0)])
def test_jobs_that_die_at_once_are_replaced_ever_more_slowly(
    attempts: int, patience_s: float
) -> None:
    before = dispatches(*[600.0] * attempts)

    def seen(age_s: float) -> RoomView:
        newest = Dispatch(id="AD_x", metadata="", asked_s=NOW_S - age_s, had_agent=True)
        return room(dispatches=(*before, newest))

    lost = LostJob(room_sid="RM_1", dispatch="AD_x", identity="agent-1", metadata="")
    assert decide(seen(patience_s), lost, NOW_S) == Bring("", was_interrupted=True)
    if patience_s:
        assert decide(seen(patience_s - 0.1), lost, NOW_S) == Wait()


def test_after_the_last_attempt_the_call_is_ended() -> None:
    often = room(dispatches=dispatches(*[600.0] * (ATTEMPTS + 1)))
    assert decide(often, LOST, NOW_S) == GiveUp()
    assert decide(often, None, NOW_S) == GiveUp()


def test_the_time_before_the_first_agent_is_no_attempt_to_bring_one_back() -> None:
    waited = dispatches(500, 490, 480, had_agent=False)
    served = Dispatch(id="AD_s", metadata="m", asked_s=NOW_S - 400, had_agent=True)
    lost = LostJob(room_sid="RM_1", dispatch="AD_s", identity="agent-1", metadata="m")
    assert decide(room(dispatches=(served, *waited)), lost, NOW_S) == Bring(
        "m", was_interrupted=True
    )


def test_a_room_that_never_had_an_agent_is_left_alone_in_the_end() -> None:
    full = room(dispatches=dispatches(*[600.0] * (ATTEMPTS + 1), had_agent=False))
    assert decide(full, None, NOW_S) == Leave()
