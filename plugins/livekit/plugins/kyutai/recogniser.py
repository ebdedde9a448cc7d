"""Kyutai's recogniser on its server, as a `RecogniserHandle`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from livekit.plugins.speechcore import EngineError, EngineTimeout, Transcript

from .ear import Ear
from .link import EARS_PATH, Socket, connected, messages, send
from .messages import SAMPLE_RATE_HZ, Message
from .options import ServerOptions

if TYPE_CHECKING:
    from livekit.plugins.speechio import OnUpdate

logger = logging.getLogger(__package__)

_MOST_AHEAD_FRAMES = 50
"""A recording is sent so far ahead of what the server has heard: four seconds."""

_IDLE_S = 20.0
"""After so long without audio the server is sent a little silence; it waits for two minutes."""


class KyutaiRecogniser:
    """Every caller has a connection of their own, and a place in the server's batch with it."""

    def __init__(self, options: ServerOptions) -> None:
        self._options = options

    @property
    def model(self) -> str:
        return self._options.name

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    def listen(
        self, *, timeout_s: float, language: str | None = None, on_update: OnUpdate | None = None
    ) -> KyutaiListener:
        """The model finds out the language by itself."""
        return KyutaiListener(self._options, timeout_s, on_update)

    def load(self) -> None:
        """The server has loaded its model."""

    def close(self) -> None:
        """Nothing is its own."""


class KyutaiListener:
    """One caller's segments. Connects at the first sound.

    `accept()` does not wait for the model: words that come later go to `on_update`. When the
    connection is lost, every call raises that at once.
    """

    def __init__(
        self, options: ServerOptions, timeout_s: float, on_update: OnUpdate | None
    ) -> None:
        self._options = options
        self._timeout_s = timeout_s
        self._on_update = on_update
        self._ear = Ear(options.delay_s)
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._socket: Socket | None = None
        self._error: EngineError | None = None
        self._news = asyncio.Event()
        self._news_s = self._sent_s = self._loop.time()
        self._is_closed = False

    async def accept(self, pcm: bytes) -> Transcript:
        socket = await self._opened()
        if not self._ear.owed:
            self._news_s = self._loop.time()
        await self._send(socket, self._ear.hear(pcm))
        while self._ear.owed > _MOST_AHEAD_FRAMES:
            await self._next_news()
        if self._ear.owed and self._loop.time() - self._news_s > self._timeout_s:
            raise self._silent()
        return self._ear.transcript

    async def finish(self) -> Transcript:
        socket = await self._opened()
        await self._send(socket, self._ear.flush())
        try:
            async with asyncio.timeout(self._timeout_s):
                while self._ear.is_flushing:
                    await self._next_news()
        except TimeoutError as e:
            raise self._silent() from e
        return self._ear.finish()

    def close(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()

    async def _opened(self) -> Socket:
        if self._is_closed:
            raise EngineError("this session of Kyutai's recogniser is closed")
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="kyutai-listener")
        while self._socket is None or self._error is not None:
            await self._next_news()
        return self._socket

    async def _next_news(self) -> None:
        """Waits for something from the server. Raises EngineError once the connection is lost."""
        if self._error is None:
            self._news.clear()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._news.wait()
            except TimeoutError as e:
                raise self._silent() from e
        if self._error is not None:
            raise self._error

    async def _send(self, socket: Socket, data: list[bytes]) -> None:
        self._sent_s = self._loop.time()
        try:
            async with asyncio.timeout(self._timeout_s):
                for message in data:
                    await send(socket, message, self._options)
        except TimeoutError as e:
            raise self._silent() from e

    async def _run(self) -> None:
        try:
            await self._listen()
        except EngineError as e:
            self._error = e
        except Exception as e:
            logger.exception("a message of Kyutai's server was not taken")
            self._error = EngineError(f"Kyutai's recogniser failed ({type(e).__name__})")
        else:
            self._error = EngineError(f"Kyutai's server at {self._options.name} hung up")
        self._news.set()

    async def _listen(self) -> None:
        options = self._options
        async with connected(options, EARS_PATH, {}, timeout_s=self._timeout_s) as socket:
            await self._send(socket, self._ear.begin())
            self._socket = socket
            self._news.set()
            keeping = asyncio.create_task(self._keep_alive(socket), name="kyutai-keep-alive")
            try:
                async for message in messages(socket, options):
                    self._take(message)
            finally:
                keeping.cancel()

    async def _keep_alive(self, socket: Socket) -> None:
        with contextlib.suppress(EngineError):  # whoever listens to the socket is told
            while True:
                await asyncio.sleep(_IDLE_S)
                if self._loop.time() - self._sent_s >= _IDLE_S:
                    await self._send(socket, self._ear.keep_alive())

    def _take(self, message: Message) -> None:
        self._news_s = self._loop.time()
        is_new = self._ear.take(message)
        self._news.set()
        if is_new and self._on_update is not None and not self._is_closed:
            self._on_update(self._ear.transcript)

    def _silent(self) -> EngineTimeout:
        name = self._options.name
        return EngineTimeout(f"Kyutai's server at {name} said nothing for {self._timeout_s:g} s")
