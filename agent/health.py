"""/healthz, /readyz and /metrics of a worker.

livekit's own server of health is shut to us: it tells that a worker is connected, not that it is told
to end, and its routes are fixed before they can be added to.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiohttp import web

from agent.config import Settings
from agent.metrics_server import serving_metrics, shared_folder

logger = logging.getLogger(__name__)

_END_S = 0.5


@contextlib.asynccontextmanager
async def answering(
    settings: Settings, describe: Callable[[], Mapping[str, Any]]
) -> AsyncIterator[None]:
    """Answers while the block runs. /healthz: the process is alive; /readyz: new calls may come,
    which is `ready` of what `describe` returns. Raises OSError when a port is taken.
    """
    host = settings.agent_host
    runner = web.AppRunner(_app(describe), access_log=None, shutdown_timeout=_END_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, settings.agent_health_port).start()
        logger.info("health is told", extra={"host": host, "port": runner.addresses[0][1]})
        async with serving_metrics(host, settings.agent_metrics_port, shared_folder()):
            yield
    finally:
        await runner.cleanup()


def _app(describe: Callable[[], Mapping[str, Any]]) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"healthy": True})

    async def readyz(_: web.Request) -> web.Response:
        told = describe()
        return web.json_response(told, status=200 if told["ready"] else 503)

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app
