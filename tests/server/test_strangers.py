"""Who else is on the machine or in the network gets nothing of a model server."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psutil
import pytest
from livekit.plugins.modelserver import EngineConfig, ModelServerProcess, ServerConfig

from tests.server.conftest import StartServer

TOKEN = "a-token-that-nobody-else-has"
ROOT = Path(__file__).parents[2]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_socket_and_its_folder_are_for_this_user_alone(
    start: StartServer, folder: Path
) -> None:
    await start(address=f"unix:{folder / 'run' / 'models.sock'}")
    assert mode_of(folder / "run") == 0o700
    assert mode_of(folder / "run" / "models.sock") == 0o600


@pytest.mark.timeout(60)
async def test_the_token_is_in_no_list_of_processes(folder: Path) -> None:
    engine = EngineConfig(name="ear", kind="stt", factory="tests.server.dummies:DummyEar")
    config = ServerConfig(
        address="tcp://127.0.0.1:0", token=TOKEN, engines=(engine,), health_port=None
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = ModelServerProcess(config, environment=environment, stop_timeout_s=5.0)
    running = await server.start(timeout_s=40.0)
    try:
        process = psutil.Process(running.pid)
        assert TOKEN not in " ".join(process.cmdline())
        assert TOKEN not in str(process.environ())
    finally:
        await server.aclose()
