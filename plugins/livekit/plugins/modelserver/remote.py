"""A recogniser and a synthesiser of the model server, with the faces of those in the process.

What a message costs: sound to a recogniser one frame, a copy into the socket's buffer, one hop through
the kernel, and no wait; a hypothesis, a final text and a chunk of speech the same on their way back,
beside the two hops between threads that any step costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    EngineError,
    EngineTimeout,
    SpeechChunk,
    Transcript,
    Voicing,
    duration_s,
)

from .client import ModelServerClient
from .lead import SpeechLead
from .link import Link
from .messages import (
    OpenRequest,
    SpeakRequest,
    checked_pcm,
    chunk_from_payload,
    count_to_payload,
    transcript_from_payload,
)
from .protocol import MAX_PAYLOAD_BYTES, Frame, Kind, ProtocolError

if TYPE_CHECKING:
    from livekit.plugins.speechio import OnUpdate

logger = logging.getLogger(__package__)

_TELL_EVERY = 8
"""Chunks used before the server is told; a quarter of what it sends ahead."""


class _RemoteEngine:
    """An engine of the model server. The client is its owner's to close."""

    def __init__(
        self, client: ModelServerClient, name: str, *, sample_rate_hz: int, model: str = ""
    ) -> None:
        """`name`: of the engine in the server, whose sound must have `sample_rate_hz`.

        `model` labels metrics; `name` by default.
        """
        self._client = client
        self._name = name
        self._model = model or name
        self._sample_rate_hz = sample_rate_hz

    @property
    def model(self) -> str:
        return self._model

    @property
    def sample_rate_hz(self) -> int:
        return self._sample_rate_hz

    def close(self) -> None:
        """Nothing is its own."""


class RemoteRecogniser(_RemoteEngine):
    """A `RecogniserHandle` on an engine of the model server."""

    def listen(
        self, *, timeout_s: float, language: str | None = None, on_update: OnUpdate | None = None
    ) -> RemoteListener:
        request = OpenRequest(self._name, self._sample_rate_hz, timeout_s, language)
        return RemoteListener(self._client, request, on_update)

    def load(self) -> None:
        """Connects, so that the first call need not; the models are loaded already."""
        if not self._client.is_connected:
            with contextlib.suppress(EngineError):  # whoever needs it will be told
                self._client.connect()


class RemoteListener:
    """One caller's segments, heard by the server.

    `accept()` does not wait for the engine: it returns the newest hypothesis there is, and those that
    come later go to `on_update`. The server ends the session when a step misses the deadline; the next
    call here raises that. When the server dies, every call raises EngineError at once.
    """

    def __init__(
        self, client: ModelServerClient, request: OpenRequest, on_update: OnUpdate | None
    ) -> None:
        self._client = client
        self._request = request
        self._on_update = on_update
        self._link: Link | None = None
        self._session = 0
        self._newest = Transcript()
        self._final: asyncio.Future[Transcript] | None = None
        self._error: EngineError | None = None
        self._is_closed = False

    async def accept(self, pcm: bytes) -> Transcript:
        try:
            checked_pcm(pcm)
        except ProtocolError as e:
            raise EngineError(str(e)) from e
        link = await self._opened()
        for start in range(0, len(pcm), MAX_PAYLOAD_BYTES):
            link.send(Kind.AUDIO, self._session, pcm[start : start + MAX_PAYLOAD_BYTES])
        return self._newest

    async def finish(self) -> Transcript:
        link = await self._opened()
        self._final = asyncio.get_running_loop().create_future()
        link.send(Kind.FLUSH, self._session)
        try:
            async with asyncio.timeout(self._request.timeout_s):
                return await self._final
        except TimeoutError as e:
            raise EngineTimeout(f"no final text within {self._request.timeout_s:g} s") from e
        finally:
            self._final = None

    def close(self) -> None:
        self._is_closed = True
        if self._link is not None:
            self._link.end(self._session, Kind.CLOSE)

    def on_frame(self, frame: Frame) -> None:
        if frame.kind not in (Kind.TRANSCRIPT, Kind.FINAL):
            raise ProtocolError(f"{frame.kind.name} was not expected by a listener")
        transcript = transcript_from_payload(frame.payload)
        if frame.kind is Kind.FINAL:
            self._newest = Transcript()
            if self._final is not None and not self._final.done():
                self._final.set_result(transcript)
            return
        self._newest = transcript
        if self._on_update is not None and not self._is_closed:
            try:
                self._on_update(transcript)
            except Exception:  # other sessions share the connection this is called from
                logger.exception("a listener failed to take a transcript")

    def on_lost(self, error: EngineError) -> None:
        self._error = error
        if self._final is not None and not self._final.done():
            self._final.set_exception(error)

    async def _opened(self) -> Link:
        if self._error is not None:
            raise self._error
        link = self._link or await self._client.link(self._request.timeout_s)
        if self._is_closed:
            raise EngineError("this session of a recogniser is closed")
        if self._link is None:
            self._link = link
            self._session = link.begin(self, Kind.OPEN, self._request.to_payload())
        return link


class RemoteSynthesiser(_RemoteEngine):
    """A `SynthesiserHandle` on an engine of the model server.

    One for each caller: it tells the server how much speech the caller still has to play, and so
    which of several texts is wanted first.
    """

    def __init__(
        self, client: ModelServerClient, name: str, *, sample_rate_hz: int, model: str = ""
    ) -> None:
        super().__init__(client, name, sample_rate_hz=sample_rate_hz, model=model)
        self._lead = SpeechLead()

    async def speak(
        self, text: str, voicing: Voicing = DEFAULT_VOICING, *, timeout_s: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        link = await self._client.link(timeout_s)
        speech = _Speech(link, timeout_s)
        lead_s = self._lead.begin(speech, len(text), time.monotonic())
        request = SpeakRequest(self._name, self._sample_rate_hz, timeout_s, text, voicing, lead_s)
        is_whole = False
        try:
            speech.begin(request)
            while (chunk := await speech.next()) is not None:
                made_s = duration_s(chunk.pcm, self._sample_rate_hz)
                self._lead.made(speech, made_s, time.monotonic())
                yield chunk
            is_whole = True
        finally:
            speech.close()
            self._lead.end(speech, is_whole=is_whole, now_s=time.monotonic())


class _Speech:
    """One text on its way."""

    def __init__(self, link: Link, timeout_s: float) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._session = 0
        self._chunks: deque[SpeechChunk | EngineError | None] = deque()
        self._news = asyncio.Event()
        self._used = 0

    def begin(self, request: SpeakRequest) -> None:
        try:
            self._session = self._link.begin(self, Kind.SPEAK, request.to_payload())
        except ProtocolError as e:
            raise EngineError(f"this text cannot be sent: {e}") from e

    async def next(self) -> SpeechChunk | None:
        """The next chunk, None at the end. Raises EngineError and its kinds."""
        try:
            async with asyncio.timeout(self._timeout_s):
                while not self._chunks:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as e:
            raise EngineTimeout(f"no speech within {self._timeout_s:g} s") from e
        chunk = self._chunks.popleft()
        if isinstance(chunk, EngineError):
            raise chunk
        self._used += 1
        if chunk is not None and self._used % _TELL_EVERY == 0 and self._link.is_alive:
            self._link.send(Kind.MORE, self._session, count_to_payload(self._used))
        return chunk

    def close(self) -> None:
        self._link.end(self._session, Kind.CANCEL)

    def on_frame(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.CHUNK:
                self._put(chunk_from_payload(frame.payload))
            case Kind.DONE:
                self._link.end(self._session)
                self._put(None)
            case kind:
                raise ProtocolError(f"{kind.name} was not expected by a speaker")

    def on_lost(self, error: EngineError) -> None:
        self._put(error)

    def _put(self, item: SpeechChunk | EngineError | None) -> None:
        self._chunks.append(item)
        self._news.set()
