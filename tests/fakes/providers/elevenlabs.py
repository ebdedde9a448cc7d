"""An ElevenLabs of our own: speech over a shared WebSocket and over HTTP, and the key check.

Messages and times are as livekit-plugins-elevenlabs 1.8.9 reads them: the times of characters
count from the begin of the context.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from livekit.plugins.speechcore import duration_s

from .answer import HUGE_BYTES, SOUND, Gone, SocketAnswer, Wire, refusal
from .faults import AT_CONNECT, Kind
from .provider import FakeProvider, Handler, open_socket
from .voices import WRONG_RATE_HZ, Spoken, Voice, tone_voice

SPEECH, KEYS = "speech", "keys"
"""The services. A request to the first is a text: a context of a WebSocket, or one of HTTP.

A WebSocket is kept over many contexts; one that is to be opened meets what the next text would
meet at connect.
"""
PIECE_S = 0.25


@dataclass
class FakeElevenLabs(FakeProvider):
    """`api_url` is what `ELEVEN_BASE_URL` is set to."""

    voice: Voice = tone_voice
    sockets: int = 0
    """How many WebSockets were opened."""

    @property
    def api_url(self) -> str:
        return f"{self.url}/v1"

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/v1/user", self._user),
            ("GET", "/v1/text-to-speech/{voice}/multi-stream-input", self._socket),
            ("POST", "/v1/text-to-speech/{voice}/stream", self._stream),
        ]

    def has_key(self, request: web.Request) -> bool:
        return request.headers.get("xi-api-key") == self.key

    def error(self, status: int) -> object:
        codes = {401: "invalid_api_key", 403: "missing_permissions", 429: "too_many_concurrent"}
        detail = {"status": codes.get(status, "error"), "message": f"the test said {status}"}
        return {"detail": detail}

    async def _user(self, request: web.Request) -> web.Response:
        await self.admit(request, KEYS)
        return web.json_response({"user_id": "fake", "subscription": {"tier": "free"}})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        fault = await self.admit(request, SPEECH)
        body = await request.json()
        self.note(request, body)
        rate_hz = _pcm_rate_hz(request)
        if rate_hz is None:
            return refusal(400, self.error(400))
        answer = await self.body_answer(request, fault, SOUND, "audio/pcm")
        if not answer.has(Kind.EMPTY):
            rate_hz = WRONG_RATE_HZ if answer.has(Kind.WRONG_RATE) else rate_hz
            sound = await asyncio.to_thread(self.voice, body["text"], rate_hz)
            for start, end in _cuts(sound, rate_hz):
                await answer.send(sound.pcm[start:end])
        await answer.finish()
        return answer.response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        plan = self.plans[SPEECH]
        fault = plan.peek()
        if fault and fault.after == AT_CONNECT:
            plan.take()
        await self.check(request, fault)
        rate_hz = _pcm_rate_hz(request)
        if rate_hz is None:
            return refusal(400, self.error(400))
        self.note(request)
        self.sockets += 1
        ws = await open_socket(request)
        contexts: dict[str, _Context] = {}
        try:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    packet = json.loads(message.data)
                    name = packet["context_id"]
                    if name not in contexts:
                        contexts[name] = await self._context(request, ws, name, rate_hz)
                    contexts[name].take(packet)
        finally:
            await asyncio.gather(*(context.aclose() for context in contexts.values()))
        return ws

    async def _context(
        self, request: web.Request, ws: web.WebSocketResponse, name: str, rate_hz: int
    ) -> _Context:
        answer = self.socket_answer(request, self.plans[SPEECH].take(), _wire(name), ws)
        return _Context(answer, name, self.voice, rate_hz, self.wait)


@dataclass
class _Context:
    """A text that grows; spoken at every flush."""

    answer: SocketAnswer
    name: str
    voice: Voice
    rate_hz: int
    wait: Callable[[], Awaitable[None]]
    """The latency of the first piece."""
    spoken_s: float = 0.0
    text: str = ""
    queue: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)
    """None at the end."""

    def __post_init__(self) -> None:
        self.task = asyncio.create_task(self._run(), name=f"context {self.name}")

    def take(self, packet: dict[str, Any]) -> None:
        self.text += packet.get("text", "")
        if packet.get("flush") or packet.get("close_context"):
            self.queue.put_nowait(self.text)
            self.text = ""
        if packet.get("close_context"):
            self.queue.put_nowait(None)

    async def aclose(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self) -> None:
        with contextlib.suppress(Gone):
            while (text := await self.queue.get()) is not None:
                if text.strip() and not self.answer.has(Kind.EMPTY):
                    await self._speak(text.strip() + " ")
            await self._send({"audio": None, "isFinal": True}, is_end=True)

    async def _speak(self, text: str) -> None:
        if not self.spoken_s:
            await self.wait()
        is_wrong = self.answer.has(Kind.WRONG_RATE)
        rate_hz = WRONG_RATE_HZ if is_wrong else self.rate_hz
        sound = await asyncio.to_thread(self.voice, text, rate_hz)
        for start, end in _cuts(sound, rate_hz):
            from_s, to_s = start / 2 / rate_hz, end / 2 / rate_hz
            alignment = _alignment(sound, from_s, to_s, self.spoken_s)
            audio = base64.b64encode(sound.pcm[start:end]).decode()
            await self._send(
                {
                    "audio": audio,
                    "isFinal": None,
                    "normalizedAlignment": alignment,
                    "alignment": alignment,
                }
            )
        self.spoken_s += duration_s(sound.pcm, rate_hz)

    async def _send(self, message: dict[str, Any], *, is_end: bool = False) -> None:
        await self.answer.send(json.dumps({**message, "contextId": self.name}), is_end=is_end)


def _wire(name: str) -> Wire:
    return Wire(
        garbage='{"audio": "UklGR\x00',
        huge=lambda: json.dumps({"contextId": name, "padding": "x" * HUGE_BYTES}),
        error=lambda status: json.dumps(
            {"contextId": name, "error": f"the test said {status}", "code": 1008}
        ),
    )


def _pcm_rate_hz(request: web.Request) -> int | None:
    """Of the format that was asked for; None for one the fake cannot make."""
    kind, _, rate = request.query.get("output_format", "").partition("_")
    return int(rate) if kind == "pcm" and rate.isdigit() else None


def _cuts(sound: Spoken, rate_hz: int) -> Iterator[tuple[int, int]]:
    step = round(PIECE_S * rate_hz) * 2
    for start in range(0, len(sound.pcm), step):
        yield start, min(start + step, len(sound.pcm))


def _alignment(sound: Spoken, from_s: float, to_s: float, offset_s: float) -> Any:
    """Of the characters of the words that begin in this part."""
    chars: list[str] = []
    starts: list[int] = []
    lengths: list[int] = []
    for word in sound.words:
        if not from_s <= word.start_s < to_s:
            continue
        each_s = (word.end_s - word.start_s) / len(word.text)
        for at, char in enumerate(word.text):
            chars.append(char)
            starts.append(round((offset_s + word.start_s + at * each_s) * 1000))
            lengths.append(round(each_s * 1000))
    if not chars:
        return None
    return {"chars": chars, "charStartTimesMs": starts, "charDurationsMs": lengths}
