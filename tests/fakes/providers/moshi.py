"""A Moshi server: one WebSocket, Ogg Opus both ways at once, its words as text beside them.

Its clock is the sound that it gets, as with the real ones: 80 ms in, 80 ms out, and nothing without.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
from aiohttp import WSMsgType, web
from livekit.plugins.moshi.opus import OggOpusDecoder, OggOpusEncoder

from .answer import HUGE_BYTES, Gone, SocketAnswer, Wire
from .duplex import STEP_BYTES, DuplexMind
from .faults import Kind
from .provider import FakeProvider, Handler, open_socket
from .voices import Voice, tone_voice

CHAT = "chat"
PATH = "/api/chat"
_HANDSHAKE, _AUDIO, _TEXT, _METADATA, _ERROR, _PING = b"\0", b"\1", b"\2", b"\4", b"\5", b"\6"
_MODEL = {"instance_name": "fake", "text_temperature": 0.8}
_UNKNOWN = b"\x2afrom a newer server"
_WIRE = Wire(
    garbage=_AUDIO + b"OggS\0" + bytes(range(256)) * 4,
    huge=lambda: _AUDIO + bytes(HUGE_BYTES),
    error=lambda status: _ERROR + f"error {status}".encode(),
)
_OTHER_RATE_HZ = 48_000
_FLOOD_STEPS = 100


@dataclass
class FakeMoshi(FakeProvider):
    """Speaks as the Python server does, or as the Rust one: a longer handshake, metadata before it,
    two pages of 40 ms for each step. One conversation at a time; the next caller waits for ever."""

    replies: tuple[str, ...] = ("I hear you well.",)
    greeting: str = ""
    voice: Voice = tone_voice
    patience_s: float = 0.24
    """Of quiet, until it answers."""
    yields_s: float = 0.24
    """Of speech over its own, until it stops."""
    is_rust: bool = False
    needs_key: bool = False
    """In the query, as worker_auth_id."""
    floods: bool = False
    """Sends sound without end, as fast as it goes."""
    minds: list[DuplexMind] = field(default_factory=list)
    """One for each conversation."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def address(self) -> str:
        """As AGENT_REALTIME has it."""
        return self.url.replace("http://", "ws://")

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [("GET", PATH, self._chat)]

    def has_key(self, request: web.Request) -> bool:
        return not self.needs_key or request.query.get("worker_auth_id") == self.key

    def error(self, status: int) -> object:
        return {"error": status}

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        fault = await self.admit(request, CHAT)
        self.note(request)
        ws = await open_socket(request)
        answer = self.socket_answer(request, fault, _WIRE, ws)
        async with self._turn:
            with contextlib.suppress(Gone):
                await self._talk(answer)
        return ws

    async def _talk(self, answer: SocketAnswer) -> None:
        mind = DuplexMind(self.replies, self.greeting, self.voice, self.patience_s, self.yields_s)
        self.minds.append(mind)
        await self._welcome(answer)
        rate_hz = _OTHER_RATE_HZ if answer.has(Kind.WRONG_RATE) else 24_000
        mouth = OggOpusEncoder(serial=42, rate_hz=rate_hz, piece_ms=40 if self.is_rust else 80)
        header = mouth.header()
        async for step in _steps(answer):
            pcm, words = mind.step(step)
            for _ in range(_FLOOD_STEPS if self.floods else 1):
                if not answer.has(Kind.EMPTY):
                    await self._sound(answer, header, mouth, _at_rate(pcm, rate_hz))
                header = b""
            for word in words:
                await answer.send(_TEXT + word.encode())

    async def _welcome(self, answer: SocketAnswer) -> None:
        await self.wait()
        if self.is_rust:
            await answer.send(_METADATA + json.dumps(_MODEL).encode())
        await answer.send(_HANDSHAKE + (bytes(8) if self.is_rust else b""))
        if self.is_rust:
            await answer.send(_PING)
            await answer.send(_UNKNOWN)

    async def _sound(
        self, answer: SocketAnswer, header: bytes, mouth: OggOpusEncoder, pcm: bytes
    ) -> None:
        for start in range(0, len(pcm), mouth.piece_bytes):
            page = mouth.encode(pcm[start : start + mouth.piece_bytes])
            await answer.send(_AUDIO + header + page)
            header = b""


async def _steps(answer: SocketAnswer) -> AsyncIterator[bytes]:
    """The caller's sound, 80 ms at a time."""
    ear = OggOpusDecoder()
    waiting = b""
    async for message in answer.socket:
        if message.type is not WSMsgType.BINARY or message.data[:1] != _AUDIO:
            continue
        waiting += ear.push(message.data[1:])
        while len(waiting) >= STEP_BYTES:
            yield waiting[:STEP_BYTES]
            waiting = waiting[STEP_BYTES:]


def _at_rate(pcm: bytes, rate_hz: int) -> bytes:
    """Each sample as often as it takes: a listener that trusts the rate hears half the pitch."""
    times = rate_hz // 24_000
    return pcm if times == 1 else np.repeat(np.frombuffer(pcm, "<i2"), times).tobytes()
