"""A person with the page open: what they do, what they see, what their browser asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, expect

POLL_S = 0.05
COMFORT_NOISE = 1e-3
"""Received energy that minutes of silence do not reach and the first syllable does."""
SENTENCE = 0.1
"""Received energy of a short sentence; "It is 5:08 PM." has four times as much."""

# Servers for network addresses are asked by the browser itself: no request of the page shows it.
RECORD_ICE_SERVERS = """
window.iceServers = [];
const Original = RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(configuration, ...rest) {
    super(configuration, ...rest);
    window.iceServers.push(...(configuration?.iceServers ?? []).flatMap((s) => s.urls));
  }
  setConfiguration(configuration) {
    window.iceServers.push(...(configuration?.iceServers ?? []).flatMap((s) => s.urls));
    super.setConfiguration(configuration);
  }
};
"""


@dataclass
class Visitor:
    """One browser window on the page. Waiting for something fails with what was seen instead."""

    page: Page
    requests: list[str] = field(default_factory=list)
    """Addresses of all requests and WebSockets."""
    errors: list[str] = field(default_factory=list)
    """What the console shows in red, and exceptions that nobody caught."""

    @classmethod
    async def open(cls, context: BrowserContext, address: str) -> Self:
        await context.add_init_script(RECORD_ICE_SERVERS)
        visitor = cls(await context.new_page())
        page = visitor.page
        context.on("request", lambda request: visitor.requests.append(request.url))
        page.on("websocket", lambda socket: visitor.requests.append(socket.url))
        page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        page.on("console", visitor._on_console)
        await page.goto(address)
        return visitor

    async def talk(self) -> None:
        await self.page.get_by_role("button", name="Talk").click()

    async def type(self, text: str) -> None:
        field = self.page.get_by_role("textbox", name="Message to the agent")
        await field.fill(text)
        await field.press("Enter")

    async def leave(self) -> None:
        """Goes to another page, so that the room hears of it, and closes the window."""
        if not self.page.is_closed():
            await self.page.goto("about:blank")
            await self.page.context.close()

    async def in_phase(self, phase: str, timeout_s: float = 20.0) -> None:
        state = self.page.locator("#state")
        await expect(state).to_have_attribute("data-phase", phase, timeout=timeout_s * 1000)

    async def advice(self) -> str:
        return await self.page.locator("#advice").inner_text()

    def lines(self, who: str, text: str = "") -> Locator:
        """What `who` ("you" or "agent") has said to the end, as far as it contains `text`."""
        lines = self.page.locator(f'#transcript [data-who="{who}"][data-final="true"]')
        return lines.filter(has_text=text) if text else lines

    async def sees(self, locator: Locator, timeout_s: float = 20.0) -> None:
        try:
            await expect(locator.first).to_be_visible(timeout=timeout_s * 1000)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{await self._seen()}") from None

    async def energy(self) -> float:
        """Of the agent's sound received so far; it stands still while the agent is silent."""
        stats: dict[str, Any] = await self.page.evaluate("window.parley.stats()")
        return float(stats["audioReceivedEnergy"] or 0.0)

    async def hears(
        self, *, after: float = 0.0, much: float = COMFORT_NOISE, timeout_s: float = 20.0
    ) -> None:
        """Waits for sound of the agent that brings the energy from `after` up by `much`."""

        async def heard() -> bool:
            return await self.energy() > after + much

        await self.wait_for(heard, "sound of the agent", timeout_s)

    async def hears_silence(self, quiet_s: float = 1.0, timeout_s: float = 20.0) -> float:
        """Waits until the agent has been silent for `quiet_s`; returns the energy received."""
        energy, since_s = await self.energy(), time.monotonic()

        async def quiet() -> bool:
            nonlocal energy, since_s
            now = await self.energy()
            if now > energy + COMFORT_NOISE:
                energy, since_s = now, time.monotonic()
            return time.monotonic() - since_s > quiet_s

        await self.wait_for(quiet, "silence of the agent", timeout_s)
        return energy

    async def wait_for(
        self, condition: Callable[[], Awaitable[bool]], what: str, timeout_s: float = 20.0
    ) -> None:
        end_s = time.monotonic() + timeout_s
        while not await condition():
            if time.monotonic() > end_s:
                raise AssertionError(f"no {what} within {timeout_s:g} s\n{await self._seen()}")
            await asyncio.sleep(POLL_S)

    async def asked_outside(self) -> list[str]:
        """Addresses beyond this machine that the browser asked for anything."""
        ice: list[str] = await self.page.evaluate("window.iceServers")
        hosts = {url: urlsplit(url).hostname for url in self.requests}
        hosts |= {url: url.split(":")[1] for url in ice}
        return [url for url, host in hosts.items() if host != "127.0.0.1"]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    async def _seen(self) -> str:
        texts = [await self.page.locator(id).inner_text() for id in ("#state", "#advice")]
        transcript = await self.page.locator("#transcript").inner_text()
        return f"state {texts}, transcript {transcript!r}, errors {self.errors}"
