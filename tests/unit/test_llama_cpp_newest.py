import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from livekit.plugins.llama_cpp.newest import NewestOnly


class Work:
    """Counts what runs at the same time; goes on until it is let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.running = 0
        self.gate = asyncio.Event()

    def __call__(self, name: str) -> Callable[[], Coroutine[Any, Any, str]]:
        return lambda: self._run(name)

    async def _run(self, name: str) -> str:
        self.begun.append(name)
        self.running += 1
        assert self.running == 1, "two at once"
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        finally:
            self.running -= 1
        return name


async def test_of_those_that_wait_only_the_newest_is_done() -> None:
    newest, work = NewestOnly("test"), Work()
    asked = [asyncio.create_task(newest.run(work(name))) for name in "abc"]
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*asked) == ["a", None, "c"]


async def test_one_that_runs_is_not_disturbed_by_a_newer_one() -> None:
    newest, work = NewestOnly("test"), Work()
    first = asyncio.create_task(newest.run(work("a")))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(newest.run(work(name))) for name in "bc"]
    await asyncio.sleep(0.01)
    work.gate.set()
    assert await asyncio.gather(first, *others) == ["a", None, "c"]
    assert work.begun == ["a", "c"]


async def test_cancel_ends_what_runs_and_what_waits() -> None:
    newest, work = NewestOnly("test"), Work()
    asked = [asyncio.create_task(newest.run(work("a")))]
    await asyncio.sleep(0.01)
    asked.append(asyncio.create_task(newest.run(work("b"))))
    await asyncio.sleep(0.01)
    newest.cancel()
    assert await asyncio.gather(*asked) == [None, None]
    assert work.cancelled == ["a"] and work.begun == ["a"]


async def test_whoever_is_cancelled_takes_the_work_along_and_the_next_one_runs() -> None:
    newest, work = NewestOnly("test"), Work()
    first = asyncio.create_task(newest.run(work("a")))
    await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert work.cancelled == ["a"]
    work.gate.set()
    assert await newest.run(work("b")) == "b"


async def test_what_the_work_raises_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await NewestOnly("test").run(fail)
