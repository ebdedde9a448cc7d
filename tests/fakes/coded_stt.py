"""A recogniser whose words are coded in the audio, with faults on command.

Word n is a sound of its own loudness, so that a test can tell from the FINALs alone whether a word
was lost, doubled or torn, whoever heard it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Never

import numpy as np
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    NotGivenOr,
    stt,
)
from livekit.agents.utils import AudioBuffer
from livekit.plugins.speechcore import Transcript, Word
from livekit.plugins.speechio import speech_event, usage_event
from numpy.typing import NDArray

RATE_HZ = 8_000
WORD_S = 0.24
GAP_S = 0.1
_TONE_HZ = 500
_SOFTEST_WORD, _STEP = 6_000, 200
_NOISE, _QUIET = 3_000, 20
_OWN_FINAL_S = 0.3
"""Quiet after which a member that ends segments as it likes does."""

Kind = stt.SpeechEventType


def quiet(duration_s: float) -> bytes:
    return _sound(duration_s, _QUIET)


def spoken(numbers: Iterable[int]) -> bytes:
    """The words, each with a gap after it."""
    return b"".join(
        _sound(WORD_S, _SOFTEST_WORD + number * _STEP) + quiet(GAP_S) for number in numbers
    )


def noise_sound(duration_s: float) -> bytes:
    """As loud as speech, and no word."""
    return _sound(duration_s, _NOISE)


def words_in(pcm: bytes, rate_hz: int = RATE_HZ) -> list[Word]:
    """Those that are over; one of which a part is missing is "torn"."""
    window = rate_hz // 100
    samples = np.frombuffer(pcm, np.int16).astype(float)
    windows = samples[: len(samples) // window * window].reshape(-1, window)
    is_word = np.abs(windows).max(axis=1, initial=0) > (_SOFTEST_WORD + _NOISE) / 2
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_word]).astype(int)))
    return [
        Word(_word_in(windows[start:end]), start / 100, end / 100)
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]


def _word_in(windows: NDArray[np.float64]) -> str:
    if len(windows) < WORD_S * 100 - 2:
        return "torn"
    amplitude = np.sqrt(2 * np.mean(windows[3:-3] ** 2))
    return str(round((amplitude - _SOFTEST_WORD) / _STEP))


def _sound(duration_s: float, amplitude: int) -> bytes:
    times = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    pcm: bytes = (amplitude * np.sin(2 * np.pi * _TONE_HZ * times)).astype("<i2").tobytes()
    return pcm


class Ill(Enum):
    """What a stream does wrong; `after_s` of audio where that makes a difference."""

    NOTHING = "nothing"
    REFUSES = "refuses"
    RAISES_AT_ONCE = "raises at once"
    STALLS = "stalls"
    DIES = "dies"
    LEAVES = "leaves"
    DEAF = "deaf"
    GARBAGE = "garbage"


@dataclass(frozen=True)
class Health:
    ill: Ill = Ill.NOTHING
    after_s: float = 0.0
    never_closes: bool = False


WELL = Health()


@dataclass
class Log:
    streams: int = 0
    open_streams: int = 0
    heard_s: list[float] = field(default_factory=list)
    """Of each stream."""
    recordings: int = 0


class CodedSTT(stt.STT[Never]):
    """`health` is asked for every stream or recording, from 0 on."""

    def __init__(
        self,
        name: str = "coded",
        *,
        health: Callable[[int], Health] = lambda number: WELL,
        delay_s: float = 0.05,
        streams: bool = True,
        answers_flush: bool = True,
        tells_times: bool = True,
        shows_first: bool = False,
        error: Callable[[], Exception] = lambda: APIConnectionError("the line is dead"),
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=streams,
                interim_results=streams,
                aligned_transcript="word" if tells_times else False,
                offline_recognize=True,
                manual_flush=streams and answers_flush,
            )
        )
        self.name = name
        self.health = health
        self.delay_s = delay_s
        self.answers_flush = answers_flush
        self.tells_times = tells_times
        self.shows_first = shows_first
        """Interims are of a turn's first word only."""
        self.error = error
        self.log = Log()
        self.released = asyncio.Event()
        """Lets those go that never close."""

    @property
    def model(self) -> str:
        return self.name

    @property
    def provider(self) -> str:
        return "fake"

    def next_health(self) -> Health:
        self.log.streams += 1
        return self.health(self.log.streams - 1)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> CodedStream:
        health = self.next_health()
        if health.ill is Ill.REFUSES:
            raise self.error()
        return CodedStream(self, health, conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        health = self.next_health()
        self.log.recordings += 1
        if health.ill is Ill.STALLS:
            await asyncio.sleep(3600)
        if health.ill not in (Ill.NOTHING, Ill.DEAF):
            raise self.error()
        await asyncio.sleep(self.delay_s)
        frames = buffer if isinstance(buffer, list) else [buffer]
        rate_hz = frames[0].sample_rate if frames else RATE_HZ
        pcm = b"".join(bytes(frame.data) for frame in frames)
        heard = [] if health.ill is Ill.DEAF else words_in(pcm, rate_hz)
        return self.event(Kind.FINAL_TRANSCRIPT, heard, 0.0)

    def event(self, kind: stt.SpeechEventType, heard: list[Word], offset_s: float) -> Any:
        text = " ".join(word.text for word in heard)
        words = tuple(heard) if self.tells_times else ()
        return speech_event(kind, Transcript(text, words), language="en", offset_s=offset_s)


class CodedStream(stt.RecognizeStream):
    def __init__(self, owner: CodedSTT, health: Health, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=owner, conn_options=conn_options)
        self._owner = owner
        self._health = health
        self._pcm = bytearray()
        self._segment = 0
        """Bytes before it are final."""
        self._said: list[Word] = []

    async def aclose(self) -> None:
        if self._health.never_closes:
            while not self._owner.released.is_set():
                try:
                    await self._owner.released.wait()
                except asyncio.CancelledError:
                    continue
        await super().aclose()

    async def _run(self) -> None:
        log = self._owner.log
        log.open_streams += 1
        log.heard_s.append(0.0)
        place = len(log.heard_s) - 1
        try:
            if self._health.ill is Ill.RAISES_AT_ONCE:
                raise self._owner.error()
            async for item in self._input_ch:
                if isinstance(item, rtc.AudioFrame):
                    self._pcm += item.data
                    log.heard_s[place] = self._heard_s
                if self._is_ill and self._health.ill is not Ill.DEAF:
                    if not await self._suffer():
                        return
                else:
                    await self._hear(is_flush=not isinstance(item, rtc.AudioFrame))
        finally:
            log.open_streams -= 1
            if not self._event_ch.closed:
                self._event_ch.send_nowait(usage_event(self._heard_s))

    @property
    def _heard_s(self) -> float:
        return len(self._pcm) / 2 / RATE_HZ

    @property
    def _is_ill(self) -> bool:
        return self._health.ill is not Ill.NOTHING and self._heard_s >= self._health.after_s

    async def _suffer(self) -> bool:
        match self._health.ill:
            case Ill.DIES:
                raise self._owner.error()
            case Ill.STALLS:
                await asyncio.sleep(3600)
            case Ill.GARBAGE:
                broken: Any = None
                self._event_ch.send_nowait(stt.SpeechEvent(Kind.FINAL_TRANSCRIPT, "", [broken]))
        return self._health.ill is not Ill.LEAVES

    async def _hear(self, *, is_flush: bool) -> None:
        shift_s = self._segment / 2 / RATE_HZ
        found = [
            Word(word.text, word.start_s + shift_s, word.end_s + shift_s)
            for word in words_in(bytes(self._pcm[self._segment :]))
            if not self._is_ill
        ]
        if is_flush and self._owner.answers_flush:
            if len(self._pcm) > self._segment:
                await self._give(Kind.FINAL_TRANSCRIPT, found)
            return
        shown = found[:1] if self._owner.shows_first else found
        if len(shown) > len(self._said):
            await self._give(Kind.INTERIM_TRANSCRIPT, shown)
        tail = np.frombuffer(self._pcm[-round(_OWN_FINAL_S * RATE_HZ) * 2 :], np.int16)
        is_over = bool(found) and bool(np.abs(tail).max(initial=0) < _NOISE)
        if is_over and not self._owner.answers_flush:
            await self._give(Kind.FINAL_TRANSCRIPT, found)

    async def _give(self, kind: stt.SpeechEventType, found: list[Word]) -> None:
        heard_bytes = len(self._pcm)
        await asyncio.sleep(self._owner.delay_s)
        self._said = found
        if kind is Kind.FINAL_TRANSCRIPT:
            self._said, self._segment = [], heard_bytes
        self._event_ch.send_nowait(self._owner.event(kind, found, self.start_time_offset))
