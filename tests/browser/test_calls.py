"""Calls through the page: what a person does in the browser reaches the agent, and back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from agent.web.rules import Rules
from tests.browser.chromium import chromium
from tests.browser.conftest import Site, Visit
from tests.browser.microphone import write_microphone
from tests.browser.visitor import SENTENCE, Visitor
from tests.fakes.hook_server import answer, hook_server
from tests.stack.processes import LiveKit, Worker, running_worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTIONS = [(9.0, "What time is it?"), (16.0, "What time is it in Tokyo?")]
"""Seconds after the microphone was opened; the greeting is over before the first."""


async def answer_to(visitor: Visitor, turn: int) -> str:
    """Waits until a spoken question about the time is understood and its answer heard and shown."""
    await visitor.sees(visitor.lines("you", "time").nth(turn))
    before = await visitor.energy()
    await visitor.hears(after=before, much=SENTENCE)
    answer = visitor.lines("agent", "It is ").nth(turn)
    await visitor.sees(answer)
    return await answer.inner_text()


async def take_pictures(visitor: Visitor, folder: Path) -> None:
    page = visitor.page
    await page.screenshot(path=folder / "screenshot.png", full_page=True, animations="disabled")
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.screenshot(path=folder / "screenshot-phone.png", animations="disabled")


async def test_a_spoken_question_is_understood_and_its_answer_heard(
    worker: Worker, visit: Visit, tmp_path: Path, screenshots: Path
) -> None:
    microphone = write_microphone(tmp_path / "microphone.wav", *QUESTIONS)
    window = {"viewport": {"width": 1280, "height": 1000}, "device_scale_factor": 1.5}
    async with chromium(microphone) as browser:
        visitor = await visit(browser=browser, color_scheme="light", **window)
        await visitor.talk()
        await visitor.in_phase("live")
        await visitor.hears(much=SENTENCE)
        await visitor.sees(visitor.lines("agent", "I am Parley"))
        for turn in range(len(QUESTIONS)):
            answer = await answer_to(visitor, turn)
            assert re.search(r"It is \d{1,2}:\d\d [AP]M", answer)
        waterfall = visitor.page.locator("#waterfall")
        await expect(waterfall).to_have_attribute("data-turns", "2", timeout=20_000)
        total_ms = int(await waterfall.locator(".total strong").inner_text())
        assert 100 < total_ms < 5000
        assert await waterfall.locator(".chart .lane").count() == 6
        await take_pictures(visitor, screenshots)
        assert await visitor.asked_outside() == []
        assert visitor.errors == []
        assert any(address.startswith("ws://") for address in visitor.requests)
        await visitor.leave()


async def test_a_typed_message_is_answered_by_voice_and_in_text(
    worker: Worker, visit: Visit
) -> None:
    visitor = await visit()
    await visitor.talk()
    await visitor.sees(visitor.lines("agent", "I am Parley"))
    before = await visitor.hears_silence()
    await visitor.type("What is twelve times seven?")
    await visitor.sees(visitor.lines("you", "twelve times seven"))
    await visitor.hears(after=before, much=SENTENCE)
    await visitor.sees(visitor.lines("agent", "84"))
    await expect(visitor.page.locator("#waterfall")).to_have_attribute("data-turns", "1")
    assert visitor.errors == []


async def test_a_text_that_the_agent_does_not_take_is_said_to_be_lost_and_can_be_sent_again(
    worker: Worker, site: Site, visit: Visit
) -> None:
    address = f"{await site.address(rules=Rules(rooms=('shared',)))}/?room=shared"
    first, second = await visit(address=address), await visit(address=address)
    for visitor in (first, second):
        await visitor.talk()
        await visitor.in_phase("live")
    # The agent listens to who came first, and to the next one when they have left.
    await second.type("What is twelve times seven?")
    mark = second.lines("you", "twelve times seven").locator(".undelivered")
    await second.sees(mark)
    await expect(mark).to_contain_text("Not delivered")
    await first.leave()
    await mark.get_by_role("button", name="Send again").click()
    await second.sees(second.lines("agent", "84"))
    await expect(mark).to_have_count(0)
    assert second.errors == []


async def test_without_a_microphone_the_call_goes_on_by_text(worker: Worker, visit: Visit) -> None:
    async with chromium(microphone=None) as browser:
        visitor = await visit(browser=browser)
        await visitor.talk()
        await visitor.in_phase("no-microphone")
        assert "Allow it for this page" in await visitor.advice()
        await visitor.page.get_by_role("button", name="Continue by text").click()
        await visitor.sees(visitor.lines("agent", "I am Parley"))
        before = await visitor.hears_silence()
        await visitor.type("What time is it?")
        await visitor.hears(after=before, much=SENTENCE)
        await visitor.sees(visitor.lines("agent", "It is "))
        await visitor.leave()


async def test_after_the_agent_has_hung_up_one_click_starts_a_new_call(
    worker: Worker, visit: Visit
) -> None:
    visitor = await visit()
    await visitor.talk()
    await visitor.sees(visitor.lines("agent", "I am Parley"))
    await visitor.type("Goodbye")
    await visitor.in_phase("ended")
    await expect(visitor.page.locator("#state")).to_have_text("Call ended by the agent")
    await visitor.sees(visitor.lines("agent", "oodbye"))
    await visitor.page.get_by_role("button", name="New call").click()
    await visitor.in_phase("live")
    await expect(visitor.lines("agent", "oodbye")).to_have_count(0)
    await visitor.sees(visitor.lines("agent", "I am Parley"))
    await visitor.hears()
    await visitor.type("What is twelve times seven?")
    await visitor.sees(visitor.lines("agent", "84"))


async def test_the_keyboard_alone_is_enough(worker: Worker, visit: Visit) -> None:
    visitor = await visit(viewport={"width": 360, "height": 780})
    keyboard = visitor.page.keyboard
    await keyboard.press("Tab")
    await expect(visitor.page.locator("#talk")).to_be_focused()
    await keyboard.press("Enter")
    await visitor.in_phase("live")
    mute = visitor.page.locator("#mute")
    await expect(mute).to_have_accessible_name("Mute")
    await keyboard.press("m")
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await expect(mute).to_have_accessible_name("Unmute")
    await keyboard.press("m")
    await expect(mute).to_have_attribute("aria-pressed", "false")
    await expect(visitor.page.locator("#end")).to_be_focused()
    await keyboard.press("Enter")
    await visitor.in_phase("ended")
    await expect(visitor.page.locator("#talk")).to_be_focused()


async def test_an_agent_with_a_name_is_brought_by_the_token(
    livekit: LiveKit, site: Site, visit: Visit
) -> None:
    environment = {"AGENT_PROFILE": "simulated", "AGENT_NAME": "by-name"}
    with running_worker(livekit.environment | environment):
        address = await site.address(
            agent_name="by-name", rules=Rules(choices=frozenset({"greeting"}))
        )
        visitor = await visit(address=f'{address}/?metadata={{"greeting":"Sent by name."}}')
        await visitor.talk()
        await visitor.sees(visitor.lines("agent", "Sent by name."))
        await visitor.hears()
        await visitor.leave()


async def test_who_has_the_link_gets_in_and_nobody_else(
    worker: Worker, site: Site, visit: Visit
) -> None:
    password = "a-password-of-some-length"
    address = await site.address(rules=Rules(password=password))
    stranger = await visit(address=address)
    await stranger.talk()
    await stranger.in_phase("failed")
    assert "open the whole link" in await stranger.page.locator("body").inner_text()
    visitor = await visit(address=f"{address}/#password={password}")
    await visitor.talk()
    await visitor.in_phase("live")
    assert not [request for request in visitor.requests if password in request.partition("#")[0]]


async def test_who_is_logged_in_gets_in_by_their_cookie_and_nobody_else(
    worker: Worker, site: Site, visit: Visit
) -> None:
    async with hook_server(answer(401)) as hook:
        address = await site.address(rules=Rules(auth_url=hook.url))
        visitor = await visit(address=address)
        await visitor.talk()
        await visitor.in_phase("failed")
        assert "You are not logged in" in await visitor.page.locator("body").inner_text()
        hook.said = answer(200)
        await visitor.page.context.add_cookies([{"name": "session", "value": "7", "url": address}])
        await visitor.page.get_by_role("button", name="Try again").click()
        await visitor.in_phase("live")
    assert [headers.get("cookie") for _, headers in hook.asked] == [None, "session=7"]
