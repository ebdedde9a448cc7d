"""The worker as it is wired."""

from __future__ import annotations

import asyncio
import itertools

import aiohttp
import pytest
from livekit.agents import utils

from agent.config import Settings
from agent.main import build_server
from agent.ports import free_port
from agent.reception import Reception

_LIVEKIT_GIVES_UP_AFTER = 16
"""Attempts, by itself: two minutes and ten seconds."""


def test_a_server_that_stays_away_ends_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"livekit_api_key": "key", "livekit_api_secret": "secret"}
    address = {"livekit_url": f"ws://127.0.0.1:{free_port()}"}
    settings = Settings.model_validate({"agent_profile": "simulated", **keys, **address})
    server = build_server(settings, Reception(settings, dev=True))
    waits, really = itertools.count(1), asyncio.sleep
    waited = asyncio.Event()

    async def quickly(delay_s: float) -> None:
        if next(waits) > 2 * _LIVEKIT_GIVES_UP_AFTER:
            waited.set()
            await really(3600)
        await really(0)

    async def keep_trying() -> bool:
        async with aiohttp.ClientSession() as session:
            server._http_session, server._closed = session, False
            connecting = asyncio.create_task(server._connection_task())
            reached = asyncio.create_task(waited.wait())
            await asyncio.wait({connecting, reached}, return_when=asyncio.FIRST_COMPLETED)
            has_ended = connecting.done()
            await utils.aio.cancel_and_wait(connecting, reached)
        return not has_ended

    monkeypatch.setattr("livekit.agents.worker.asyncio.sleep", quickly)
    assert asyncio.run(keep_trying())
