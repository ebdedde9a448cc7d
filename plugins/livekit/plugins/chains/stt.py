"""Several speech recognisers as one: when one fails, the next hears what the caller said before."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Never

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    APIError,
    NotGivenOr,
    stt,
)
from livekit.agents.metrics import STTMetrics
from livekit.agents.utils import AudioBuffer

from .breakers import Breakers, EngineBreaker
from .events import Hedged, OnEvent, Switched, ignore, report
from .faults import Fault, classify, late, nobody_left
from .member import Member, Prober
from .strays import Strays
from .stt_batch import BatchSTT, recognise_by_stream
from .stt_choice import Choice
from .stt_ear import Traits
from .stt_probe import probe
from .stt_stream import ChainRecognizeStream

logger = logging.getLogger(__package__)

_RECORDING_SPEED = 4.0
"""A member need be no faster than this at a recording."""


@dataclass(frozen=True)
class ChainedSTT:
    """A member as the chain uses it."""

    name: str
    engine: stt.STT[Any]
    streaming: stt.STT[Any]
    """The same, made to stream if it does not by itself."""
    traits: Traits
    breaker: EngineBreaker


class ChainSTT(stt.STT[Never]):
    """The members in order of preference; each caller's turn is heard by the first that works."""

    def __init__(
        self,
        members: Sequence[Member[stt.STT[Any]]],
        *,
        breakers: Breakers | None = None,
        on_event: OnEvent = ignore,
    ) -> None:
        """The members stay their maker's to close."""
        if not members:
            raise ValueError("a chain needs a member at least")
        super().__init__(capabilities=_capabilities([member.engine for member in members]))
        breakers = breakers or Breakers(on_event=on_event)
        self.engines = [_chained(member, breakers) for member in members]
        self.strays = Strays()
        self._on_event = on_event
        self._active = 0
        self._streams: weakref.WeakSet[ChainRecognizeStream] = weakref.WeakSet()
        self._prober = Prober(members, breakers, self._probe)
        self._recognize_metrics_needed = False  # the members tell their own
        for engine in self.engines:
            engine.engine.on("metrics_collected", self._forward_metrics)

    @property
    def model(self) -> str:
        """Of the member that was the last to hear words."""
        return self._serving.model

    @property
    def provider(self) -> str:
        return self._serving.provider

    @property
    def _serving(self) -> stt.STT[Any]:
        return self.engines[self._active].engine

    def prewarm(self) -> None:
        """Of all members: the next one must not begin to load when it is needed."""
        for engine in self.engines:
            try:
                engine.engine.prewarm()
            except Exception:
                logger.exception("an engine cannot be prewarmed", extra={"engine": engine.name})

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> ChainRecognizeStream:
        """`conn_options.max_retry` counts for nothing: a chain is its own retry."""
        self._prober.watch()
        stream = ChainRecognizeStream(self, language, conn_options)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        for stream in tuple(self._streams):
            await stream.aclose()
        for engine in self.engines:
            engine.engine.off("metrics_collected", self._forward_metrics)
        await self._prober.aclose()
        await self.strays.aclose()

    def may_try(self, member: int) -> bool:
        return self.engines[member].breaker.may_try()

    def is_hopeless(self, member: int) -> bool:
        return self.engines[member].breaker.is_forbidden()

    def succeeded(self, member: int) -> None:
        """A member heard words."""
        self._active = member
        self.engines[member].breaker.succeeded()

    def failed(self, member: int, fault: Fault) -> None:
        self.engines[member].breaker.failed(fault)
        self._prober.watch()

    def switched(self, source: int, to: int | None, fault: Fault, audio_s: float = 0.0) -> None:
        """`to` goes on, with `audio_s` of audio again."""
        event = Switched(
            stage="stt",
            source=self.engines[source].name,
            to=None if to is None else self.engines[to].name,
            fault=fault,
            audio_s=audio_s,
        )
        report(event, self._on_event)

    def hedged(self, first: int, second: int, winner: int, wasted_bytes: int) -> None:
        """Two members heard the same audio."""
        names = [self.engines[member].name for member in (first, second, winner)]
        event = Hedged(
            stage="stt",
            first=names[0],
            second=names[1],
            winner=names[2],
            wasted_bytes=wasted_bytes,
        )
        report(event, self._on_event)

    def error(self, faults: Sequence[Fault]) -> APIError:
        """What the framework is told when every member has failed."""
        told = "; ".join(fault.message for fault in faults)
        message = f"no speech recogniser of the chain works: {told}"
        return nobody_left(message, {fault.kind for fault in faults})

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        self._prober.watch()
        choice = Choice(len(self.engines), self.may_try, self.is_hopeless)
        options = replace(conn_options, max_retry=0)
        member = choice.first()
        while member is not None:
            try:
                event = await self._recognise_by(member, buffer, language, options)
            except Exception as e:
                fault = e.fault if isinstance(e, _Late) else classify(e)
                choice.failed(member, fault)
                self.failed(member, fault)
                source, member = member, choice.next()
                self.switched(source, member, fault)
            else:
                self.succeeded(member)
                return event
        raise self.error(choice.faults)

    async def _recognise_by(
        self,
        member: int,
        buffer: AudioBuffer,
        language: NotGivenOr[str],
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        engine = self.engines[member]
        frames = buffer if isinstance(buffer, list) else [buffer]
        deadline_s = engine.traits.deadline_s + sum(f.duration for f in frames) / _RECORDING_SPEED
        if engine.engine.capabilities.offline_recognize:
            work = engine.engine.recognize(buffer, language=language, conn_options=conn_options)
        else:
            work = recognise_by_stream(engine.engine, buffer, language, conn_options)
        task = asyncio.ensure_future(work)
        try:
            return await self.strays.within(task, deadline_s)
        except TimeoutError as e:
            raise _Late(late(deadline_s, "transcript")) from e

    async def _probe(self, engine: stt.STT[Any]) -> None:
        member = next(it for it in self.engines if it.engine is engine)
        await probe(engine, member.traits.deadline_s)

    def _forward_metrics(self, metrics: STTMetrics) -> None:
        self.emit("metrics_collected", metrics)

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        for engine in self.engines:
            if engine.engine.capabilities.keyterms:
                engine.engine._update_session_keyterms(keyterms)

    def _push_conversation_item(self, ev: Any) -> None:
        for engine in self.engines:
            if engine.engine.capabilities.chat_context:
                engine.engine._push_conversation_item(ev)


class _Late(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def _chained(member: Member[stt.STT[Any]], breakers: Breakers) -> ChainedSTT:
    abilities = member.engine.capabilities
    traits = Traits(
        deadline_s=member.deadline_s,
        has_partials=abilities.streaming and abilities.interim_results,
        answers_flush=not abilities.streaming or abilities.manual_flush,
    )
    streaming = member.engine if abilities.streaming else BatchSTT(member.engine)
    return ChainedSTT(member.name, member.engine, streaming, traits, breakers.of(member.name))


def _capabilities(engines: Sequence[stt.STT[Any]]) -> stt.STTCapabilities:
    all_abilities = [engine.capabilities for engine in engines]
    aligned: Literal["word", "chunk", False] = False
    if all(abilities.aligned_transcript for abilities in all_abilities):
        aligned = all_abilities[0].aligned_transcript
    return stt.STTCapabilities(
        streaming=True,
        interim_results=any(it.streaming and it.interim_results for it in all_abilities),
        diarization=all(it.diarization for it in all_abilities),
        aligned_transcript=aligned,
        offline_recognize=True,
        keyterms=any(it.keyterms for it in all_abilities),
        chat_context=any(it.chat_context for it in all_abilities),
        manual_flush=True,
    )
