import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from agent.demo.options import DemoError
from agent.demo.server_finder import (
    Environment,
    Found,
    GivenServer,
    InstalledServer,
    NotFound,
    OwnRunningServer,
    RunningServer,
    ServerProgram,
    find_server,
)
from agent.private_files import Keys
from tests.fakes.livekit_http import http_server, livekit_app

KEYS = Keys(api_key="ours", api_secret="o" * 40)


def silent(text: str) -> None:
    """A report nobody reads."""


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def program(path: Path, script: str = "echo livekit-server version 1.11.0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    environ = {"PATH": str(tmp_path / "path")}
    return Environment(environ=environ, bin_dir=tmp_path / "cache" / "bin", offline=False)


async def test_without_a_given_server_the_search_goes_on() -> None:
    assert isinstance(await GivenServer(None, KEYS).find(silent), NotFound)


async def test_a_given_server_that_takes_the_key_is_used() -> None:
    async with http_server(livekit_app("ours", "o" * 40)) as url:
        found = await GivenServer(url, KEYS).find(silent)
    assert isinstance(found, RunningServer)
    assert (found.url, found.keys) == (url, KEYS)


async def test_a_given_server_without_a_key_ends_the_search() -> None:
    with pytest.raises(DemoError, match="set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"):
        await GivenServer("ws://127.0.0.1:7880", None).find(silent)


async def test_a_given_server_that_refuses_the_key_ends_the_search() -> None:
    async with http_server(livekit_app("ours", "another" * 6)) as url:
        with pytest.raises(DemoError, match="refused the key: correct LIVEKIT_API_KEY"):
            await GivenServer(url, KEYS).find(silent)


async def test_a_given_server_that_cannot_be_reached_ends_the_search() -> None:
    with pytest.raises(DemoError, match="No LiveKit server can be reached at ws://127.0.0.1:1 "):
        await GivenServer("ws://127.0.0.1:1", KEYS).find(silent)


async def test_a_given_address_of_something_else_ends_the_search() -> None:
    async with http_server(web.Application()) as url:
        with pytest.raises(DemoError, match="is not a LiveKit server"):
            await GivenServer(url, KEYS).find(silent)


async def test_a_given_address_that_is_none_ends_the_search() -> None:
    with pytest.raises(DemoError, match="LIVEKIT_URL: 'here' is no address"):
        await GivenServer("here", KEYS).find(silent)


async def test_our_own_running_server_is_used_again() -> None:
    async with http_server(livekit_app("ours", "o" * 40)) as url:
        found = await OwnRunningServer(KEYS, port=port_of(url)).find(silent)
    assert isinstance(found, RunningServer)
    assert found.url == url.replace("http:", "ws:")


async def test_somebody_elses_running_server_is_left_alone() -> None:
    async with http_server(livekit_app("theirs", "t" * 40)) as url:
        found = await OwnRunningServer(KEYS, port=port_of(url)).find(silent)
    assert isinstance(found, NotFound)
    assert "does not take our key" in found.reason


async def test_something_else_on_the_usual_port_is_left_alone() -> None:
    async with http_server(web.Application()) as url:
        found = await OwnRunningServer(KEYS, port=port_of(url)).find(silent)
    assert isinstance(found, NotFound)
    assert "is not LiveKit" in found.reason


async def test_a_free_usual_port_is_a_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = await OwnRunningServer(KEYS, port=port).find(silent)
    assert found == NotFound(reason=f"nothing answers on port {port}")


async def test_a_program_on_path_comes_before_the_tool_cache(environment: Environment) -> None:
    on_path = program(Path(environment.environ["PATH"]) / "livekit-server")
    program(environment.bin_dir / "livekit-server")
    found = await InstalledServer(environment).find(silent)
    assert found == ServerProgram(path=on_path, how="on PATH")


@pytest.mark.parametrize("name", ["livekit-server", "server"])
async def test_a_program_in_the_tool_cache_is_found(environment: Environment, name: str) -> None:
    cached = program(environment.bin_dir / name)
    found = await InstalledServer(environment).find(silent)
    assert found == ServerProgram(path=cached, how="in the tool cache")


async def test_a_program_that_does_not_run_is_passed_over(environment: Environment) -> None:
    program(Path(environment.environ["PATH"]) / "livekit-server", "echo bad build >&2; exit 3")
    cached = program(environment.bin_dir / "livekit-server")
    found = await InstalledServer(environment).find(silent)
    assert found == ServerProgram(path=cached, how="in the tool cache")


@pytest.mark.parametrize("script", ["echo bad build; exit 3", "echo Apache 2.4", "kill -9 $$"])
async def test_a_broken_or_foreign_program_is_a_reason(
    environment: Environment, script: str
) -> None:
    program(environment.bin_dir / "server", script)
    found = await InstalledServer(environment).find(silent)
    assert isinstance(found, NotFound)
    assert "does not run" in found.reason


async def test_a_half_written_program_is_a_reason(environment: Environment) -> None:
    program(environment.bin_dir / "server").write_bytes(b"\x7fELF")
    found = await InstalledServer(environment).find(silent)
    assert isinstance(found, NotFound)
    assert "cannot be run" in found.reason


class StubWay:
    """A way whose outcome is known."""

    def __init__(self, name: str, outcome: Found | NotFound) -> None:
        self.name = name
        self.was_asked = False
        self._outcome = outcome

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        self.was_asked = True
        return self._outcome


async def test_the_first_way_that_leads_to_a_server_wins() -> None:
    server = ServerProgram(path=Path("/x"), how="")
    ways = [
        StubWay("a", NotFound(reason="")),
        StubWay("b", server),
        StubWay("c", NotFound(reason="")),
    ]
    assert await find_server(ways, silent) is server
    assert [way.was_asked for way in ways] == [True, True, False]


async def test_when_no_way_works_one_sentence_says_what_was_tried_and_what_helps() -> None:
    ways = [
        StubWay("Go", NotFound(reason="not installed")),
        StubWay("Docker", NotFound(reason="off")),
    ]
    with pytest.raises(DemoError) as failed:
        await find_server(ways, silent)
    message = str(failed.value)
    assert re.search(r"Go \(not installed\), Docker \(off\)", message)
    assert "LIVEKIT_URL" in message
    assert "\n" not in message
