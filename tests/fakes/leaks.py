"""What a test may leave behind: nothing. Plain functions, to be used by fixtures."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection

GRACE_S = 5.0
"""A cancelled step of an engine may run to its end, and others have the processor, too."""

_POLL_S = 0.01


def running_tasks() -> set[asyncio.Task[object]]:
    """The tasks of the running loop that are not done, without the one that asks."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def assert_no_leaked_tasks(
    before: Collection[asyncio.Task[object]], *, grace_s: float = GRACE_S
) -> None:
    """Fails when tasks that were not running `before` still run after `grace_s`."""
    deadline_s = time.monotonic() + grace_s
    while leaked := running_tasks() - set(before):
        assert time.monotonic() < deadline_s, f"tasks were left running: {_names(leaked)}"
        await asyncio.sleep(_POLL_S)


def running_threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def assert_no_leaked_threads(
    before: Collection[threading.Thread],
    *,
    is_allowed: Callable[[threading.Thread], bool] = lambda thread: False,
    grace_s: float = GRACE_S,
) -> None:
    """Fails when threads that were not running `before` still run after `grace_s`.

    `is_allowed` names those that last as long as the process, such as a library's own.
    """
    for thread in running_threads() - set(before):
        if not is_allowed(thread):
            thread.join(grace_s)
    leaked = {t for t in running_threads() - set(before) if not is_allowed(t)}
    assert not leaked, f"threads were left running: {sorted(t.name for t in leaked)}"


def _names(tasks: Collection[asyncio.Task[object]]) -> list[str]:
    return sorted(f"{task.get_name()} ({task.get_coro()})" for task in tasks)
