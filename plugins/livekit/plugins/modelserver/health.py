"""/healthz, /readyz and /metrics of a model server."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .server import ModelServer


class Health:
    """Answers before the models are loaded: healthy, not ready.

    /healthz fails when an engine hangs for good: the process should be started anew. /readyz fails
    whenever new callers should go elsewhere: while it drains, an engine hangs, or one is full.
    """

    def __init__(self, server: Callable[[], ModelServer | None]) -> None:
        """`server`: None until the models are loaded."""
        self._server = server
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens; returns the port. Raises OSError when it is taken."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, request: web.Request) -> web.Response:
        server = self._server()
        is_healthy = server is None or server.stuck_s < server.limits.stuck_s
        return web.json_response({"healthy": is_healthy}, status=200 if is_healthy else 503)

    async def _readyz(self, request: web.Request) -> web.Response:
        server = self._server()
        if server is None:
            return web.json_response({"ready": False}, status=503)
        told = server.describe()
        has_room = told["ready"] and told["free"] > 0
        return web.json_response(told, status=200 if has_room else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        server = self._server()
        if server is None:
            return web.Response(status=503)
        server.measure()
        body = generate_latest(server.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
