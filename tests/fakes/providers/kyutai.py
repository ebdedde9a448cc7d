"""A moshi-server of our own: Kyutai's ears and voice over msgpack WebSockets, with a model that is made up.

Routes, key, messages and their order are those of kyutai-labs/moshi, rust/moshi-server (main.rs,
batched_asr.rs, py_module.rs). What is made up: words are read from coded speech, or spoken in it; a
step takes `step_s`; the pause scores are what `pause_score` says.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgpack
import numpy as np
from aiohttp import WSMsgType, web
from livekit.plugins.speechcore import Word, duration_s, level_dbfs

from .answer import HUGE_BYTES, Gone, SocketAnswer, Wire, forever
from .coded_speech import WORD_S, CodedEar, say
from .faults import Fault, Kind
from .provider import FakeProvider, Handler, open_socket

EARS, VOICE = "ears", "voice"
"""The services: a request is one connection."""

RATE_HZ = 24_000
FRAME_SAMPLES = 1920
FRAME_S = FRAME_SAMPLES / RATE_HZ
LOOKAHEAD_WORDS = 2
"""A word is spoken once so many more are known, or there are no more."""

_FRAME_BYTES = FRAME_SAMPLES * 2
_LOUD_DBFS = -45.0
_LEADING_FRAMES, _TRAILING_FRAMES = 4, 4


def pack(message: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(message, use_single_float=True)
    return packed


WIRE = Wire(
    garbage=b"\xc1\x00not msgpack",
    huge=lambda: pack({"type": "Padding", "data": bytes(HUGE_BYTES)}),
    error=lambda status: pack({"type": "Error", "message": f"the test said {status}"}),
)


class WordEar(Protocol):
    """What the model understands; `quiet_s` is how long it has been quiet."""

    @property
    def quiet_s(self) -> float: ...

    def hear(self, pcm: bytes) -> list[Word]:
        """The words that ended in this piece."""
        ...


@dataclass
class ScriptedEar:
    """Hears the words of its script in any sound, one in each `word_s` of it."""

    words: deque[str]
    word_s: float = WORD_S
    quiet_s: float = 0.0
    _heard_s: float = 0.0
    _loud_s: float = 0.0

    def hear(self, pcm: bytes) -> list[Word]:
        length_s = duration_s(pcm, RATE_HZ)
        self._heard_s += length_s
        if level_dbfs(pcm) < _LOUD_DBFS:
            self.quiet_s += length_s
            return []
        self.quiet_s = 0.0
        self._loud_s += length_s
        if self._loud_s < self.word_s or not self.words:
            return []
        self._loud_s -= self.word_s
        return [Word(self.words.popleft(), max(0.0, self._heard_s - self.word_s), self._heard_s)]


def sure_of_pauses(quiet_s: float) -> float:
    """A score by how long it has been quiet."""
    return 0.9 if quiet_s >= 0.05 else 0.02


@dataclass
class FakeKyutai(FakeProvider):
    """`address` is what follows `kyutai:` in the settings."""

    places: int = 16
    """Of the batch, for each of the services."""
    step_s: float = 0.004
    """What a frame takes."""
    delay_frames: int = 6
    """asr_delay_in_tokens of the model."""
    pause_score: Callable[[float], float] | None = sure_of_pauses
    """None: the model has no semantic VAD, as stt-2.6b-en."""
    new_ear: Callable[[], WordEar] = lambda: CodedEar(RATE_HZ)
    taken: dict[str, int] = field(default_factory=lambda: {EARS: 0, VOICE: 0})
    """Places that are in use."""
    heard_frames: int = 0
    texts: list[str] = field(default_factory=list)
    """What the voice was sent, message by message."""
    markers: int = 0

    @property
    def address(self) -> str:
        return self.url.replace("http", "ws", 1)

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/api/asr-streaming", self._hear),
            ("GET", "/api/tts_streaming", self._speak),
        ]

    def has_key(self, request: web.Request) -> bool:
        return self.key in (request.headers.get("kyutai-api-key"), request.query.get("auth_id"))

    def error(self, status: int) -> object:
        return {}

    async def _hear(self, request: web.Request) -> web.WebSocketResponse:
        async with self._admitted(request, EARS) as (answer, ws):
            if answer is not None:
                await _converse(ws, _Ears(self, answer))
                await ws.close()
        return ws

    async def _speak(self, request: web.Request) -> web.WebSocketResponse:
        async with self._admitted(request, VOICE) as (answer, ws):
            if answer is not None:
                await _converse(ws, _Voice(self, answer))
                if answer.has(Kind.STALL) or answer.has(Kind.HALF_OPEN):
                    await forever()
                await ws.close()
        return ws

    @contextlib.asynccontextmanager
    async def _admitted(
        self, request: web.Request, service: str
    ) -> AsyncIterator[tuple[SocketAnswer | None, web.WebSocketResponse]]:
        fault = await self.admit(request, service)
        self.note(request)
        ws = await open_socket(request)
        if self.taken[service] >= self.places:
            await ws.send_bytes(pack({"type": "Error", "message": "no free channels"}))
            await ws.close()
            yield None, ws
            return
        self.taken[service] += 1
        try:
            answer = self._answer(request, fault, ws)
            await self.wait()
            await answer.send(pack({"type": "Ready"}))
            yield answer, ws
        finally:
            self.taken[service] -= 1

    def _answer(
        self, request: web.Request, fault: Fault | None, ws: web.WebSocketResponse
    ) -> SocketAnswer:
        return self.socket_answer(request, fault, WIRE, ws)


async def _converse(ws: web.WebSocketResponse, model: _Ears | _Voice) -> None:
    """Reads what comes while the model works; ends with whichever ends first."""
    working = asyncio.create_task(model.run(), name="moshi-server model")
    reading = asyncio.create_task(_read(ws, model), name="moshi-server reader")
    try:
        await asyncio.wait({working, reading}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, reading):
            task.cancel()
        ended = await asyncio.gather(working, reading, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, (Gone, ConnectionError)):
            raise error


async def _read(ws: web.WebSocketResponse, model: _Ears | _Voice) -> None:
    async for message in ws:
        if message.type is WSMsgType.BINARY:
            model.inbox.put_nowait(msgpack.unpackb(message.data))


class _Ears:
    """One caller's place: a frame a step, words `delay_frames` late."""

    def __init__(self, server: FakeKyutai, answer: SocketAnswer) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._server = server
        self._answer = answer
        self._ear = server.new_ear()
        self._data = b""
        self._steps = 0
        self._due: deque[Word] = deque()
        self._markers: deque[tuple[int, int]] = deque()
        self._open_word: Word | None = None

    async def run(self) -> None:
        while True:
            if len(self._data) < _FRAME_BYTES:
                self._take(await self.inbox.get())
            while not self.inbox.empty():
                self._take(self.inbox.get_nowait())
            if len(self._data) >= _FRAME_BYTES:
                frame, self._data = self._data[:_FRAME_BYTES], self._data[_FRAME_BYTES:]
                await asyncio.sleep(self._server.step_s)
                await self._step(frame)

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "Audio":
                samples = np.array(message["pcm"], dtype=np.float32)
                self._data += (samples * 32767).astype("<i2").tobytes()
            case "Marker":
                self._server.markers += 1
                buffered = len(self._data) // _FRAME_BYTES
                due = self._steps + self._server.delay_frames + buffered
                self._markers.append((due, message["id"]))

    async def _step(self, frame: bytes) -> None:
        server = self._server
        self._steps += 1
        server.heard_frames += 1
        self._due += self._ear.hear(frame)
        if server.pause_score is not None:
            score = server.pause_score(self._ear.quiet_s)
            await self._send(type="Step", step_idx=self._steps, prs=[score] * 4, buffered_pcm=0)
        heard_s = (self._steps - server.delay_frames) * FRAME_S
        while self._due and self._due[0].end_s <= heard_s and not self._answer.has(Kind.EMPTY):
            await self._tell(self._due.popleft())
        while self._markers and self._markers[0][0] <= self._steps:
            await self._send(type="Marker", id=self._markers.popleft()[1])

    async def _tell(self, word: Word) -> None:
        """The end of a word is told when the next one begins."""
        if self._open_word is not None:
            await self._send(type="EndWord", stop_time=_tick_s(self._open_word.end_s))
        self._open_word = word
        await self._send(type="Word", text=word.text, start_time=_tick_s(word.start_s))

    async def _send(self, **message: Any) -> None:
        await self._answer.send(pack(message))


class _Voice:
    """One caller's text: its words one after the other, each told when the next one begins."""

    def __init__(self, server: FakeKyutai, answer: SocketAnswer) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._server = server
        self._answer = answer
        self._words: deque[str] = deque()
        self._is_complete = False
        self._sound = bytes(_LEADING_FRAMES * _FRAME_BYTES)
        self._made_s = _LEADING_FRAMES * FRAME_S

    async def run(self) -> None:
        previous: tuple[Word, bytes] | None = None
        while (word := await self._next_word()) is not None:
            await self._give(previous)
            pcm = say(word, RATE_HZ)
            until_s = self._made_s + duration_s(pcm, RATE_HZ)
            previous = Word(word, self._made_s, until_s), pcm
            self._made_s = until_s
        await self._give(previous)
        if previous is not None:
            self._sound += bytes(_TRAILING_FRAMES * _FRAME_BYTES)
            await self._play(is_end=True)

    async def _next_word(self) -> str | None:
        while not self._is_complete and len(self._words) <= LOOKAHEAD_WORDS:
            message = await self.inbox.get()
            if message["type"] == "Eos":
                self._is_complete = True
            elif message["type"] == "Text":
                self._server.texts.append(message["text"])
                self._words += message["text"].split()
        return self._words.popleft() if self._words else None

    async def _give(self, spoken: tuple[Word, bytes] | None) -> None:
        if spoken is None or self._answer.has(Kind.EMPTY):
            return
        word, pcm = spoken
        times = {"start_s": word.start_s, "stop_s": word.end_s}
        await self._answer.send(pack({"type": "Text", "text": word.text, **times}))
        self._sound += pcm
        await self._play()

    async def _play(self, *, is_end: bool = False) -> None:
        if is_end:
            self._sound += bytes(-len(self._sound) % _FRAME_BYTES)
        while len(self._sound) >= _FRAME_BYTES:
            frame, self._sound = self._sound[:_FRAME_BYTES], self._sound[_FRAME_BYTES:]
            await asyncio.sleep(self._server.step_s)
            samples = np.frombuffer(frame, "<i2").astype(np.float32) / 32768
            await self._answer.send(pack({"type": "Audio", "pcm": samples.tolist()}))


def _tick_s(at_s: float) -> float:
    """Times are whole frames."""
    return round(at_s / FRAME_S) * FRAME_S
