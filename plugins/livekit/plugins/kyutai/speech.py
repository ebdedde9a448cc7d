"""One text on its way to the server, and the sound that comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from livekit.agents.types import TimedString
from livekit.agents.utils import aio
from livekit.plugins.speechcore import EdgeFader, EngineError, EngineTimeout, Word

from .link import VOICE_PATH, Socket, connected, messages, send
from .messages import SAMPLE_RATE_HZ, Message, Sound, SpokenWord, pack_end, pack_text
from .onset import Onset
from .options import ServerOptions
from .words import Spoken, WordFeed, Written

_AHEAD_WORDS = 4
"""The model speaks a word when it knows the next two; it owes sound for what is beyond that."""

_LEAST_TOLD = 0.5
"""A server that ends before it has told of so many words has not spoken the text."""

_SILENCE = b"\0\0" * (SAMPLE_RATE_HZ // 50)


class Emitter(Protocol):
    """livekit's, as far as it is needed."""

    def push(self, data: bytes) -> None: ...
    def push_timed_transcript(self, delta_text: TimedString) -> None: ...


class Speech:
    """Whatever ends `run()` hangs up."""

    def __init__(
        self,
        options: ServerOptions,
        voice: str | None,
        emitter: Emitter,
        *,
        timeout_s: float,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_start` is called when there is something to pronounce."""
        self._options = options
        self._query = {"format": "PcmMessagePack"} | ({"voice": voice} if voice else {})
        self._emitter = emitter
        self._timeout_s = timeout_s
        self._on_start = on_start
        self._feed = WordFeed()
        self._spoken = Spoken()
        self._onset = Onset(SAMPLE_RATE_HZ)
        self._fader = EdgeFader(SAMPLE_RATE_HZ)
        self._loop = asyncio.get_running_loop()
        self._limit: asyncio.Timeout | None = None
        self._has_text = self._has_ended = False
        self.has_sounded = False

    async def run(self, texts: AsyncIterator[str]) -> None:
        """Speaks the texts as they come, each word once it is whole. Raises EngineError and its kinds.

        Text that has no sound is a little silence: livekit takes no audio at all for a failure.
        """
        words = await self._first_words(texts)
        if words:
            self._on_start()
            await self._speak(words, texts)
        elif self._has_text:
            self._emitter.push(_SILENCE)

    async def _first_words(self, texts: AsyncIterator[str]) -> list[Written]:
        async for text in texts:
            self._has_text = self._has_text or bool(text.strip())
            if words := self._feed.push(text):
                return words
        self._has_ended = True
        return self._feed.finish()

    async def _speak(self, words: list[Written], texts: AsyncIterator[str]) -> None:
        options, timeout_s = self._options, self._timeout_s
        async with connected(options, VOICE_PATH, self._query, timeout_s=timeout_s) as socket:
            sending = asyncio.create_task(self._send(socket, words, texts), name="kyutai-text")
            try:
                await self._listen(socket)
            finally:
                await aio.cancel_and_wait(sending)
        self._finish()

    async def _send(self, socket: Socket, words: list[Written], texts: AsyncIterator[str]) -> None:
        with contextlib.suppress(EngineError):  # whoever listens to the socket is told
            await self._send_words(socket, words)
            if not self._has_ended:
                async for text in texts:
                    await self._send_words(socket, self._feed.push(text))
                await self._send_words(socket, self._feed.finish())
            await send(socket, pack_end(), self._options)
            self._has_ended = True
            self._expect()

    async def _send_words(self, socket: Socket, words: list[Written]) -> None:
        for word in words:
            self._spoken.send(word)
            await send(socket, pack_text(word.spoken), self._options)
            self._expect()

    async def _listen(self, socket: Socket) -> None:
        try:
            async with asyncio.timeout(None) as self._limit:
                async for message in messages(socket, self._options):
                    self._limit.reschedule(self._due_s())
                    self._take(message)
        except TimeoutError as e:
            name = self._options.name
            raise EngineTimeout(
                f"Kyutai's server at {name} gave no speech within {self._timeout_s:g} s"
            ) from e
        finally:
            self._limit = None

    def _expect(self) -> None:
        """From now on the server owes something, perhaps."""
        if self._limit is not None and self._limit.when() is None:
            self._limit.reschedule(self._due_s())

    def _due_s(self) -> float | None:
        is_owed = self._has_ended or self._spoken.sent - self._spoken.told > _AHEAD_WORDS
        return self._loop.time() + self._timeout_s if is_owed else None

    def _take(self, message: Message) -> None:
        match message:
            case Sound(pcm):
                ready = self._fader.process(self._onset.push(pcm))
                self._tell(self._onset.words())
                if ready:
                    self._emitter.push(ready)
                    self.has_sounded = True
            case SpokenWord(_, start_s, stop_s):
                if word := self._spoken.tell(start_s, stop_s):
                    self._onset.say(word)

    def _finish(self) -> None:
        spoken, name = self._spoken, self._options.name
        if not self._has_ended or spoken.told < _LEAST_TOLD * spoken.sent:
            raise EngineError(f"Kyutai's server at {name} ended before it had spoken the text")
        if not self.has_sounded:
            raise EngineError(f"Kyutai's server at {name} gave silence for words")
        self._tell(self._onset.words(is_end=True))
        if tail := self._fader.finish():
            self._emitter.push(tail)

    def _tell(self, words: list[Word]) -> None:
        for word in words:
            timed = TimedString(word.text, start_time=word.start_s, end_time=word.end_s)
            self._emitter.push_timed_transcript(timed)
