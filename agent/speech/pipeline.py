"""A TTS that takes text as it is written and speaks it clause by clause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils

from agent.speech.maker import ClauseMaker
from agent.speech.planner import ClausePlanner
from agent.speech.reply import Reply
from agent.speech.voice import Voice


class ClauseTTS(tts.TTS[Never]):
    """Streams through an engine that takes whole texts: the first clause as early as the engine's
    speed allows, the next ones made meanwhile, a few at once, all in order.

    Does not close the engine. The engine's own retries hold for each clause; nothing is retried
    beyond them. The timed transcript is the text as it was written, a clause at a time.
    """

    def __init__(
        self,
        engine: tts.TTS[Any],
        *,
        normalise: Callable[[str], str] = str,
        planner: ClausePlanner | None = None,
    ) -> None:
        """`normalise` makes of each clause what the engine is given to read."""
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=engine.sample_rate,
            num_channels=1,
        )
        self._engine = engine
        self._maker = ClauseMaker(engine, planner or ClausePlanner(), normalise)
        engine.on("error", self._forward_recovered)

    @property
    def planner(self) -> ClausePlanner:
        """What decides how long the clauses are."""
        return self._maker.planner

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def provider(self) -> str:
        return self._engine.provider

    def prewarm(self) -> None:
        self._engine.prewarm()

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _WholeText(self, text, conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _WrittenText(self, conn_options)

    async def aclose(self) -> None:
        self._engine.off("error", self._forward_recovered)

    def _forward_recovered(self, error: tts.TTSError) -> None:
        """The engine tries again; when it gives up, the stream says so itself."""
        if error.recoverable:
            self.emit("error", error)


class _WholeText(tts.ChunkedStream):
    def __init__(self, owner: ClauseTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(
            tts=owner, input_text=text, conn_options=replace(conn_options, max_retry=0)
        )
        self._maker = owner._maker
        self._engine_options = conn_options

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice = _voice(output_emitter, self._tts, stream=False)
        clause = self._maker.clause(self._input_text)
        making = asyncio.create_task(
            self._maker.make(clause, self._engine_options), name="clause-make"
        )
        try:
            await voice.play(clause, self._maker.planner)
        finally:
            await utils.aio.cancel_and_wait(making)
        voice.finish()


class _WrittenText(tts.SynthesizeStream):
    def __init__(self, owner: ClauseTTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, conn_options=replace(conn_options, max_retry=0))
        self._maker = owner._maker
        self._engine_options = conn_options

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice = _voice(output_emitter, self._tts, stream=True)
        output_emitter.start_segment(segment_id=utils.shortuuid("segment_"))
        reply = Reply(self._maker, self._engine_options, voice, self._mark_started)
        await reply.run(self._input_ch)


def _voice(emitter: tts.AudioEmitter, owner: tts.TTS[Any], *, stream: bool) -> Voice:
    emitter.initialize(
        request_id=utils.shortuuid("clauses_"),
        sample_rate=owner.sample_rate,
        num_channels=1,
        mime_type="audio/pcm",
        stream=stream,
    )
    return Voice(emitter, owner.sample_rate)
