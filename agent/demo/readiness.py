"""Waiting until the server takes our key and the worker has registered with it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from agent.private_files import Keys
from agent.token_check import check_token

from .options import DemoError

__all__ = ["wait_for_server", "wait_for_worker"]

_INTERVAL_S = 0.05
_HEALTH_S = 1.0


async def wait_for_server(url: str, keys: Keys, *, deadline_s: float) -> None:
    """Returns when a token round trip succeeds. Raises DemoError when it does not in time."""
    try:
        async with asyncio.timeout(deadline_s):
            await _until(lambda: _accepts(url, keys))
    except TimeoutError:
        raise DemoError(
            f"The LiveKit server did not answer at {url} within {deadline_s:g} seconds."
        ) from None


async def wait_for_worker(ready_file: Path, health_port: int, *, deadline_s: float) -> None:
    """Returns when the worker has registered and says it is ready. Raises DemoError."""
    try:
        async with (
            asyncio.timeout(deadline_s),
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_HEALTH_S)) as session,
        ):
            await _until(lambda: _is_ready(ready_file, session, health_port))
    except TimeoutError:
        raise DemoError(f"The worker did not register within {deadline_s:g} seconds.") from None


async def _until(check: Callable[[], Awaitable[bool]]) -> None:
    # Another process changes what is checked, so there is nothing to wait on.
    while True:
        if await check():
            return
        await asyncio.sleep(_INTERVAL_S)


async def _accepts(url: str, keys: Keys) -> bool:
    return (await check_token(url, keys)).is_accepted


async def _is_ready(ready_file: Path, session: aiohttp.ClientSession, port: int) -> bool:
    if not await asyncio.to_thread(ready_file.exists):
        return False
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
