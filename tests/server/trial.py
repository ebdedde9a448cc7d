"""What the tests of the model server do with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from livekit.plugins.modelserver import (
    ModelServerClient,
    RemoteListener,
    RemoteRecogniser,
    RemoteSynthesiser,
)
from livekit.plugins.modelserver.address import UnixAddress, parse_address
from livekit.plugins.modelserver.messages import Hello
from livekit.plugins.modelserver.protocol import Frame, FrameDecoder, Kind, encode
from livekit.plugins.modelserver.server import ModelServer
from livekit.plugins.speechcore import SpeechChunk, Transcript

from tests.server.dummies import DummyEar, DummyVoice

TIMEOUT_S = 5.0
PATIENT_S = 10.0
"""For a test's machine that does much else: only some tests are about a server that hangs."""

TENTH = bytes(2 * 1600)
"""A tenth of a second of sound, in which the ear hears one word."""


@dataclass
class Trial:
    """A running server, its engines and a caller."""

    server: ModelServer
    client: ModelServerClient
    ear: DummyEar
    voice: DummyVoice
    address: str

    def synthesiser(self, client: ModelServerClient | None = None) -> RemoteSynthesiser:
        return synthesiser(client or self.client)

    def listener(
        self,
        *,
        client: ModelServerClient | None = None,
        language: str | None = None,
        timeout_s: float = TIMEOUT_S,
        updates: list[Transcript] | None = None,
    ) -> RemoteListener:
        return listener(
            client or self.client, language=language, timeout_s=timeout_s, updates=updates
        )

    def caller(self, token: str = "") -> ModelServerClient:
        """Another one; whoever asked closes it."""
        return ModelServerClient(self.address, token=token, dead_after_s=PATIENT_S)

    async def end(self) -> None:
        self.ear.released.set()
        self.voice.released.set()
        self.client.close()
        await self.server.stop()


def synthesiser(client: ModelServerClient) -> RemoteSynthesiser:
    return RemoteSynthesiser(client, "voice", sample_rate_hz=24_000)


def listener(
    client: ModelServerClient,
    *,
    language: str | None = None,
    timeout_s: float = TIMEOUT_S,
    updates: list[Transcript] | None = None,
) -> RemoteListener:
    recogniser = RemoteRecogniser(client, "ear", sample_rate_hz=16_000)
    return recogniser.listen(
        timeout_s=timeout_s,
        language=language,
        on_update=None if updates is None else updates.append,
    )


async def spoken(
    voice: RemoteSynthesiser, text: str, *, timeout_s: float = TIMEOUT_S
) -> list[SpeechChunk]:
    """All of a text. Raises what the server says."""
    return [chunk async for chunk in voice.speak(text, timeout_s=timeout_s)]


def words_of(chunks: list[SpeechChunk]) -> list[str]:
    return [word.text for chunk in chunks for word in chunk.words]


async def heard(ear: RemoteListener, tenths: int) -> str:
    """The final text of so many tenths of a second."""
    for _ in range(tenths):
        await ear.accept(TENTH)
    return (await ear.finish()).text


class RawCaller:
    """Speaks the protocol, or something else, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._decoder = FrameDecoder()
        self._frames: list[Frame] = []

    def send(self, kind: Kind, session: int = 0, payload: bytes | dict[str, object] = b"") -> None:
        if isinstance(payload, dict):
            payload = json.dumps(payload).encode()
        self.writer.write(encode(kind, session, payload))

    async def greet(self, token: str = "") -> Frame:
        """The answer to HELLO."""
        self.send(Kind.HELLO, 0, Hello(token).to_payload())
        return await self.next()

    async def next(self) -> Frame:
        """The next frame. Raises EOFError at the end of the connection, TimeoutError."""
        async with asyncio.timeout(TIMEOUT_S):
            while not self._frames:
                received = await self.reader.read(1 << 16)
                if not received:
                    raise EOFError
                self._frames += self._decoder.feed(received)
        return self._frames.pop(0)

    async def is_cut_off(self) -> bool:
        """The server ends the connection; what it sends before is dropped."""
        try:
            while True:
                await self.next()
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False

    async def next_fault(self) -> str:
        """The sentence of the ERROR or AT_CAPACITY that comes next."""
        frame = await self.next()
        assert frame.kind in (Kind.ERROR, Kind.AT_CAPACITY), frame.kind
        return str(json.loads(frame.payload)["sentence"])


@asynccontextmanager
async def raw_caller(address: str) -> AsyncIterator[RawCaller]:
    where = parse_address(address)
    if isinstance(where, UnixAddress):
        reader, writer = await asyncio.open_unix_connection(str(where.path))
    else:
        reader, writer = await asyncio.open_connection(where.host, where.port)
    try:
        yield RawCaller(reader, writer)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass
