"""Starts a llama.cpp server again when it dies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from livekit.plugins.speechcore import EngineError, EngineThread

from .server import LlamaServer

logger = logging.getLogger(__package__)

_POLL_S = 0.25
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_START_TIMEOUT_S = 150.0
"""More than a start takes before it gives up itself."""


async def keep_running(
    server: LlamaServer,
    thread: EngineThread,
    *,
    on_start: Callable[[], None] = lambda: None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Watches a server that was started on `thread` and starts it again there; ends when cancelled.

    Waits 0.5 s before the first new start and twice as long after each that fails, 30 s at most.
    `on_start` is told of each that succeeds: the slots are empty then.
    Calls in work fail meanwhile with an error that they can retry elsewhere; the URL stays.
    """
    wait_s = _FIRST_WAIT_S
    while True:
        if server.is_running:
            await sleep(_POLL_S)
            continue
        logger.warning(
            "the llama.cpp server has ended; it is started again", extra={"in_s": wait_s}
        )
        await sleep(wait_s)
        try:
            await thread.call(
                lambda: server.start(timeout_s=_START_TIMEOUT_S), timeout_s=_START_TIMEOUT_S
            )
        except (EngineError, OSError) as e:
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            logger.error("the llama.cpp server does not start", extra={"error": str(e)})
        else:
            wait_s = _FIRST_WAIT_S
            on_start()
