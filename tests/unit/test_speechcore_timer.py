from __future__ import annotations

import asyncio

import pytest
from livekit.plugins.speechcore import Timer

pytestmark = pytest.mark.virtual_time


class Done:
    """What was done, and when."""

    def __init__(self) -> None:
        self.timer = Timer()
        self.done: list[tuple[str, float]] = []

    def act(self, what: str) -> None:
        assert self.timer.due_s is None, "it can be set anew from its own action"
        self.done.append((what, round(asyncio.get_running_loop().time(), 3)))


async def test_an_action_is_done_once_at_its_time() -> None:
    it = Done()
    it.timer.after(1.0, it.act, "a")
    assert it.timer.due_s == pytest.approx(asyncio.get_running_loop().time() + 1.0)
    begun_s = asyncio.get_running_loop().time()
    await asyncio.sleep(10)
    assert it.done == [("a", round(begun_s + 1.0, 3))]
    assert it.timer.due_s is None


async def test_to_set_it_anew_forgets_what_it_was_set_to() -> None:
    it = Done()
    it.timer.after(1.0, it.act, "a")
    it.timer.after(2.0, it.act, "b")
    await asyncio.sleep(10)
    assert [what for what, _ in it.done] == ["b"]


async def test_never_is_a_time_too() -> None:
    it = Done()
    it.timer.after(1.0, it.act, "a")
    it.timer.at(None, it.act, "b")
    await asyncio.sleep(10)
    assert it.done == []


async def test_what_is_cancelled_is_not_done() -> None:
    it = Done()
    it.timer.after(1.0, it.act, "a")
    it.timer.cancel()
    it.timer.cancel()
    await asyncio.sleep(10)
    assert it.done == []


@pytest.mark.parametrize(
    ("due_s", "expected"), [(None, "first"), (3.0, "first"), (2.0, "first"), (1.0, "second")]
)
async def test_at_the_latest_leaves_what_is_due_by_then(due_s: float | None, expected: str) -> None:
    it = Done()
    now_s = asyncio.get_running_loop().time()
    it.timer.at_latest(now_s + 2.0, it.act, "first")
    it.timer.at_latest(None if due_s is None else now_s + due_s, it.act, "second")
    await asyncio.sleep(10)
    assert [what for what, _ in it.done] == [expected]
