"""A speech server with OpenAI's interface on this machine, that does what a test wants."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from aiohttp import web
from livekit.plugins.simulated.tone import Tone

CHARACTERS_PER_S = 15.0


@dataclass
class FakeSpeechServer:
    """Says a tone whose length is that of the text."""

    content_type: str = "audio/pcm"
    is_wav: bool = False
    rate_hz: int = 24_000
    num_channels: int = 1
    piece_bytes: int = 4_801
    """Odd: a sample may come in two pieces."""
    pace_s: float = 0.0
    """Before each piece."""
    status: int = 200
    error: Any = None
    breaks_off_after: int | None = None
    """So many pieces, then the connection is cut."""
    questions: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    pieces_sent: int = 0
    url: str = ""
    root: ClassVar[str] = "/v1"
    path: ClassVar[str] = "/audio/speech"
    text_field: ClassVar[str] = "input"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        app = web.Application()
        app.router.add_post(self.root + self.path, self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}{self.root}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        question = await request.json()
        self.questions.append(question)
        self.keys.append(request.headers.get("Authorization"))
        if self.status != 200:
            return web.json_response(self.error, status=self.status)
        response = web.StreamResponse(headers={"Content-Type": self.content_type})
        await response.prepare(request)
        # Minutes of it take a while.
        sound = await asyncio.to_thread(self._sound, question[self.text_field])
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

    def _sound(self, text: str) -> bytes:
        samples = round(len(text) / CHARACTERS_PER_S * self.rate_hz)
        pcm = Tone(440, self.rate_hz).make(samples)
        if self.num_channels > 1:
            pcm = b"".join(pcm[i : i + 2] * self.num_channels for i in range(0, len(pcm), 2))
        if not self.is_wav:
            return pcm
        file = io.BytesIO()
        with wave.open(file, "wb") as wav:
            wav.setparams((self.num_channels, 2, self.rate_hz, 0, "NONE", ""))
            wav.writeframes(pcm)
        return file.getvalue()
