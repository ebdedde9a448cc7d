"""How long an agent in an empty room waits for the caller who was there before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from livekit.protocol.models import Room

from agent.continuity.returning import wait_for_return

pytestmark = pytest.mark.virtual_time


def made_ago(age_s: float) -> Room:
    return Room(name="blue", creation_time=int(time.time() - age_s))


async def waited_s(room: Room, awaited: Iterator[bool]) -> float:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    await wait_for_return(room, lambda: next(awaited))
    return loop.time() - begun_s


async def test_in_a_new_room_it_does_not_wait() -> None:
    assert await waited_s(made_ago(1.0), iter([True])) == 0
    assert await waited_s(Room(name="of the console"), iter([True])) == 0


async def test_in_an_older_one_it_waits_until_the_caller_is_there() -> None:
    assert await waited_s(made_ago(60.0), iter([False])) == 0
    assert 0.1 < await waited_s(made_ago(60.0), iter([True] * 4 + [False])) < 1


async def test_who_does_not_come_is_not_waited_for_any_longer() -> None:
    assert 9 < await waited_s(made_ago(60.0), iter([True] * 1000)) < 11
