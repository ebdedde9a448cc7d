from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from threading import Thread

import pytest
import pytest_asyncio

from tests.fakes.leaks import (
    assert_no_leaked_tasks,
    assert_no_leaked_threads,
    running_tasks,
    running_threads,
)


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    before = running_threads()
    yield
    assert_no_leaked_threads(before, is_allowed=_lasts_as_long_as_the_process)


@pytest_asyncio.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncIterator[None]:
    before = running_tasks()
    yield
    await assert_no_leaked_tasks(before)


def _lasts_as_long_as_the_process(thread: Thread) -> bool:
    return thread.name.startswith("asyncio_")  # the loop's default pool ends with the loop
