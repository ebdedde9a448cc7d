"""For all tests: nothing may be left running, and one LiveKit server serves those that need one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from threading import Thread

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.fakes.leaks import (
    assert_no_leaked_tasks,
    assert_no_leaked_threads,
    running_tasks,
    running_threads,
)
from tests.fakes.virtual_time import loop_factories
from tests.stack.processes import LiveKit, livekit_server

for _provider in ("DEEPGRAM", "OPENAI", "ELEVEN", "KYUTAI"):
    # A developer's own keys: no test may use them, or choose other engines for them.
    os.environ.pop(f"{_provider}_API_KEY", None)
    os.environ.pop(f"{_provider}_BASE_URL", None)

settings.register_profile("fixed", derandomize=True)
# The same examples each time, so that a red run is about the change it ran on. To search for new
# ones: pytest --hypothesis-profile=default.
settings.load_profile("fixed")

REAL = {
    "room": pytest.mark.room,
    "chaos": pytest.mark.room,
    "browser": pytest.mark.browser,
}
"""Folders of tests against real servers: they get a marker and more time."""

SDK_HANDLES = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""The SDK drops a handle twice when a participant or a server goes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if marker := REAL.get(item.path.parent.name):
            item.add_marker(marker)
            item.add_marker(pytest.mark.timeout(120))
            item.add_marker(SDK_HANDLES)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return loop_factories(item)


@pytest.fixture(scope="session")
def livekit() -> Iterator[LiveKit]:
    with livekit_server() as server:
        yield server


@pytest.fixture(autouse=True)
def no_leaked_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = running_threads()
    yield
    if _ends_all_it_starts(request.path):
        assert_no_leaked_threads(before, is_allowed=_lasts_as_long_as_the_process)


@pytest_asyncio.fixture(autouse=True)
async def no_leaked_tasks(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    before = running_tasks()
    yield
    if _ends_all_it_starts(request.path):
        await assert_no_leaked_tasks(before)


def _ends_all_it_starts(path: Path) -> bool:
    return path.parent.name not in REAL  # there livekit's and the browser's own threads remain


def _lasts_as_long_as_the_process(thread: Thread) -> bool:
    return thread.name.startswith("asyncio_")  # the loop's default pool ends with the loop
