"""A worker's `/metrics`, what all its processes have counted, those that have ended included; and
`/calls`, what its running calls are at."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

from agent.call_status import running_calls
from agent.metrics_files import fold


def shared_folder() -> Path | None:
    """In which a worker's processes count; None where each counts for itself."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


@contextlib.asynccontextmanager
async def serving_metrics(host: str, port: int, folder: Path | None) -> AsyncIterator[None]:
    """Answers while the block runs; for port 0 nothing does. Raises OSError when the port is taken.

    livekit's own server of these would read the files of all processes that ever were.
    """
    if not port:
        yield
        return
    one_scrape = asyncio.Lock()

    async def metrics(_: web.Request) -> web.Response:
        async with one_scrape:
            body = await asyncio.to_thread(exposition, folder)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/calls", _calls)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


async def _calls(request: web.Request) -> web.Response:
    """For `parley top` on this machine: rooms' names are nobody else's affair."""
    if not is_loopback(request.remote):
        raise web.HTTPForbidden(text="calls are told on the worker's own machine only")
    return web.json_response({"calls": await asyncio.to_thread(running_calls)})


def is_loopback(address: str | None) -> bool:
    """Whether a request from there comes from this machine."""
    try:
        return ip_address((address or "").removeprefix("::ffff:")).is_loopback
    except ValueError:
        return False


def exposition(folder: Path | None) -> bytes:
    """All metrics of the processes that count in `folder`, and this one's memory and open files."""
    if folder is None:
        return generate_latest(REGISTRY)
    fold(folder)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    ProcessCollector(registry=registry)
    return generate_latest(registry)
