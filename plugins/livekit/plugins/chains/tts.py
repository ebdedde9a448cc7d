"""Several voices behind one livekit TTS: no sentence is cut, no word is spoken twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils
from livekit.agents.metrics import TTSMetrics
from livekit.agents.types import TimedString
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, Word

from .breakers import Breakers
from .events import OnEvent, ignore
from .member import is_probe
from .tts_crew import Crew, TTSMember
from .tts_script import Script
from .tts_speech import Speech

logger = logging.getLogger(__package__)

_SILENCE_S = 0.02
"""For a text that has no sound: livekit takes no audio at all for a failure."""


class ChainTTS(tts.TTS[Never]):
    """The first of its members that can speaks; when it dies in mid-sentence, the next one goes on at
    the first word that was not spoken, and keeps the rest of the reply.

    Comes out mono, at one rate and at the first member's level, whatever the members give. Takes text
    as it is written if the first member does; `stream()` works with any. Its own retries are all
    there are: what it raises in the end is not to be retried. Closes no member.

    A member's deadline is for its first audio: of one that makes a text whole before it gives any,
    it must be long enough for the longest text. Metrics are the members' own.
    """

    def __init__(
        self,
        members: Sequence[TTSMember],
        *,
        breakers: Breakers | None = None,
        sample_rate_hz: int | None = None,
        hedge_s: float | None = None,
        speed: float = 1.0,
        on_event: OnEvent = ignore,
    ) -> None:
        """`sample_rate_hz`: the first member's if None. `hedge_s`: how long the first text of a reply
        waits for its audio before the next member is asked too; None: never. `speed`: that the
        members were asked to speak at. Raises ValueError without members, or if two have one name."""
        names = [member.name for member in members]
        if not names or len(set(names)) < len(names):
            raise ValueError("a chain needs members, each with a name of its own")
        engines = [member.engine for member in members]
        super().__init__(
            capabilities=tts.TTSCapabilities(
                streaming=engines[0].capabilities.streaming,
                aligned_transcript=all(e.capabilities.aligned_transcript for e in engines),
            ),
            sample_rate=sample_rate_hz or engines[0].sample_rate,
            num_channels=1,
        )
        self._engines = engines
        self._crew = Crew(
            members,
            breakers=breakers or Breakers(on_event=on_event),
            rate_hz=self.sample_rate,
            hedge_s=hedge_s,
            speed=speed,
            on_event=on_event,
        )
        for engine in engines:
            engine.on("metrics_collected", self._forward_metrics)

    @property
    def hedge_s(self) -> float | None:
        """May be changed at any time."""
        return self._crew.hedge_s

    @hedge_s.setter
    def hedge_s(self, hedge_s: float | None) -> None:
        self._crew.hedge_s = hedge_s

    @property
    def model(self) -> str:
        """Of the member that speaks, or would."""
        return self._crew.current().member.engine.model

    @property
    def provider(self) -> str:
        return self._crew.current().member.engine.provider

    def prewarm(self) -> None:
        """All of them: the second one is wanted at once when it is."""
        for engine in self._engines:
            try:
                engine.prewarm()
            except Exception:
                logger.exception("an engine cannot be warmed up")

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _WholeText(self, text, conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _WrittenText(self, conn_options)

    async def aclose(self) -> None:
        for engine in self._engines:
            engine.off("metrics_collected", self._forward_metrics)
        await self._crew.aclose()

    def _forward_metrics(self, metrics: TTSMetrics) -> None:
        if not is_probe():
            self.emit("metrics_collected", metrics)


class _WholeText(tts.ChunkedStream):
    _tts_request_span_name: ClassVar[str] = "tts_chain"
    _tts_attempt_span_name: ClassVar[str | None] = None

    def __init__(self, owner: ChainTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(
            tts=owner, input_text=text, conn_options=replace(conn_options, max_retry=0)
        )
        self._crew = owner._crew

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        sink = _open(output_emitter, self._tts, stream=False)
        script = Script(self._input_text, is_complete=True)
        await Speech(self._crew, script, sink, timeout_s=self._conn_options.timeout).run()
        sink.finish()

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[tts.SynthesizedAudio]) -> None:
        await _consume(event_aiter)


class _WrittenText(tts.SynthesizeStream):
    _tts_request_span_name: ClassVar[str] = "tts_chain"
    _tts_attempt_span_name: ClassVar[str | None] = None

    def __init__(self, owner: ChainTTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, conn_options=replace(conn_options, max_retry=0))
        self._crew = owner._crew

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        sink = _open(output_emitter, self._tts, stream=True)
        output_emitter.start_segment(segment_id=utils.shortuuid("segment_"))
        script = Script()
        speech = Speech(
            self._crew,
            script,
            sink,
            timeout_s=self._conn_options.timeout,
            on_start=self._mark_started,
        )
        reading = asyncio.create_task(self._read(script, speech), name="chain.tts.read")
        try:
            await speech.run()
        finally:
            await utils.aio.cancel_and_wait(reading)
        if script.text:
            sink.finish()

    async def _read(self, script: Script, speech: Speech) -> None:
        """A flush is the end of the text: livekit lets none follow it."""
        async for text in self._input_ch:
            if isinstance(text, str):
                script.push(text)
            else:
                script.finish()
            speech.tell()
        script.finish()
        speech.tell()

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[tts.SynthesizedAudio]) -> None:
        await _consume(event_aiter)


class _Output:
    """A `Sink` into livekit's emitter."""

    def __init__(self, emitter: tts.AudioEmitter, rate_hz: int) -> None:
        self._emitter = emitter
        self._rate_hz = rate_hz
        self._has_sounded = False

    def __call__(self, pcm: bytes, words: Sequence[Word]) -> None:
        for word in words:
            timed = TimedString(word.text, start_time=word.start_s, end_time=word.end_s)
            self._emitter.push_timed_transcript(timed)
        if pcm:
            self._emitter.push(pcm)
            self._has_sounded = True

    def finish(self) -> None:
        if not self._has_sounded:
            self._emitter.push(bytes(BYTES_PER_SAMPLE * round(_SILENCE_S * self._rate_hz)))


def _open(emitter: tts.AudioEmitter, owner: tts.TTS[Any], *, stream: bool) -> _Output:
    emitter.initialize(
        request_id=utils.shortuuid("chain_"),
        sample_rate=owner.sample_rate,
        num_channels=1,
        mime_type="audio/pcm",
        stream=stream,
    )
    return _Output(emitter, owner.sample_rate)


async def _consume(events: AsyncIterable[tts.SynthesizedAudio]) -> None:
    """The members' metrics are enough: ours would count the same speech again."""
    async for _ in events:
        pass
