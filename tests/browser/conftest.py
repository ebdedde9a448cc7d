from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from agent.web.server import WebOptions, serve
from tests.browser.chromium import chromium
from tests.browser.microphone import write_microphone
from tests.browser.visitor import Visitor
from tests.stack.processes import KEYS, LiveKit, Worker, running_worker

DIST = Path(__file__).parents[2] / "agent" / "web" / "page" / "dist"
"""The built page; `make test` builds it."""

Visit = Callable[..., Awaitable[Visitor]]


@dataclass
class Site:
    """The page's servers for one LiveKit server, each with options of its own."""

    livekit_url: str
    stop: list[Callable[[], Awaitable[None]]]

    async def address(self, **options: Any) -> str:
        """Serves the page; returns where."""
        given: dict[str, Any] = {
            "livekit_url": self.livekit_url,
            "api_key": KEYS.api_key,
            "api_secret": KEYS.api_secret,
            "dist": DIST,
            "port": 0,
        }
        runner = await serve(WebOptions(**given | options))
        self.stop.append(runner.cleanup)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture(scope="module")
def worker(livekit: LiveKit) -> Iterator[Worker]:
    """Comes to every room, understands and speaks."""
    with running_worker(livekit.environment | {"AGENT_PROFILE": "embedded"}) as worker:
        yield worker


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(livekit: LiveKit) -> AsyncIterator[Site]:
    site = Site(livekit.url, [])
    yield site
    for stop in site.stop:
        await stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quiet_browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Its microphone hears a quiet room."""
    microphone = write_microphone(tmp_path_factory.mktemp("quiet") / "microphone.wav")
    async with chromium(microphone) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def visit(quiet_browser: Browser, site: Site) -> AsyncIterator[Visit]:
    """Opens the page in a browser (the quiet one by default) and leaves it when the test is over.

    `script` runs before the page's own.
    """
    visitors: list[Visitor] = []

    async def open_page(
        *,
        browser: Browser = quiet_browser,
        address: str | None = None,
        script: str = "",
        **context: Any,
    ) -> Visitor:
        window = await browser.new_context(**context)
        if script:
            await window.add_init_script(script)
        visitor = await Visitor.open(window, address or await site.address())
        visitors.append(visitor)
        return visitor

    yield open_page
    for visitor in visitors:
        await visitor.leave()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: the folder in PARLEY_SCREENSHOTS, if it is set."""
    folder = Path(os.environ.get("PARLEY_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
