"""The stream of an STT chain: the members' streams, the clock and the listener of a `Turn`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Sequence
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, NotGivenOr, stt
from livekit.agents.utils import aio, is_given
from livekit.plugins.speechcore import BYTES_PER_SAMPLE
from livekit.plugins.speechio import mono_frame

from .faults import Fault, FaultKind, GarbageError, classify
from .strays import PATIENCE_S
from .stt_audio import TurnAudio
from .stt_events import to_event, to_heard
from .stt_heard import Heard
from .stt_leg import Leg
from .stt_stage import AllFailed
from .stt_turn import Turn

if TYPE_CHECKING:
    from .stt import ChainSTT

_CLOSED = Fault(FaultKind.PROTOCOL, "ended the stream by itself")


class _Sign(Enum):
    FLUSH = "flush"
    END = "end"


_Item = rtc.AudioFrame | _Sign | tuple[int, stt.SpeechEvent | BaseException | None]
"""Of the listener's, or what the stream of a key gave or failed with; None if it just ended."""


class ChainRecognizeStream(stt.RecognizeStream):
    """One caller's audio of any rate, mono or not. It is the `Stage` of its turn.

    A flush gives a FINAL whenever audio came since the last flush, whoever hears it. What waits to
    be handled is not bounded: it is what a microphone and the members give in real time.
    """

    def __init__(
        self, owner: ChainSTT, language: NotGivenOr[str], conn_options: APIConnectOptions
    ) -> None:
        super().__init__(stt=owner, conn_options=conn_options)
        self._owner = owner
        self._language = language
        self._heard_language = LanguageCode(language if is_given(language) else "")
        self._news: asyncio.Queue[_Item] = asyncio.Queue()
        self._audio = TurnAudio()
        self._turn = Turn([engine.traits for engine in owner.engines], self._audio, self)
        self._legs: dict[int, Leg] = {}
        self._is_ended = False

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        super().push_frame(mono_frame(frame))

    async def _run(self) -> None:
        reading = asyncio.create_task(self._read(), name="chain.stt.read")
        try:
            self._turn.begin(self._now_s())
            while not (self._is_ended and self._turn.is_answered):
                await self._step(self._turn.due_s)
            await self._hear_out()
        except AllFailed as e:
            raise self._owner.error(e.faults) from None
        finally:
            await aio.cancel_and_wait(reading)
            if closing := [leg.close() for leg in self._legs.values()]:
                self._legs.clear()
                await asyncio.wait(closing, timeout=PATIENCE_S)

    def start(self, key: int, member: int, from_s: float, flushes: Sequence[float]) -> None:
        """Part of `Stage`, as what follows."""
        engine = self._owner.engines[member]
        try:
            stream = engine.streaming.stream(
                language=self._language, conn_options=replace(self._conn_options, max_retry=0)
            )
        except Exception as e:
            self._news.put_nowait((key, e))
            return
        stream.start_time_offset = self.start_time_offset + from_s
        leg = Leg(
            stream,
            self._owner.strays,
            lambda event: self._news.put_nowait((key, event)),
            lambda error: self._news.put_nowait((key, error)),
        )
        self._legs[key] = leg
        for place_s in flushes:
            self._replay(leg, from_s, place_s)
            leg.flush()
            from_s = place_s
        self._replay(leg, from_s, None)
        if self._is_ended:
            leg.end_input()

    def drop(self, key: int) -> None:
        if leg := self._legs.pop(key, None):
            leg.close()

    def give(self, heard: Heard) -> None:
        event = to_event(heard, self._heard_language)
        if event.alternatives and event.alternatives[0].language:
            self._heard_language = event.alternatives[0].language
        self._event_ch.send_nowait(event)

    def may_try(self, member: int) -> bool:
        return self._owner.may_try(member)

    def is_hopeless(self, member: int) -> bool:
        return self._owner.is_hopeless(member)

    def succeeded(self, member: int) -> None:
        self._owner.succeeded(member)

    def failed(self, member: int, fault: Fault) -> None:
        self._owner.failed(member, fault)

    def switched(self, source: int, to: int | None, fault: Fault, audio_s: float) -> None:
        self._owner.switched(source, to, fault, audio_s)

    def hedged(self, first: int, second: int, winner: int, audio_s: float) -> None:
        wasted_bytes = round(audio_s * self._audio.rate_hz) * BYTES_PER_SAMPLE
        self._owner.hedged(first, second, winner, wasted_bytes)

    async def _read(self) -> None:
        async for item in self._input_ch:
            self._news.put_nowait(item if isinstance(item, rtc.AudioFrame) else _Sign.FLUSH)
        self._news.put_nowait(_Sign.END)

    async def _step(self, due_s: float | None) -> None:
        try:
            async with asyncio.timeout_at(due_s):
                item = await self._news.get()
        except TimeoutError:
            self._turn.tick(self._now_s())
            return
        self._take(item)
        if due_s is not None and due_s <= self._now_s():
            self._turn.tick(self._now_s())

    def _take(self, item: _Item) -> None:
        if isinstance(item, tuple):
            self._hear(*item)
        elif isinstance(item, rtc.AudioFrame):
            for leg in self._legs.values():
                leg.push(item)
            self._turn.pushed(bytes(item.data), item.sample_rate, self._now_s())
        elif item is _Sign.FLUSH:
            self._flush()
        else:
            self._is_ended = True
            self._turn.end()
            for leg in self._legs.values():
                leg.end_input()

    def _flush(self) -> None:
        before = list(self._legs)  # one that is opened now gets the flush with the audio
        if self._turn.flushed(self._now_s()):
            for key in before:
                if leg := self._legs.get(key):
                    leg.flush()

    def _hear(self, key: int, news: stt.SpeechEvent | BaseException | None) -> None:
        if isinstance(news, stt.SpeechEvent):
            self._hear_event(key, news)
        elif news is not None:
            self._turn.lost(key, classify(news), self._now_s())
        elif self._is_ended:
            self._turn.closed(key, self._now_s())
            self.drop(key)
        else:
            self._turn.lost(key, _CLOSED, self._now_s())

    def _hear_event(self, key: int, event: stt.SpeechEvent) -> None:
        if key not in self._legs:
            return
        if event.type is stt.SpeechEventType.RECOGNITION_USAGE:
            self._event_ch.send_nowait(event)
            return
        try:
            heard = to_heard(event, self.start_time_offset)
        except Exception as e:
            garbage = GarbageError(f"its event makes no sense ({type(e).__name__})")
            self._turn.lost(key, classify(garbage), self._now_s())
            return
        if heard is not None:
            self._turn.heard(key, heard, self._now_s())

    async def _hear_out(self) -> None:
        """What the members tell of usage at their end."""
        until_s = self._now_s() + PATIENCE_S
        while self._legs and self._now_s() < until_s:
            await self._step(until_s)

    def _replay(self, leg: Leg, from_s: float, to_s: float | None) -> None:
        for pcm in self._audio.pieces(from_s, to_s):
            leg.push(rtc.AudioFrame(pcm, self._audio.rate_hz, 1, len(pcm) // BYTES_PER_SAMPLE))

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[stt.SpeechEvent]) -> None:
        """The members tell their own metrics."""
        async for _ in event_aiter:
            pass

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
