"""A conversation with Moshi as livekit's session of a model that hears and speaks at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterable
from random import Random
from typing import TYPE_CHECKING

from livekit import rtc
from livekit.agents import llm, utils
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.plugins.speechcore import (
    BYTES_PER_SAMPLE,
    EngineBusy,
    EngineError,
    EngineTimeout,
    level_dbfs,
    to_mono,
)
from livekit.plugins.speechio import PcmResampler, to_api_error

from .captions import Caption, Captions
from .connection import Connection, connect
from .messages import Kind, Message
from .options import MoshiOptions
from .opus import RATE_HZ, OggOpusDecoder, OggOpusEncoder
from .recall import Recall
from .retry import Retry
from .uplink import PIECE_S, Uplink

if TYPE_CHECKING:
    from .model import Moshi

logger = logging.getLogger(__name__)

LEAD_S = 0.04
"""The first sound of what is said waits so long: the next may be as late without a gap between."""

_AHEAD_S = 5.0
"""Sound that comes so much sooner than it can have been made has no end."""


class MoshiSession(llm.DuplexSession[str]):
    """Connects when it is configured, and again when the line breaks: to a model that has forgotten.

    Emits `error`: recoverable while it tries again, and once unrecoverable when it gives up. What the
    caller says meanwhile is told to the new conversation, as far as `Moshi.unanswered_s` asks for it.
    """

    def __init__(self, model: Moshi, options: MoshiOptions, random: Random) -> None:
        super().__init__(model)
        self._model = model
        self._options = options
        self._random = random
        self._tools = llm.ToolContext.empty()
        self._sound = utils.aio.Chan[llm.DuplexAudioFrame]()
        self._held: list[llm.DuplexAudioFrame] = []
        self._release: asyncio.TimerHandle | None = None
        self._uplink: Uplink | None = None
        self._recall = Recall()
        self._pushed = asyncio.Event()
        self._resampler: tuple[int, PcmResampler] | None = None
        self._heard_samples = 0
        self._captions = Captions()
        self._has_talked = False
        self._running = asyncio.create_task(self._run(), name="moshi-session")

    @property
    def audio_stream(self) -> AsyncIterable[llm.DuplexAudioFrame]:
        return self._sound

    @property
    def tools(self) -> llm.ToolContext:
        return self._tools

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        pcm = self._to_pcm(frame)
        self._recall.heard(pcm)
        if self._uplink is not None:
            self._uplink.push(pcm)
            self._pushed.set()

    async def aclose(self) -> None:
        await super().aclose()
        await utils.aio.cancel_and_wait(self._running)

    async def _update_instructions(self, instructions: str) -> None:
        """Moshi takes none."""

    async def _append_items(self, items: list[llm.ChatItem]) -> None:
        """Moshi cannot be told anything but by voice."""

    async def _update_tools(self, tools: list[llm.Tool]) -> None:
        """Moshi calls none; they are kept for who asks."""
        self._tools = llm.ToolContext(tools)

    def _update_options(
        self, *, tool_choice: NotGivenOr[llm.ToolChoice | None] = NOT_GIVEN
    ) -> None: ...

    async def _run(self) -> None:
        """Until it is closed, or one has given up."""
        await self._configured.wait()
        retry = Retry(self._options.retries)
        try:
            while not self._closing:
                begun_s = time.monotonic()
                error = await self._failure()
                wait_s = retry.after(time.monotonic() - begun_s, self._random.random())
                if wait_s is None or isinstance(error, EngineBusy):
                    self._report(error, is_recoverable=False)
                    return
                self._report(error, is_recoverable=True)
                await asyncio.sleep(wait_s)
        finally:
            self._let_go()
            self._sound.close()

    async def _failure(self) -> Exception:
        """What ended a conversation, which never ends by itself."""
        try:
            await self._converse()
        except EngineError as e:
            return e
        except Exception as e:
            logger.exception("a conversation with Moshi failed")
            return e
        return EngineError("the conversation ended")

    async def _converse(self) -> None:
        begun_s = time.monotonic()
        async with connect(self._options) as connection:
            self._report_connection_acquired(time.monotonic() - begun_s)
            again = self._recall.newest(self._model.unanswered_s())
            if self._has_talked:
                self._captions.close()
                self.emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())
            self._has_talked = True
            uplink = self._uplink = Uplink(asyncio.get_running_loop().time())
            uplink.tell(again)
            tasks = [
                asyncio.create_task(self._send(connection, uplink), name="moshi-send"),
                asyncio.create_task(self._receive(connection, uplink), name="moshi-receive"),
            ]
            try:
                await asyncio.gather(*tasks)
            finally:
                self._uplink = None
                await utils.aio.cancel_and_wait(*tasks)

    async def _send(self, connection: Connection, uplink: Uplink) -> None:
        encoder = OggOpusEncoder()
        loop = asyncio.get_running_loop()
        await connection.send(encoder.header())
        while True:
            for piece in uplink.due(loop.time()):
                await connection.send(encoder.encode(piece))
                await asyncio.sleep(0)  # there may be hundreds
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PIECE_S):
                    await self._pushed.wait()
            self._pushed.clear()

    async def _receive(self, connection: Connection, uplink: Uplink) -> None:
        decoder = OggOpusDecoder()
        loop = asyncio.get_running_loop()
        sounded_s = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(sounded_s + self._options.stall_s):
                    message = await connection.receive()
            except TimeoutError as e:
                raise EngineTimeout(
                    f"the Moshi server at {self._options.netloc} has sent no sound for "
                    f"{self._options.stall_s:g} s"
                ) from e
            if samples := self._take(message, decoder):
                sounded_s = loop.time()
                uplink.made_s += samples / RATE_HZ
            if uplink.made_s > uplink.sent_s + _AHEAD_S:
                raise EngineError(
                    f"the Moshi server at {self._options.netloc} sends more sound than it can make"
                )

    def _take(self, message: Message, decoder: OggOpusDecoder) -> int:
        """Gives it on; returns how many samples of sound it was."""
        heard_ms = round(self._heard_samples * 1000 / RATE_HZ)
        if message.kind is Kind.TEXT and message.text:
            self._tell(self._captions.word(message.text, heard_ms))
        if message.kind is not Kind.AUDIO or not (pcm := decoder.push(message.payload)):
            return 0
        frame = rtc.AudioFrame(pcm, RATE_HZ, 1, len(pcm) // BYTES_PER_SAMPLE)
        was_speaking = self._captions.is_speaking
        self._tell(self._captions.sound(level_dbfs(pcm), heard_ms, frame.duration))
        self._held.append(llm.DuplexAudioFrame(frame, start_ms=heard_ms))
        if self._captions.is_speaking and not was_speaking and self._release is None:
            loop = asyncio.get_running_loop()
            self._release = loop.call_later(LEAD_S, self._let_go)
        elif self._release is None:
            self._let_go()
        self._heard_samples += frame.samples_per_channel
        return frame.samples_per_channel

    def _let_go(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        for frame in self._held:
            self._sound.send_nowait(frame)
        self._held.clear()

    def _tell(self, captions: list[Caption]) -> None:
        for caption in captions:
            delta = llm.DuplexOutputTranscriptDelta(caption.text, start_ms=caption.at_ms)
            self.emit("transcript_delta", delta)

    def _to_pcm(self, frame: rtc.AudioFrame) -> bytes:
        if self._resampler is None or self._resampler[0] != frame.sample_rate:
            self._resampler = (frame.sample_rate, PcmResampler(frame.sample_rate, RATE_HZ))
        return self._resampler[1].push(to_mono(bytes(frame.data), frame.num_channels))

    def _report(self, error: Exception, *, is_recoverable: bool) -> None:
        api_error = to_api_error(error, retryable=is_recoverable)
        if api_error is not error:
            api_error.__cause__ = error
        logger.warning(
            "the line to Moshi broke, one tries again" if is_recoverable else "Moshi is given up",
            extra={"reason": str(error)},
        )
        self.emit(
            "error",
            llm.RealtimeModelError(
                timestamp=time.time(),
                label=self._duplex_model.label,
                error=api_error,
                recoverable=is_recoverable,
            ),
        )
