"""The engine's thread: deadlines, what closing drops, and what it still runs."""

from __future__ import annotations

import asyncio
import threading

import pytest
from livekit.plugins.speechcore import EngineBusy, EngineThread, EngineTimeout


async def test_a_step_gives_its_result_or_its_error() -> None:
    thread = EngineThread("test-engine")
    assert await thread.call(lambda: 7, timeout_s=5.0) == 7
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0, timeout_s=5.0)
    thread.close()


async def test_after_a_missed_deadline_calls_are_refused_until_the_step_ends() -> None:
    thread = EngineThread("test-engine")
    release = threading.Event()
    with pytest.raises(EngineTimeout):
        await thread.call(release.wait, timeout_s=0.02)
    with pytest.raises(EngineBusy):
        await thread.call(lambda: 7, timeout_s=5.0)
    cleaned_up = threading.Event()
    thread.submit(cleaned_up.set)
    release.set()
    await asyncio.to_thread(cleaned_up.wait)
    assert await thread.call(lambda: 7, timeout_s=5.0) == 7
    thread.close()


async def test_closing_drops_waiting_calls_but_runs_the_clean_up_after_the_step() -> None:
    thread = EngineThread("test-engine")
    begun, release, cleaned_up = threading.Event(), threading.Event(), threading.Event()
    ran: list[str] = []

    def step() -> None:
        begun.set()
        release.wait()
        ran.append("step")

    first = asyncio.create_task(thread.call(step, timeout_s=5.0))
    await asyncio.to_thread(begun.wait)
    second = asyncio.create_task(thread.call(lambda: ran.append("waiting"), timeout_s=5.0))
    await asyncio.sleep(0)
    thread.submit(lambda: ran.append("clean-up"))
    thread.submit(cleaned_up.set)
    thread.close()
    thread.close()
    thread.submit(lambda: ran.append("too late"))
    release.set()
    await asyncio.to_thread(cleaned_up.wait)
    await asyncio.wait({first, second})
    assert ran == ["step", "clean-up"]
    assert second.cancelled()
