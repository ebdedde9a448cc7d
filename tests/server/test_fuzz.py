"""Whatever a caller sends, the server goes on and nothing of the caller is left."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.plugins.modelserver import EngineConfig, ModelServerClient, ServerConfig
from livekit.plugins.modelserver.messages import OpenRequest, SpeakRequest, count_to_payload
from livekit.plugins.modelserver.protocol import Kind, encode
from livekit.plugins.modelserver.server import ModelServer
from livekit.plugins.speechcore import DEFAULT_VOICING

from tests.fakes.eventually import eventually
from tests.server.dummies import DummyEar, DummyVoice
from tests.server.trial import TENTH, heard, listener, spoken, synthesiser, words_of

PAYLOADS = (
    b"",
    b"{}",
    OpenRequest("ear", 16_000, 5.0).to_payload(),
    OpenRequest("ear", 16_000, 5.0, "break").to_payload(),
    SpeakRequest("voice", 24_000, 5.0, "one two", DEFAULT_VOICING).to_payload(),
    SpeakRequest("voice", 24_000, 5.0, "one fail", DEFAULT_VOICING).to_payload(),
    TENTH,
    count_to_payload(7),
)
frames = st.builds(
    encode,
    st.sampled_from(Kind),
    st.integers(0, 3),
    st.sampled_from(PAYLOADS) | st.binary(max_size=40),
)
streams = st.lists(frames, max_size=12).map(b"".join)


@dataclass
class Host:
    """A server on a loop of its own, for all examples."""

    runner: asyncio.Runner
    address: str
    ear: DummyEar
    server: ModelServer
    errors: list[dict[str, Any]] = field(default_factory=list)
    """What reached the event loop."""

    async def send(self, stream: bytes, *, greets: bool) -> None:
        """A caller that sends this, reads for a moment and goes."""
        path = self.address.removeprefix("unix:")
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write((encode(Kind.HELLO, 0, b"{}") if greets else b"") + stream)
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.005):
                await reader.read(100_000)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        await eventually(lambda: self.server.session_count == 0 and self.ear.open_sessions == 0)

    async def is_well(self) -> bool:
        client = ModelServerClient(self.address, dead_after_s=10.0)
        text = await heard(listener(client), 2)
        words = words_of(await spoken(synthesiser(client), "still here"))
        client.close()
        return (text, words) == ("w0 w1", ["still", "here"])


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="ms-") as folder, asyncio.Runner() as runner:
        ear = DummyEar()
        config = ServerConfig(
            address=f"unix:{Path(folder) / 'models.sock'}",
            engines=(
                EngineConfig(name="ear", kind="stt", factory="given", capacity=3),
                EngineConfig(name="voice", kind="tts", factory="given", capacity=3),
            ),
        )

        async def start() -> ModelServer:
            server = ModelServer(config, {"ear": ear, "voice": DummyVoice()})
            await server.start()
            return server

        host = Host(runner, config.address, ear, runner.run(start()))
        loop = runner.get_loop()
        loop.set_exception_handler(lambda loop, context: host.errors.append(context))
        yield host
        runner.run(host.server.stop())


@settings(max_examples=60, deadline=None)
@given(stream=streams, greets=st.booleans())
def test_frames_in_any_order_harm_nobody(host: Host, stream: bytes, greets: bool) -> None:
    host.runner.run(host.send(stream, greets=greets))
    assert not host.errors
    assert host.runner.run(host.is_well())


@settings(max_examples=40, deadline=None)
@given(stream=streams, where=st.integers(0, 10_000), noise=st.binary(min_size=1, max_size=8))
def test_broken_frames_harm_nobody(host: Host, stream: bytes, where: int, noise: bytes) -> None:
    cut = where % (len(stream) + 1)
    host.runner.run(host.send(stream[:cut] + noise + stream[cut:], greets=True))
    assert not host.errors
    assert host.runner.run(host.is_well())
