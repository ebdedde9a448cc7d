import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from agent.demo.options import DemoError
from agent.demo.readiness import wait_for_server, wait_for_worker
from agent.private_files import Keys
from tests.fakes.livekit_http import http_server, livekit_app

KEYS = Keys(api_key="ours", api_secret="o" * 40)


async def test_a_server_is_ready_when_it_takes_the_key() -> None:
    async with http_server(livekit_app("ours", "o" * 40)) as url:
        await wait_for_server(url, KEYS, deadline_s=5)


async def test_a_server_that_never_takes_the_key_is_given_up() -> None:
    async with http_server(livekit_app("other", "o" * 40)) as url:
        with pytest.raises(DemoError, match="did not answer"):
            await wait_for_server(url, KEYS, deadline_s=0.2)


async def test_a_worker_is_ready_when_it_is_healthy_and_has_registered(tmp_path: Path) -> None:
    status = 503

    async def health(request: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/readyz", health)
    ready_file = tmp_path / "ready"
    async with http_server(app) as url:
        port = int(url.rpartition(":")[2])
        waiting = asyncio.create_task(wait_for_worker(ready_file, port, deadline_s=10))
        status = 200
        await asyncio.sleep(0.15)
        assert not waiting.done()
        ready_file.touch()
        await waiting


async def test_a_registered_worker_that_is_not_healthy_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "ready").touch()
    with pytest.raises(DemoError, match="did not register"):
        await wait_for_worker(tmp_path / "ready", 1, deadline_s=0.2)
