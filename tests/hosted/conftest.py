from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from livekit.agents import utils

from tests.fakes.providers.openai import FakeOpenAI


@pytest_asyncio.fixture
async def http() -> AsyncIterator[None]:
    """The HTTP session that plugins share in a job; those of OpenAI have their own."""
    async with utils.http_context.open():
        yield


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI().running() as fake:
        yield fake
