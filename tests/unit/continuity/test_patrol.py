"""Which rooms of others a worker looks at, and how soon a fleet of them finds the lost ones."""

from __future__ import annotations

from random import Random

import pytest

from agent.continuity.patrol import (
    DESERTED_A_LIST,
    NOBODY,
    ROOMS_A_S,
    ROOMS_A_SCAN,
    SUSPECTS_A_SCAN,
    Listed,
    Patrol,
)
from evals.lost_workers import FLEETS, Fleet

BUSY = Listed(participants=1, publishers=2)
ALONE = Listed(participants=1, publishers=1)


def patrol(rooms: dict[str, Listed], workers: dict[str, str] | None = None) -> Patrol:
    made = Patrol(Random(1))
    made.listed(rooms, 0.0)
    for room, worker in (workers or {}).items():
        made.saw(room, worker)
    return made


def named(count: int, listed: Listed = BUSY, name: str = "room") -> dict[str, Listed]:
    return {f"{name}-{n}": listed for n in range(count)}


@pytest.mark.parametrize(("workers", "calls"), FLEETS)
def test_lost_rooms_are_looked_at_within_four_seconds(workers: int, calls: int) -> None:
    found = Fleet(workers, calls, Random(7)).found(dies_s=30.0, ends_s=60.0)
    assert found.quantile_s(0.95) < 4.0
    assert len(found.after_s) == calls
    assert found.looks_a_scan <= ROOMS_A_SCAN


@pytest.mark.parametrize(
    ("listed", "looks_deserted"),
    [
        (BUSY, False),
        (ALONE, True),
        (Listed(participants=1, publishers=0), True),  # a caller without a microphone
        (Listed(participants=0, publishers=0), False),
    ],
)
def test_a_room_looks_deserted_where_only_callers_publish(
    listed: Listed, looks_deserted: bool
) -> None:
    assert listed.looks_deserted is looks_deserted


def test_when_there_are_few_rooms_all_are_looked_at_but_ones_own() -> None:
    rooms = named(ROOMS_A_SCAN) | named(3, name="own")
    assert set(patrol(rooms).first(named(3, name="own"))) == set(named(ROOMS_A_SCAN))


def test_rooms_that_look_deserted_come_before_all_others_once_for_each_list() -> None:
    made = patrol(named(500) | named(3, ALONE, "alone"))
    assert set(made.first(())[:3]) == set(named(3, name="alone"))
    assert len(made.first(())) == ROOMS_A_SCAN


def test_of_many_that_look_deserted_some_are_looked_at() -> None:
    assert len(patrol(named(500, ALONE)).first(())) == DESERTED_A_LIST + ROOMS_A_SCAN


def test_a_room_in_which_nobody_asked_for_our_agent_is_no_deserted_one() -> None:
    rooms = named(500) | named(2, ALONE, "alone")
    made = patrol(rooms, {"alone-0": NOBODY})
    made.listed(rooms, 0.0)
    assert made.first(())[0] == "alone-1"


def test_some_rooms_of_every_worker_are_looked_at() -> None:
    workers = {f"room-{n}": f"AW_{n % 10}" for n in range(500)}
    looked_at = patrol(named(500), workers).first(())
    assert sorted(workers[room] for room in looked_at) == sorted([f"AW_{n}" for n in range(10)] * 2)


def test_rooms_of_which_nothing_is_known_yet_are_half_of_those_looked_at() -> None:
    workers = {f"room-{n}": f"AW_{n % 10}" for n in range(500)}
    looked_at = patrol(named(500) | named(500, name="new"), workers).first(())
    assert len(looked_at) == ROOMS_A_SCAN
    assert sum(room.startswith("new") for room in looked_at) == ROOMS_A_SCAN // 2


def test_rooms_that_no_worker_has_taken_and_those_that_say_nothing() -> None:
    workers = {f"room-{n}": f"AW_{n % 10}" for n in range(500)}
    made = patrol(named(500) | {"waiting": BUSY, "mute": BUSY}, workers)
    made.saw("waiting", None)
    made.saw_nothing("mute")
    looked_at = made.first(())
    assert "waiting" in looked_at  # as a new one
    assert "mute" in looked_at  # as the only one of its kind


def test_one_silent_agent_makes_all_rooms_of_its_worker_suspect_and_those_not_known_yet() -> None:
    workers = {f"room-{n}": f"AW_{n % 10}" for n in range(100)}
    made = patrol(named(100) | named(3, name="new"), workers)
    made.suspect("room-7")
    theirs = {room for room, worker in workers.items() if worker == "AW_7"}
    assert set(made.then({"room-7"})) == theirs - {"room-7"} | set(named(3, name="new"))
    assert not made.then(())


def test_suspects_are_bounded_and_known_ones_come_first() -> None:
    workers = {f"room-{n}": "AW_1" for n in range(60)}
    made = patrol(named(60) | named(500, name="new"), workers)
    made.suspect("room-0")
    looked_at = made.then(())
    assert len(looked_at) == SUSPECTS_A_SCAN
    assert set(looked_at[:60]) == set(workers)


def test_a_room_without_a_worker_makes_nobody_suspect() -> None:
    made = patrol(named(100), {"room-0": NOBODY, "room-1": NOBODY})
    made.suspect("room-0")
    made.suspect("room-2")
    assert not made.then(())


def test_what_is_known_of_a_room_that_has_gone_is_forgotten() -> None:
    made = patrol(named(30), {"room-0": "AW_1", "room-1": "AW_1"})
    made.listed(named(1), 0.0)
    made.listed(named(30), 0.0)
    made.suspect("room-1")
    assert not made.then(())
    made.suspect("room-0")
    assert made.then(())


@pytest.mark.parametrize("rooms", [50, 10_000])
def test_the_longer_the_list_the_less_often_it_is_asked_for(rooms: int) -> None:
    made = patrol(named(rooms))
    assert not made.is_list_due(0.8 * rooms / ROOMS_A_S - 0.01)
    assert made.is_list_due(1.2 * rooms / ROOMS_A_S + 0.01)
