from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from livekit.plugins.modelserver import EngineConfig, Limits, ModelServerClient, ServerConfig
from livekit.plugins.modelserver.server import ModelServer

from tests.server.dummies import DummyEar, DummyVoice
from tests.server.trial import PATIENT_S, Trial

StartServer = Callable[..., Awaitable[Trial]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: that of a Unix socket has at most 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="ms-") as path:
        yield Path(path)


@pytest_asyncio.fixture
async def start(folder: Path) -> AsyncIterator[StartServer]:
    """Starts a model server on the test's own loop; engines are made as the test wants."""
    trials: list[Trial] = []

    async def start_server(
        *,
        ear: DummyEar | None = None,
        voice: DummyVoice | None = None,
        limits: Limits = Limits(),  # noqa: B008
        address: str = "",
        token: str = "",
        **engine_options: Any,
    ) -> Trial:
        ear, voice = ear or DummyEar(), voice or DummyVoice()
        options = {"capacity": 1000} | engine_options
        config = ServerConfig(
            address=address or f"unix:{folder / 'models.sock'}",
            engines=(
                EngineConfig(name="ear", kind="stt", factory="given", **options),
                EngineConfig(name="voice", kind="tts", factory="given", **options),
            ),
            token=token,
            limits=limits,
        )
        server = ModelServer(config, {"ear": ear, "voice": voice})
        address = str(await server.start())
        client = ModelServerClient(address, token=token, dead_after_s=PATIENT_S)
        trial = Trial(server, client, ear, voice, address)
        trials.append(trial)
        return trial

    yield start_server
    for trial in trials:
        await trial.end()
