"""A streaming server of LLMVoX on this machine, that reads what it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web
from livekit.plugins.simulated.tone import Tone

RATE_HZ = 24_000
CHARACTERS_PER_S = 15.0


@dataclass
class FakeLLMVox:
    """Says a tone whose length is that of the text, as 32-bit floats."""

    piece_bytes: int = 9_603
    """No multiple of four: a sample may come in two pieces."""
    pace_s: float = 0.0
    """Before each piece."""
    status: int = 200
    breaks_off_after: int | None = None
    """So many pieces, then the connection is cut, as the server's published form ends every text."""
    questions: list[dict[str, Any]] = field(default_factory=list)
    pieces_sent: int = 0
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeLLMVox]:
        app = web.Application()
        app.router.add_post("/tts", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        question = await request.json()
        self.questions.append(question)
        if self.status != 200:
            return web.json_response({"detail": question["text"]}, status=self.status)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        sound = await asyncio.to_thread(_sound, question["text"])
        for at in range(0, len(sound), self.piece_bytes):
            await asyncio.sleep(self.pace_s)
            if self.breaks_off_after is not None and self.pieces_sent >= self.breaks_off_after:
                assert request.transport is not None
                request.transport.abort()
                return response
            await response.write(sound[at : at + self.piece_bytes])
            self.pieces_sent += 1
        await response.write_eof()
        return response


def _sound(text: str) -> bytes:
    pcm = Tone(440, RATE_HZ).make(round(len(text) / CHARACTERS_PER_S * RATE_HZ))
    floats: bytes = (np.frombuffer(pcm, dtype="<i2").astype("<f4") / 32768).tobytes()
    return floats
