"""A line to a model that hears and speaks at once: a microphone in real time, and what comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import llm, utils

from .audio import BED_DBFS, noise
from .eventually import eventually
from .providers.coded_speech import read, say

FRAME_S = 0.02


@dataclass
class Said:
    """One generation: what the model said in one go."""

    text: str = ""
    pcm: bytes = b""
    rate_hz: int = 0
    is_over: bool = False

    @property
    def words(self) -> list[str]:
        """Read from the sound."""
        return read(self.pcm, self.rate_hz) if self.pcm else []


@dataclass
class DuplexLine:
    """Takes the place of a session and its room."""

    session: llm.RealtimeSession
    rate_hz: int = 24_000
    """Of the microphone."""
    num_channels: int = 1
    is_muted: bool = False
    """No frames come at all."""
    said: list[Said] = field(default_factory=list)
    errors: list[llm.RealtimeModelError] = field(default_factory=list)
    reconnections: int = 0
    _speech: deque[bytes] = field(default_factory=deque)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[DuplexLine]:
        self.session.on("generation_created", self._on_generation)
        self.session.on("error", self.errors.append)
        self.session.on("session_reconnected", self._on_reconnected)
        await self.session._update_session(
            instructions="Be brief.", chat_ctx=llm.ChatContext.empty(), tools=[]
        )
        self._spawn(self._microphone())
        try:
            yield self
        finally:
            await utils.aio.cancel_and_wait(*self._tasks)
            await self.session.aclose()

    async def speak(self, text: str) -> None:
        """Coded speech; returns when its last word has been said."""
        pcm = say(text, self.rate_hz)
        step = round(FRAME_S * self.rate_hz) * 2
        self._speech.extend(pcm[at : at + step] for at in range(0, len(pcm), step))
        await eventually(lambda: not self._speech, deadline_s=60)

    async def _microphone(self) -> None:
        loop = asyncio.get_running_loop()
        bed = noise(FRAME_S, BED_DBFS, self.rate_hz)
        due_s = loop.time()
        while True:
            pcm = self._speech.popleft() if self._speech else bed
            if not self.is_muted:
                self.session.push_audio(self._frame(pcm))
            due_s += FRAME_S
            await asyncio.sleep(due_s - loop.time())

    def _frame(self, pcm: bytes) -> rtc.AudioFrame:
        samples = np.frombuffer(pcm, dtype=np.int16)
        interleaved = np.repeat(samples, self.num_channels).tobytes()
        return rtc.AudioFrame(interleaved, self.rate_hz, self.num_channels, len(samples))

    def _on_generation(self, event: llm.GenerationCreatedEvent) -> None:
        said = Said()
        self.said.append(said)
        self._spawn(self._follow(event, said))

    def _on_reconnected(self, _: object) -> None:
        self.reconnections += 1

    async def _follow(self, event: llm.GenerationCreatedEvent, said: Said) -> None:
        async for message in event.message_stream:
            await asyncio.gather(self._read(message, said), self._hear(message, said))
        said.is_over = True

    async def _read(self, message: llm.MessageGeneration, said: Said) -> None:
        async for text in message.text_stream:
            said.text += text

    async def _hear(self, message: llm.MessageGeneration, said: Said) -> None:
        async for frame in message.audio_stream:
            said.pcm += bytes(frame.data)
            said.rate_hz = frame.sample_rate

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="duplex-line")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
