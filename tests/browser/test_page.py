"""The page by itself: its layout, its names for a screen reader, and its states when a call fails."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from livekit import api, rtc
from playwright.async_api import expect

from agent.web.rules import Rules
from tests.browser.conftest import Site, Visit
from tests.stack.caller import loopback_options
from tests.stack.processes import KEYS, LiveKit, Worker, livekit_server, running_worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTROLS = [
    ("button", "Talk"),
    ("combobox", "Microphone"),
    ("combobox", "Speaker"),
    ("checkbox", "Remove echo"),
    ("checkbox", "Suppress noise"),
    ("checkbox", "Even out loudness"),
    ("checkbox", "Gate and gain"),
    ("textbox", "Message to the agent"),
    ("button", "Send"),
    ("log", "Transcript"),
    ("region", "Conversation"),
    ("region", "Response time"),
]
CONTROLS_OF_A_CALL = [
    ("button", "Mute"),
    ("button", "End call"),
    ("meter", "You"),
    ("meter", "Agent"),
]
FOCUSABLE = ":is(button, input, select, summary, [tabindex]):visible"


@pytest.fixture
def own_livekit() -> Iterator[LiveKit]:
    """A server that a test may end."""
    with livekit_server() as server:
        yield server


@pytest.fixture
def own_worker(own_livekit: LiveKit) -> Iterator[Worker]:
    with running_worker(own_livekit.environment | {"AGENT_PROFILE": "simulated"}) as worker:
        yield worker


@pytest.mark.parametrize("width", [320, 360, 1280])
async def test_nothing_sticks_out_at_the_side(visit: Visit, width: int) -> None:
    visitor = await visit(viewport={"width": width, "height": 780})
    await visitor.talk()
    await visitor.in_phase("waiting")
    widest = await visitor.page.evaluate("document.documentElement.scrollWidth")
    assert widest == width
    box = await visitor.page.get_by_role("button", name="End call").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["height"] >= 40


async def test_every_control_has_a_role_and_a_name(visit: Visit) -> None:
    visitor = await visit()
    page = visitor.page
    for role, name in CONTROLS:
        await expect(page.get_by_role(role, name=name, exact=True)).to_have_count(1)  # type: ignore[arg-type]
    await visitor.talk()
    await visitor.in_phase("waiting")
    for role, name in CONTROLS_OF_A_CALL:
        await expect(page.get_by_role(role, name=name, exact=True)).to_have_count(1)  # type: ignore[arg-type]
    for control in await page.locator(FOCUSABLE).all():
        await expect(control).to_have_accessible_name(re.compile(r"\w"))


async def test_without_a_worker_the_page_says_what_to_do(visit: Visit) -> None:
    visitor = await visit()
    await visitor.talk()
    state = visitor.page.locator("#state")
    await expect(state).to_have_text("The agent has not come", timeout=15_000)
    assert "parley dev" in await visitor.advice()
    await expect(visitor.page.get_by_role("button", name="New call")).to_be_enabled()
    assert visitor.errors == []


async def test_a_wrong_secret_is_named_as_the_fault(site: Site, visit: Visit) -> None:
    address = await site.address(api_secret="another-secret-of-more-than-32-characters")
    visitor = await visit(address=address)
    await visitor.talk()
    await visitor.in_phase("failed")
    await expect(visitor.page.locator("#state")).to_have_text("The LiveKit server refused the call")
    assert "LIVEKIT_API_SECRET" in await visitor.advice()
    await expect(visitor.page.get_by_role("button", name="Try again")).to_be_enabled()


async def test_a_server_that_dies_in_mid_call_is_waited_for_and_then_given_up(
    own_livekit: LiveKit, own_worker: Worker, site: Site, visit: Visit
) -> None:
    visitor = await visit(address=await site.address(livekit_url=own_livekit.url))
    await visitor.talk()
    await visitor.in_phase("live")
    await visitor.page.clock.install()
    own_livekit.process.kill()
    await visitor.in_phase("reconnecting", timeout_s=30)
    assert own_livekit.url in await visitor.advice()
    await expect(visitor.page.locator("#chat-send")).to_be_disabled()
    state = visitor.page.locator("#state")

    async def given_up() -> bool:
        # The page tries again at intervals that grow to 7 s: no need to sit through them.
        await visitor.page.clock.run_for(1000)
        return await state.get_attribute("data-phase") != "reconnecting"

    await visitor.wait_for(given_up, "end of the attempts", timeout_s=60)
    await expect(state).to_have_text("The connection is lost")
    await expect(visitor.page.get_by_role("button", name="Try again")).to_be_enabled()


async def test_an_agent_that_gives_no_receipts_gets_a_text_once(
    livekit: LiveKit, site: Site, visit: Visit
) -> None:
    texts: list[str] = []

    def on_text(reader: rtc.TextStreamReader, identity: str) -> None:
        texts.append(reader.info.stream_id)
        reader.close()

    agent = rtc.Room()
    agent.register_text_stream_handler("lk.chat", on_text)
    token = (
        api.AccessToken(KEYS.api_key, KEYS.api_secret)
        .with_identity("plain")
        .with_kind("agent")
        .with_grants(api.VideoGrants(room_join=True, room="plain", agent=True))
    )
    await agent.connect(livekit.url, token.to_jwt(), loopback_options())
    address = await site.address(rules=Rules(rooms=("plain",)))
    visitor = await visit(address=f"{address}/?room=plain")
    await visitor.talk()
    await visitor.in_phase("live")
    await visitor.type("Hello?")
    await asyncio.sleep(2.5)  # another agent would get it again after two seconds
    await agent.disconnect()
    assert len(texts) == 1
    await expect(visitor.page.locator(".undelivered")).to_have_count(0)


@pytest.fixture
def lone_worker(own_livekit: LiveKit) -> Iterator[Worker]:
    """It has room for one call."""
    own = {"AGENT_PROFILE": "simulated", "AGENT_MAX_SESSIONS": "1"}
    with running_worker(own_livekit.environment | own) as worker:
        yield worker


async def test_a_caller_whom_no_worker_takes_sees_why_and_is_served_when_one_is_free(
    own_livekit: LiveKit, lone_worker: Worker, site: Site, visit: Visit
) -> None:
    address = await site.address(livekit_url=own_livekit.url)
    first, second = await visit(address=address), await visit(address=address)
    await first.talk()
    await first.in_phase("live")
    await second.talk()
    state = second.page.locator("#state")
    await expect(state).to_have_text("All agents are busy", timeout=15_000)
    assert "as soon as one is free" in await second.advice()
    await first.leave()
    await second.in_phase("live", timeout_s=30)
    assert second.errors == []
