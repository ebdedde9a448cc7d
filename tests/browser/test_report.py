"""The report of the evals in a browser: its script draws the event that is picked."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from math import dist
from pathlib import Path

from playwright.async_api import Page, expect

from evals.ear.results import Results, Row
from evals.report.page import render
from tests.browser.chromium import chromium
from tests.fakes.report_rows import TIMELINE, cut_off, turn

CALLER_Y, AGENT_Y = 42, 134
"""Of pixels above the middle of a lane, where only loud sound reaches."""
PIXEL = """
([share, y]) => {
  const canvas = document.getElementById("timeline");
  const [x, scale] = [Math.round(share * canvas.width), canvas.height / 260];
  return [...canvas.getContext("2d").getImageData(x, Math.round(y * scale), 1, 1).data];
}
"""
COLOURS = {"caller": (31, 95, 191), "agent": (11, 110, 79), "pause": (244, 227, 178)}


def lane(*peaks_dbfs: int) -> str:
    """Levels as a timeline keeps them, each for a quarter of it."""
    return base64.b64encode(bytes(100 + peak for peak in peaks_dbfs for _ in range(25))).decode()


def written(path: Path, rows: Sequence[Row]) -> str:
    results = Results(when="2026-11-26", conditions={}, systems={}, rows=rows)
    path.write_text(render(results, None), encoding="utf-8")
    return path.as_uri()


async def drawn(page: Page, y: int) -> list[str]:
    """What is drawn at that height, in the middle of each quarter of the time."""
    found = []
    for share in (0.125, 0.375, 0.625, 0.875):
        *colour, alpha = await page.evaluate(PIXEL, [share, y])
        distances = {dist(known, colour): name for name, known in COLOURS.items()}
        found.append(distances[min(distances)] if alpha else "")
    return found


async def test_the_event_that_is_picked_is_drawn_in_two_lanes_with_its_stages(
    tmp_path: Path,
) -> None:
    speaks = replace(TIMELINE, caller=lane(-10, -10, -90, -90), agent=lane(-90, -90, -90, -10))
    listens = replace(TIMELINE, caller=lane(-90, -10, -90, -90), agent=lane(-10, -90, -90, -90))
    rows = [
        turn(response_s=0.4, stage_s={"eot": 0.2, "playout": 0.3}, timeline=speaks),
        cut_off(system="stock_vad", patience="default", set="pauses", timeline=listens),
    ]
    errors: list[str] = []
    async with chromium(None) as browser:
        page = await browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(written(tmp_path / "report.html", rows))
        facts = page.locator("#timeline-facts")
        await expect(facts).to_contain_text("parley, c, voice slt: answered; response 0.400 s")
        await expect(facts).to_contain_text("1 eot 0.200, 2 playout 0.300")
        assert await drawn(page, CALLER_Y) == ["caller", "caller", "", ""]
        assert await drawn(page, AGENT_Y) == ["", "", "", "agent"]
        await page.select_option("#pick-set", "pauses")
        await expect(facts).to_contain_text("stock vad, c, voice slt: cut_off")
        assert await drawn(page, CALLER_Y) == ["", "caller", "pause", ""]
        assert await drawn(page, AGENT_Y) == ["agent", "", "", ""]
        await page.select_option("#pick-system", "parley")
        await expect(facts).to_have_text("no such event")
        await page.select_option("#pick-set", "")
        await expect(facts).to_contain_text("parley, c")
    assert errors == []
