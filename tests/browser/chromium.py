"""Chromium with a fake microphone, kept from reaching anything but this machine."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

COMMANDS = ("chromium", "chromium-browser", "google-chrome")

OFFLINE = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def chromium_command() -> str:
    found = next(filter(None, map(shutil.which, COMMANDS)), None)
    assert found, "no Chromium: run `make test`, which installs one"
    return found


@asynccontextmanager
async def chromium(microphone: Path | None) -> AsyncIterator[Browser]:
    """A browser whose microphone plays the WAV file from its start each time it is opened.

    Without a file nobody answers the question for the microphone: it counts as denied.
    """
    flags = [*OFFLINE, "--use-fake-device-for-media-stream"]
    if microphone is not None:
        flags += [
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_command(), args=flags)
        try:
            yield browser
        finally:
            await browser.close()
