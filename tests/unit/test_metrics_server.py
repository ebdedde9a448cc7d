from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from agent.metrics_server import serving_metrics
from agent.ports import free_port


async def scrape(port: int) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        return answer.status, await answer.text()


async def test_scrapes_at_the_same_time_are_all_answered(tmp_path: Path) -> None:
    port = free_port()
    async with serving_metrics("127.0.0.1", port, tmp_path):
        answers = await asyncio.gather(*(scrape(port) for _ in range(5)))
    assert all(status == 200 and "process_open_fds" in text for status, text in answers)
    with pytest.raises(aiohttp.ClientConnectionError):
        await scrape(port)


async def test_without_a_folder_the_process_tells_its_own_counts() -> None:
    port = free_port()
    async with serving_metrics("127.0.0.1", port, None):
        status, text = await scrape(port)
    assert status == 200
    assert "# TYPE parley_turns_total counter" in text


async def test_port_0_is_none_at_all() -> None:
    async with serving_metrics("127.0.0.1", 0, None):
        pass


async def test_a_taken_port_is_told_and_nothing_stays_open() -> None:
    port = free_port()
    async with serving_metrics("127.0.0.1", port, None):
        with pytest.raises(OSError, match="address"):
            async with serving_metrics("127.0.0.1", port, None):
                pass
        assert (await scrape(port))[0] == 200
