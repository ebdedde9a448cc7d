"""The page's own gate and gain for the microphone, and calls in browsers that cannot have them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.chromium import chromium
from tests.browser.conftest import DIST, Site, Visit
from tests.browser.microphone import write_microphone
from tests.browser.visitor import Visitor
from tests.stack.processes import Worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = (9.0, "What time is it?")
"""Asked when the greeting is over."""
GATED = "MediaStreamAudioDestinationNode"
NO_SIMD = "WebAssembly.validate = () => !(window.asked = !window.asked);"
"""Refuses what it is asked about first."""
NO_WEBASSEMBLY = "delete window.WebAssembly;"
FAILING = """
const register = registerProcessor;
globalThis.registerProcessor = (name, Processor) =>
  register(name, class extends Processor {
    process(...quantum) {
      if (currentTime > 4) throw new Error("broken");
      return super.process(...quantum);
    }
  });
"""
"""Before the worklet's own code: it breaks four seconds after the call has begun."""
STALLED = """
const Context = AudioContext;
window.AudioContext = class extends Context {
  constructor(options) {
    super(options);
    super.suspend();
  }
  async resume() {}
};
"""
STALLING = """
const Context = AudioContext;
window.AudioContext = class extends Context {
  async resume() {
    if (!window.stalled) await super.resume();
  }
  stall() {
    window.stalled = true;
    return super.suspend();
  }
};
"""
"""Contexts that go on until `stall()`, and then never again."""
NO_WORKLET = "delete window.AudioWorkletNode; delete window.AudioWorklet;"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speaker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Into its microphone somebody asks for the time."""
    microphone = write_microphone(tmp_path_factory.mktemp("speaker") / "microphone.wav", QUESTION)
    async with chromium(microphone) as browser:
        yield browser


async def wait_for_gate(visitor: Visitor) -> None:
    await visitor.page.get_by_role("checkbox", name="Gate and gain").check()
    await visitor.talk()
    await visitor.in_phase("live")
    await visitor.sees(visitor.page.get_by_role("meter", name="Gate"))


async def sent(visitor: Visitor) -> str:
    """The name of the track that is sent: the microphone's, or that of the gate's way out."""
    label = await visitor.page.evaluate(
        "[...window.parley.room.localParticipant.audioTrackPublications.values()]"
        "[0].track.sender.track.label"
    )
    return str(label)


async def voice_is_shown(visitor: Visitor) -> None:
    """Waits until the meter of the gate has shown what only a voice brings."""
    level = visitor.page.locator("#level-gate")

    async def is_loud() -> bool:
        return int(await level.get_attribute("aria-valuenow") or 0) > 40

    await visitor.wait_for(is_loud, "voice at the gate")


async def is_understood(visitor: Visitor) -> None:
    await visitor.sees(visitor.lines("you", "time"))
    await visitor.sees(visitor.lines("agent", "It is "))


async def test_a_question_through_gate_and_gain_is_understood_and_its_level_shown(
    worker: Worker, visit: Visit, speaker: Browser
) -> None:
    visitor = await visit(browser=speaker)
    await wait_for_gate(visitor)
    await expect(visitor.page.locator("#gate-view")).to_have_attribute("data-engine", "simd")
    await expect(visitor.page.locator("#gate-state")).to_contain_text("WASM SIMD")
    assert await sent(visitor) == GATED
    await voice_is_shown(visitor)
    await is_understood(visitor)
    assert await visitor.asked_outside() == []
    assert visitor.errors == []


async def test_the_gate_can_be_switched_in_mid_call_and_is_remembered(
    worker: Worker, visit: Visit
) -> None:
    visitor = await visit()
    await wait_for_gate(visitor)
    page = visitor.page
    gate = page.get_by_role("checkbox", name="Gate and gain")
    await page.locator("#devices summary").click()
    # A microphone opened anew stays gated.
    await page.get_by_role("checkbox", name="Remove echo").uncheck()
    await expect(page.get_by_role("meter", name="Gate")).to_be_visible()
    assert await sent(visitor) == GATED
    await gate.uncheck()
    await expect(page.locator("#gate-view")).to_be_hidden()

    async def is_as_it_was() -> bool:
        return await sent(visitor) != GATED

    await visitor.wait_for(is_as_it_was, "microphone without gate")
    await gate.check()
    await visitor.sees(page.get_by_role("meter", name="Gate"))
    assert await sent(visitor) == GATED
    await page.get_by_role("button", name="End call").click()
    await expect(page.locator("#gate-view")).to_be_hidden()
    await page.reload()
    await expect(page.get_by_role("checkbox", name="Gate and gain")).to_be_checked()
    await expect(page.get_by_role("checkbox", name="Remove echo")).not_to_be_checked()
    await expect(page.get_by_role("checkbox", name="Suppress noise")).to_be_checked()
    assert visitor.errors == []


@pytest.mark.parametrize(
    ("script", "engine"), [(NO_SIMD, "scalar"), (NO_WEBASSEMBLY, "plain")], ids=["simd", "wasm"]
)
async def test_a_browser_that_lacks_it_gets_the_gate_another_way(
    worker: Worker, visit: Visit, speaker: Browser, script: str, engine: str
) -> None:
    visitor = await visit(browser=speaker, script=script)
    await wait_for_gate(visitor)
    await expect(visitor.page.locator("#gate-view")).to_have_attribute("data-engine", engine)
    assert await sent(visitor) == GATED
    await voice_is_shown(visitor)
    assert visitor.errors == []


async def test_without_worklets_the_microphone_is_sent_as_it_is_and_a_note_says_so(
    worker: Worker, visit: Visit, speaker: Browser
) -> None:
    visitor = await visit(browser=speaker, script=NO_WORKLET)
    await visitor.page.get_by_role("checkbox", name="Gate and gain").check()
    await visitor.talk()
    note = visitor.page.locator('.notice[data-code="sound"]')
    await expect(note).to_contain_text("has no AudioWorklet", timeout=20_000)
    await is_understood(visitor)
    await expect(visitor.page.locator("#gate-view")).to_be_hidden()
    assert await sent(visitor) != GATED
    assert visitor.errors == []


async def test_a_gate_that_fails_in_mid_call_is_taken_out_and_a_note_says_so(
    worker: Worker, site: Site, visit: Visit, tmp_path: Path
) -> None:
    page = shutil.copytree(DIST, tmp_path / "dist")
    (worklet,) = page.glob("assets/worklet-*.js")
    worklet.write_text(FAILING + worklet.read_text())
    visitor = await visit(address=await site.address(dist=page))
    await wait_for_gate(visitor)
    assert await sent(visitor) == GATED
    note = visitor.page.locator('.notice[data-code="sound"]')
    await expect(note).to_contain_text("processor has failed", timeout=20_000)
    await expect(visitor.page.locator("#gate-view")).to_be_hidden()

    async def is_as_it_was() -> bool:
        return await sent(visitor) != GATED

    await visitor.wait_for(is_as_it_was, "microphone without gate")


async def test_where_the_browser_lets_no_sound_through_the_microphone_is_not_sent_through_it(
    worker: Worker, visit: Visit
) -> None:
    visitor = await visit(script=STALLED)
    await visitor.page.get_by_role("checkbox", name="Gate and gain").check()
    await visitor.talk()
    note = visitor.page.locator('.notice[data-code="sound"]')
    await expect(note).to_contain_text("does not let sound through", timeout=20_000)
    await visitor.in_phase("live")
    assert await sent(visitor) != GATED
    assert visitor.errors == []


async def test_a_browser_that_lets_no_sound_through_any_more_gets_the_microphone_as_it_is(
    worker: Worker, visit: Visit
) -> None:
    visitor = await visit(script=STALLING)
    await wait_for_gate(visitor)
    assert await sent(visitor) == GATED
    page = visitor.page
    await page.evaluate(
        "[...window.parley.room.localParticipant.audioTrackPublications.values()]"
        "[0].track.audioContext.stall()"
    )
    note = page.locator('.notice[data-code="sound"]')
    await expect(note).to_contain_text("processor has failed", timeout=20_000)
    await expect(page.locator("#gate-view")).to_be_hidden()

    async def is_as_it_was() -> bool:
        return await sent(visitor) != GATED

    await visitor.wait_for(is_as_it_was, "microphone without gate")
    assert visitor.errors == []


async def test_a_context_that_is_suspended_in_mid_call_goes_on(
    worker: Worker, visit: Visit
) -> None:
    visitor = await visit()
    await wait_for_gate(visitor)
    context = (
        "[...window.parley.room.localParticipant.audioTrackPublications.values()]"
        "[0].track.audioContext"
    )
    await visitor.page.evaluate(f"{context}.suspend()")

    async def is_running() -> bool:
        return bool(await visitor.page.evaluate(f"{context}.state") == "running")

    await visitor.wait_for(is_running, "a context that runs")
    assert await sent(visitor) == GATED
