"""The page's gate and gain: time for a quantum of sound in JavaScript, WebAssembly and SIMD.

    python -m evals.page_sound

The same sound goes through all three in turn, in Node and in headless Chromium; copies into and out
of WebAssembly count. Figures go to `evals/results/page_sound.json`.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Route

from tests.browser.chromium import chromium

PAGE = Path(__file__).parents[1] / "agent" / "web" / "page"
RESULTS = Path(__file__).parent / "results" / "page_sound.json"
ORIGIN = "http://127.0.0.1"
TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""Gives the page a clock of 5 µs instead of 100."""


def in_node() -> dict[str, Any]:
    """Builds what is measured as well."""
    command = ["npm", "--prefix", str(PAGE), "run", "--silent", "bench"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


async def in_chromium() -> dict[str, Any]:
    async with chromium(microphone=None) as browser:
        page = await browser.new_page()
        await page.route("**/*", _serve)
        await page.goto(f"{ORIGIN}/bench/")
        await page.wait_for_function("window.figures", timeout=120_000)
        figures: dict[str, Any] = await page.evaluate("window.figures")
        return {"chromium": browser.version, **figures}


async def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/bench/":
        html = "<!doctype html><script type=module src=browser.js></script>"
        await route.fulfill(body=html, content_type="text/html", headers=ISOLATED)
        return
    file = PAGE / path.removeprefix("/")
    await route.fulfill(body=file.read_bytes(), headers={"Content-Type": TYPES[file.suffix]})


def main() -> None:
    conditions = {
        "when": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "n": "batches, each of quanta_a_batch quanta in a row",
    }
    figures = {"node": in_node(), "chromium": asyncio.run(in_chromium())}
    RESULTS.write_text(json.dumps({"conditions": conditions, **figures}, indent=1) + "\n")
    for place, measured in figures.items():
        for engine, times in measured["engines"].items():
            sys.stdout.write(f"{place:9} {engine:7} {times}\n")


if __name__ == "__main__":
    main()
