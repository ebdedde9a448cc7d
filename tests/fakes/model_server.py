"""A model server on a thread of this process, and plugins that reach their engine through it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livekit.plugins.modelserver import (
    EngineConfig,
    ModelServerClient,
    RemoteRecogniser,
    RemoteSynthesiser,
    ServerConfig,
)
from livekit.plugins.modelserver.server import ModelServer
from livekit.plugins.speechio import EngineSTT, EngineTTS

from .engines import FakeRecogniser, FakeSynthesiser

_START_S = 5.0


class ServerThread:
    """Serves the engines until `stop()`, which does not wait for the end."""

    def __init__(self, engines: Mapping[str, Any]) -> None:
        """`engines`: by name; those that are a FakeRecogniser hear, the others speak."""
        self._folder = tempfile.TemporaryDirectory()
        self.address = f"unix:{Path(self._folder.name) / 'models.sock'}"
        self._engines = engines
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="model-server")
        self._thread.start()
        assert self._started.wait(_START_S)

    def stop(self) -> None:
        """Twice is fine."""
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stopped.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())
        self._folder.cleanup()

    async def _serve(self) -> None:
        configs = tuple(
            EngineConfig(name=name, kind=_kind(engine), factory="given", capacity=64)
            for name, engine in self._engines.items()
        )
        config = ServerConfig(address=self.address, engines=configs)
        server = ModelServer(config, self._engines)
        await server.start()
        self._started.set()
        await self._stopped.wait()
        await server.stop()


def _kind(engine: object) -> Any:
    return "stt" if isinstance(engine, FakeRecogniser) else "tts"


class ServedSTT(EngineSTT):
    """Its recogniser is in a model server that lives and ends with it."""

    def __init__(self, engine: FakeRecogniser) -> None:
        self._served = ServerThread({"ear": engine})
        self._client = ModelServerClient(self._served.address, dead_after_s=10.0)
        handle = RemoteRecogniser(
            self._client, "ear", sample_rate_hz=engine.sample_rate_hz, model=engine.model
        )
        super().__init__(handle, provider="fake", language="en")

    async def aclose(self) -> None:
        await super().aclose()
        self._client.close()
        self._served.stop()


class ServedTTS(EngineTTS):
    """Its synthesiser is in a model server that lives and ends with it."""

    def __init__(self, engine: FakeSynthesiser) -> None:
        self._served = ServerThread({"voice": engine})
        self._client = ModelServerClient(self._served.address, dead_after_s=10.0)
        handle = RemoteSynthesiser(
            self._client, "voice", sample_rate_hz=engine.sample_rate_hz, model=engine.model
        )
        super().__init__(handle, provider="fake")

    async def aclose(self) -> None:
        await super().aclose()
        self._client.close()
        self._served.stop()
