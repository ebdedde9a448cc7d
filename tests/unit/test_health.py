from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from agent.config import Settings
from agent.health import answering
from agent.ports import free_port


def settings(**changes: Any) -> Settings:
    given = {"agent_health_port": free_port(), "agent_metrics_port": 0, **changes}
    return Settings.model_validate(given)


async def status(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_a_worker_is_alive_before_it_is_ready_and_after() -> None:
    told = {"ready": False, "calls": 2}
    own = settings()
    async with answering(own, lambda: told):
        assert (await status(own.agent_health_port, "/healthz"))[0] == 200
        assert (await status(own.agent_health_port, "/readyz"))[0] == 503
        told["ready"] = True
        code, body = await status(own.agent_health_port, "/readyz")
        assert (code, body) == (200, '{"ready": true, "calls": 2}')
        assert (await status(own.agent_health_port, "/"))[0] == 404
    with pytest.raises(aiohttp.ClientConnectionError):
        await status(own.agent_health_port, "/healthz")


async def test_metrics_have_a_port_of_their_own() -> None:
    own = settings(agent_metrics_port=free_port())
    async with answering(own, lambda: {"ready": True}):
        code, body = await status(own.agent_metrics_port, "/metrics")
        assert code == 200 and "# TYPE" in body
        assert (await status(own.agent_health_port, "/metrics"))[0] == 404


async def test_a_taken_port_is_told_and_nothing_stays_open() -> None:
    first = settings()
    async with answering(first, lambda: {"ready": True}):
        both = settings(agent_metrics_port=first.agent_health_port)
        with pytest.raises(OSError, match="address"):
            async with answering(both, lambda: {"ready": True}):
                pass
    async with answering(both, lambda: {"ready": True}):
        pass
