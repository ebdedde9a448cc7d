from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import aiohttp
import pytest

from agent.call_status import share_calls
from agent.metrics_server import is_loopback, serving_metrics
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


async def test_calls_are_told_beside_the_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment: dict[str, str] = {}
    share_calls(tmp_path, environment)
    monkeypatch.setenv("PARLEY_CALLS", environment["PARLEY_CALLS"])
    told = {"call": "AJ_1", "room": "r", "begun_s": 0.0, "turns": 0, "response_s": None}
    own = Path(environment["PARLEY_CALLS"]) / f"{os.getpid()}.json"
    own.write_text(json.dumps(told | {"state": "listening"}))
    port = free_port()
    async with (
        serving_metrics("127.0.0.1", port, tmp_path),
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/calls") as answer,
    ):
        (call,) = (await answer.json())["calls"]
    assert (call["call"], call["pid"], call["state"]) == ("AJ_1", os.getpid(), "listening")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_see_the_calls(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", [None, "", "10.0.0.7", "::ffff:10.0.0.7", "fe80::1", "host"])
def test_no_other_machine_may(address: str | None) -> None:
    assert not is_loopback(address)
