"""What a model server answers to probes while it works; its start and end are in test_process."""

from __future__ import annotations

import aiohttp
from livekit.plugins.modelserver.health import Health

from tests.fakes.eventually import eventually
from tests.server.conftest import StartServer
from tests.server.trial import heard


async def _status(port: int, path: str) -> int:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status


async def test_a_full_server_sends_new_callers_elsewhere_and_is_healthy(
    start: StartServer,
) -> None:
    trial = await start(capacity=1)
    health = Health(lambda: trial.server)
    port = await health.start("127.0.0.1", 0)
    try:
        assert await _status(port, "/readyz") == 200
        ear = trial.listener()
        assert await heard(ear, 1) == "w0"
        assert await _status(port, "/readyz") == 503
        assert await _status(port, "/healthz") == 200
        ear.close()
        await eventually(lambda: trial.server.describe()["free"] == 1)
        assert await _status(port, "/readyz") == 200
    finally:
        await health.stop()


async def test_a_server_that_loads_its_models_is_healthy_and_not_ready() -> None:
    health = Health(lambda: None)
    port = await health.start("127.0.0.1", 0)
    try:
        assert await _status(port, "/healthz") == 200
        assert await _status(port, "/readyz") == 503
    finally:
        await health.stop()
