"""Waiting for what another process does, where there is nothing to wait on."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def eventually(look: Callable[[], _T], *, deadline_s: float = 10.0) -> _T:
    """The first thing `look` gives that counts as true. Raises TimeoutError."""
    async with asyncio.timeout(deadline_s):
        while True:
            if seen := look():
                return seen
            await asyncio.sleep(0.01)
