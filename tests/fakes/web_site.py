"""The page's server on loopback, and a client that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp

from agent.web.server import WebOptions, serve


class Site:
    """A served page and a client that talks to it."""

    def __init__(self, client: aiohttp.ClientSession, port: int) -> None:
        self.client = client
        self.url = f"http://127.0.0.1:{port}"

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        async with self.client.get(self.url + path, headers=headers) as answer:
            return answer, await answer.text()

    async def post(self, **arguments: Any) -> tuple[int, dict[str, Any]]:
        async with self.ask(**arguments) as answer:
            return answer.status, await answer.json()

    def ask(self, **arguments: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Asks for a token."""
        return self.client.post(f"{self.url}/api/token", **arguments)

    def preflight(self, origin: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """What a browser asks before a page of `origin` may ask for a token."""
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return self.client.options(f"{self.url}/api/token", headers=headers)


@asynccontextmanager
async def served(options: WebOptions) -> AsyncIterator[Site]:
    runner = await serve(options)
    try:
        async with aiohttp.ClientSession() as client:
            yield Site(client, runner.addresses[0][1])
    finally:
        await runner.cleanup()
