"""Has a server read what conversations begin with before there are any: once, for all of its slots."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

import httpx2
from livekit.agents import llm
from livekit.agents.utils import aio

from .client import LlamaClient, Prefill, Refused, http_client
from .llm import LLM

logger = logging.getLogger(__package__)

_FILE = "opening.bin"
_POLL_S = 0.25
_TIMEOUT_S = 10.0
"""Some 30 kB a token go to the disk or come from it."""


class WarmSlots:
    """Of one server, on one event loop. Fails soft: what is not read ahead is read by the calls.

    A slot's state is kept in the server's `slots_folder`; where that cannot be, each slot reads for itself.
    """

    def __init__(
        self,
        url: str,
        chat_ctx: llm.ChatContext,
        tools: Sequence[llm.Tool] = (),
        *,
        slots: int,
        is_in_use: Callable[[], bool],
    ) -> None:
        """`is_in_use` tells whether there is a call: reading waits then, and what was read stays."""
        self._url = url
        self._chat_ctx = chat_ctx
        self._tools = tools
        self._slots = slots
        self._is_in_use = is_in_use
        self._is_kept = False
        self._has_read = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The server has started, with empty slots. Returns at once."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._fill(), name="llama-warm-slots")

    async def wait(self, timeout_s: float) -> bool:
        """Returns once one slot has read and what it has was offered to the others. False if not in
        time: it goes on."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._has_read.wait()
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        if self._task is not None:
            await aio.cancel_and_wait(self._task)

    async def _fill(self) -> None:
        begun_s = time.monotonic()
        try:
            async with http_client(self._url) as http:
                client = LlamaClient(self._url, http)
                if not self._is_kept and not await self._read_first(client):
                    return  # which has been told
                left = await self._give(client)
            logger.info(
                "llama.cpp's slots have what calls begin with",
                extra={"left": len(left), "took_s": round(time.monotonic() - begun_s, 2)},
            )
            self._has_read.set()
            for slot in left:
                await self._read(slot)
        except (Refused, httpx2.HTTPError) as e:
            logger.warning(
                "what calls begin with is not read ahead: their first answers begin later",
                extra={"error": f"{type(e).__name__}: {e}"},
            )
        finally:
            self._has_read.set()

    async def _read_first(self, client: LlamaClient) -> bool:
        begun_s = time.monotonic()
        read = await self._read(0)
        if read is None:
            return False
        try:
            saved = await client.save_slot(0, _FILE, timeout_s=_TIMEOUT_S)
            self._is_kept = saved <= read.prompt_tokens  # no call has used it in between
        except Refused as e:
            logger.warning(
                "llama.cpp does not keep the state of a slot: each one reads for itself",
                extra={"error": str(e)},
            )
        took_s = round(time.monotonic() - begun_s, 2)
        logger.info(
            "llama.cpp has read what calls begin with",
            extra={"tokens": read.prompt_tokens, "took_s": took_s},
        )
        return True

    async def _give(self, client: LlamaClient) -> list[int]:
        """What is kept to the slots that nobody has used; those that must read themselves."""
        left = []
        for slot in range(self._slots):
            # Just before each: a call may be waiting for a server that has started again.
            if slot not in await client.unused_slots(timeout_s=_TIMEOUT_S):
                continue
            if self._is_kept:
                with contextlib.suppress(Refused):
                    await client.restore_slot(slot, _FILE, timeout_s=_TIMEOUT_S)
                    continue
            left.append(slot)
        return left

    async def _read(self, slot: int) -> Prefill | None:
        engine = LLM(self._url, slot=slot)
        async with engine:
            return await read_in_pauses(
                engine, self._chat_ctx, self._tools, is_in_use=self._is_in_use
            )


async def read_in_pauses(
    engine: LLM,
    chat_ctx: llm.ChatContext,
    tools: Sequence[llm.Tool],
    *,
    is_in_use: Callable[[], bool],
) -> Prefill | None:
    """Reads ahead while nobody calls; a call that begins has the processor to itself. None if it fails."""
    while True:
        if is_in_use():  # by other processes: there is nothing to wait on
            await asyncio.sleep(_POLL_S)
            continue
        reading = asyncio.create_task(engine.prefill(chat_ctx, tools=tools), name="llama-opening")
        try:
            while not reading.done() and not is_in_use():
                await asyncio.wait({reading}, timeout=_POLL_S)
            if reading.done():
                return reading.result()
        finally:
            await aio.cancel_and_wait(reading)
