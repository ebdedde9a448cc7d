"""What holds for plugins of every kind. A check raises AssertionError when it does not."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from unittest.mock import patch

from livekit.agents import APIError, Plugin
from livekit.plugins.speechcore import EngineError

from tests.fakes.heartbeat import Heartbeat, Stopwatch

LONGEST_BLOCK_S = 0.05
LONGEST_CLOSE_S = 0.05


class Identified(Protocol):
    @property
    def model(self) -> str: ...

    @property
    def provider(self) -> str: ...

    @property
    def label(self) -> str: ...


class Closing(Protocol):
    async def aclose(self) -> None: ...


def check_identity(engine: Identified) -> None:
    """Model and provider label metrics and spans."""
    for name in (engine.model, engine.provider, engine.label):
        assert name and name != "unknown", f"{type(engine)} does not say who it is"


def check_registration(engine: object) -> None:
    """The plugin is known to livekit under the package one imports, and can fetch its files."""
    package = ".".join(type(engine).__module__.split(".")[:3])
    importlib.import_module(package)
    plugins = [plugin for plugin in Plugin.registered_plugins if plugin.package == package]
    assert len(plugins) == 1, f"{package} is registered {len(plugins)} times"
    assert plugins[0].version and plugins[0].title
    assert plugins[0].logger is not None
    # It fetches nothing in a test: there is no hub, and a plugin that wants one says so.
    with patch.dict(sys.modules, {"huggingface_hub": None}), contextlib.suppress(EngineError):
        plugins[0].download_files()


async def check_close_is_prompt(stream: Closing) -> None:
    """`aclose()` in the midst of the work returns at once and may be repeated."""
    stopwatch = Stopwatch()
    await stream.aclose()
    took_s = stopwatch.lap_s()
    assert took_s < LONGEST_CLOSE_S, f"aclose() took {took_s * 1000:.0f} ms"
    await stream.aclose()


async def check_loop_is_free(work: Awaitable[object]) -> None:
    """No step of `work` keeps the event loop for 50 ms."""
    async with Heartbeat() as heartbeat:
        await work
    block_s = heartbeat.longest_block_s
    assert block_s < LONGEST_BLOCK_S, f"the event loop was blocked for {block_s * 1000:.0f} ms"


async def check_deadline(work: Awaitable[object], timeout_s: float, error: type[APIError]) -> None:
    """`work` fails with `error` once its deadline is over, and not long after."""
    begun_s = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s + 2.0):
            await work
    except error:
        took_s = time.monotonic() - begun_s
        assert took_s >= timeout_s * 0.9, f"the deadline came after {took_s:.2f} s already"
    except TimeoutError as e:
        raise AssertionError(f"the deadline of {timeout_s} s was not kept") from e
    else:
        raise AssertionError("a slow engine came through without an error")


async def check_failure(engine: Any, work: Awaitable[object]) -> None:
    """What the engine raises reaches livekit as an APIError and as an error event."""
    events: list[Any] = []
    engine.on("error", events.append)
    try:
        await work
    except APIError:
        pass
    except Exception as e:
        raise AssertionError(f"{type(e).__name__} is not an APIError: livekit cannot retry") from e
    else:
        raise AssertionError("a failing engine came through without an error")
    finally:
        engine.off("error", events.append)
    assert events, "no error event was emitted"
    assert all(isinstance(event.error, APIError) for event in events)


async def metrics_of(engine: Any, work: Callable[[], Awaitable[object]]) -> list[Any]:
    """The metrics that `engine` emits during `work`."""
    collected: list[Any] = []
    engine.on("metrics_collected", collected.append)
    try:
        await work()
    finally:
        engine.off("metrics_collected", collected.append)
    return collected
