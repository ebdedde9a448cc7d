from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from threading import Thread

import pytest
import pytest_asyncio

from tests.fakes.leaks import (
    assert_no_leaked_tasks,
    assert_no_leaked_threads,
    running_tasks,
    running_threads,
)
from tests.fakes.virtual_time import loop_factories


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return loop_factories(item)


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
