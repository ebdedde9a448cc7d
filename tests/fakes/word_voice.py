"""A TTS whose words can be read back from its sound, and that fails where a test wants it to.

Every word is a tone of its own, as long as its letters take, so that a test can tell whether a word
was lost, doubled or torn whichever voice spoke it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Never

import numpy as np
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    APIConnectionError,
    APIConnectOptions,
    tts,
    utils,
)
from livekit.agents.types import TimedString
from livekit.plugins.chains.tts_words import bare, tokens

WORDS = (
    "we can send you the new plan today because your account has been open since march and there"
    " is nothing left for us to check before it will begin so please tell me when tomorrow suits yes"
).split()
TORN = "…"

_LOWEST_HZ, _STEP_HZ = 300, 40
_LETTER_S = 0.05
_PAUSE_S = {",": 0.2, ".": 0.35, "?": 0.35}
_WINDOW_S = 0.005
_LOUD = 300
_FASTEST_PACE = 1.1

FaultName = Literal["raise", "stall", "end", "silence", "text"]


@dataclass(kw_only=True)
class Misdeed:
    """What goes wrong, after so much audio of a text."""

    name: FaultName
    at_s: float = 0.0
    times: int = 1_000
    """How many texts it happens to."""


@dataclass(kw_only=True)
class Manner:
    rate_hz: int = 24_000
    promised_rate_hz: int | None = None
    pace: float = 1.0
    peak: int = 8000
    tells_words: bool = False
    gap_s: float = 0.03
    piece_s: float = 0.1
    first_s: float = 0.1
    """Until the first piece of a text."""
    rtf: float = 0.1
    """Seconds of work for each second of audio."""
    streams: bool = False
    close_s: float = 0.0
    """How long it takes to close a stream, whatever anybody wants."""
    channels: int = 1
    lead_s: float = 0.1
    """Silence before the first word and after the last."""
    flushes: bool = True
    """Before a misdeed; else livekit gives the last 10 ms by itself, after a while."""


class WordVoice(tts.TTS[Never]):
    def __init__(self, manner: Manner | None = None, misdeed: Misdeed | None = None) -> None:
        self.manner = manner or Manner()
        super().__init__(
            capabilities=tts.TTSCapabilities(
                streaming=self.manner.streams, aligned_transcript=self.manner.tells_words
            ),
            sample_rate=self.manner.promised_rate_hz or self.manner.rate_hz,
            num_channels=self.manner.channels,
        )
        self.misdeed = misdeed
        self.texts: list[str] = []
        """All that it was given, in order."""
        self.prewarmed = 0
        self.running = 0

    @property
    def model(self) -> str:
        return f"tones-{self.manner.pace:g}"

    @property
    def provider(self) -> str:
        return "fake"

    def prewarm(self) -> None:
        self.prewarmed += 1

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _WholeText(self, text, conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _WrittenText(self, conn_options)

    def take_misdeed(self) -> Misdeed | None:
        misdeed = self.misdeed
        if misdeed is None or misdeed.times <= 0:
            return None
        misdeed.times -= 1
        return misdeed


class _Slow:
    """Closes as slowly as its voice's manner says, cancelled or not."""

    _tts: tts.TTS[Never]

    async def _linger(self) -> None:
        assert isinstance(self._tts, WordVoice)
        await asyncio.sleep(self._tts.manner.close_s)


class _WholeText(_Slow, tts.ChunkedStream):
    def __init__(self, owner: WordVoice, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._voice = owner
        owner.texts.append(text)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialise(output_emitter, self._voice.manner, stream=False)
        await _Mouth(self._voice, output_emitter).speak(self._input_text)

    async def aclose(self) -> None:
        await self._linger()
        await super().aclose()


class _WrittenText(_Slow, tts.SynthesizeStream):
    """Speaks each sentence once the next one has begun, or all is written."""

    def __init__(self, owner: WordVoice, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, conn_options=conn_options)
        self._voice = owner

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialise(output_emitter, self._voice.manner, stream=True)
        output_emitter.start_segment(segment_id=utils.shortuuid())
        mouth = _Mouth(self._voice, output_emitter)
        pending = ""
        async for text in self._input_ch:
            if not isinstance(text, str):
                break
            pending += text
            cut = max(pending.rfind(mark) for mark in (". ", "? ")) + 2
            if cut > 1 and len(pending) > cut + 10:
                self._mark_started()
                await self._say(mouth, pending[:cut])
                pending = pending[cut:]
        self._mark_started()
        await self._say(mouth, pending)

    async def _say(self, mouth: _Mouth, text: str) -> None:
        self._voice.texts.append(text)
        await mouth.speak(text)

    async def aclose(self) -> None:
        await self._linger()
        await super().aclose()


def _initialise(emitter: tts.AudioEmitter, manner: Manner, *, stream: bool) -> None:
    emitter.initialize(
        request_id=utils.shortuuid("tones_"),
        sample_rate=manner.rate_hz,
        num_channels=manner.channels,
        mime_type="audio/pcm",
        stream=stream,
    )


class _Mouth:
    """Gives the audio of one request, until its misdeed."""

    def __init__(self, voice: WordVoice, emitter: tts.AudioEmitter) -> None:
        self._voice = voice
        self._emitter = emitter
        self._misdeed = voice.take_misdeed()
        self._given_s = 0.0

    async def speak(self, text: str) -> None:
        manner = self._voice.manner
        self._voice.running += 1
        try:
            await asyncio.sleep(manner.first_s)
            pcm, words = sound(text, manner)
            step = round(manner.piece_s * manner.rate_hz) * 2
            base_s = self._given_s
            for start in range(0, len(pcm), step):
                piece = pcm[start : start + step]
                start_s, end_s = (at / 2 / manner.rate_hz for at in (start, start + len(piece)))
                await asyncio.sleep(manner.rtf * (end_s - start_s))
                if manner.tells_words:
                    told = [word for word in words if start_s <= word.end_time < end_s]
                    self._emitter.push_timed_transcript([_later(word, base_s) for word in told])
                if await self._give(piece):
                    return
        finally:
            self._voice.running -= 1

    async def _give(self, piece: bytes) -> bool:
        """Whether it wants to give no more."""
        manner, misdeed = self._voice.manner, self._misdeed
        length_s = len(piece) / 2 / manner.rate_hz
        is_due = misdeed is not None and self._given_s + length_s >= misdeed.at_s
        if misdeed is not None and is_due:
            left = round((misdeed.at_s - self._given_s) * manner.rate_hz) * 2
            self._push(piece[:left])
            if manner.flushes:
                self._emitter.flush()
            await self._misbehave(misdeed)
            return True
        self._push(piece)
        self._given_s += length_s
        return False

    async def _misbehave(self, misdeed: Misdeed) -> None:
        rate_hz = self._voice.manner.rate_hz
        if misdeed.name == "raise":
            await asyncio.sleep(0.005)
            raise APIConnectionError("the line is dead")
        if misdeed.name == "stall":
            await asyncio.sleep(3600.0)
        if misdeed.name == "silence":
            self._push(bytes(2 * rate_hz))
        if misdeed.name == "text":
            self._push(b"<html><body>It is not your day today.</body></html>! " * 200)

    def _push(self, pcm: bytes) -> None:
        if pcm:
            channels = self._voice.manner.channels
            samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype=np.int16)
            self._emitter.push(np.repeat(samples, channels).tobytes())


def _later(word: TimedString, by_s: float) -> TimedString:
    return TimedString(str(word), start_time=word.start_time + by_s, end_time=word.end_time + by_s)


def sound(text: str, manner: Manner) -> tuple[bytes, list[TimedString]]:
    """Mono PCM, and when each word ends."""
    rate_hz = manner.rate_hz
    parts: list[bytes] = [bytes(2 * round(manner.lead_s * rate_hz))]
    at, words = len(parts[0]) // 2, []
    for token in tokens(text):
        tone = _tone(token.letters, manner)
        pause_s = max((_PAUSE_S[mark] for mark in token.tail if mark in _PAUSE_S), default=0.0)
        start_s, end_s = at / rate_hz, (at + len(tone) // 2) / rate_hz
        written = text[token.start : token.end]
        words.append(TimedString(written, start_time=start_s, end_time=end_s))
        gap = bytes(2 * round((manner.gap_s + pause_s) * rate_hz))
        parts += [tone, gap]
        at += (len(tone) + len(gap)) // 2
    parts.append(bytes(2 * round(manner.lead_s * rate_hz)))
    return b"".join(parts), words


def _tone(letters: str, manner: Manner) -> bytes:
    count = round(_length_s(letters) / manner.pace * manner.rate_hz)
    times = np.arange(count) / manner.rate_hz
    wave = np.sin(2 * np.pi * (_LOWEST_HZ + _STEP_HZ * WORDS.index(letters)) * times)
    edge = round(0.004 * manner.rate_hz)
    ramp = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / edge)
    pcm: bytes = (wave * ramp * manner.peak).astype(np.int16).tobytes()
    return pcm


def _length_s(letters: str) -> float:
    return _LETTER_S * (len(letters) + 1)


def heard(pcm: bytes, rate_hz: int) -> list[str]:
    """The words of a recording; a word of which a part is missing is `TORN`."""
    return list(_heard(np.frombuffer(pcm, dtype=np.int16).astype(float), rate_hz))


def _heard(samples: np.ndarray[tuple[int], np.dtype[np.float64]], rate_hz: int) -> Iterator[str]:
    step = round(_WINDOW_S * rate_hz)
    windows = samples[: len(samples) // step * step].reshape(-1, step)
    loud = np.abs(windows).max(axis=1) > _LOUD
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    for start, end in zip(edges[::2] * step, edges[1::2] * step, strict=True):
        yield _name(samples[start:end], rate_hz)


def _name(tone: np.ndarray[tuple[int], np.dtype[np.float64]], rate_hz: int) -> str:
    signs = np.signbit(tone)
    crossings = np.flatnonzero(signs[1:] != signs[:-1])
    if len(crossings) < 4:
        return TORN
    hz = (len(crossings) - 1) / 2 * rate_hz / (crossings[-1] - crossings[0])
    number = round((hz - _LOWEST_HZ) / _STEP_HZ)
    if not 0 <= number < len(WORDS) or abs(hz - _LOWEST_HZ - number * _STEP_HZ) > 10:
        return TORN
    whole_s = _length_s(WORDS[number]) / _FASTEST_PACE
    return WORDS[number] if len(tone) / rate_hz > whole_s - 0.02 else TORN


def said(text: str) -> list[str]:
    return [token.letters for token in tokens(text)]


def level_dbfs(pcm: bytes) -> float:
    """Of the words, the gaps left out."""
    samples = np.frombuffer(pcm, dtype=np.int16).astype(float)
    loud = samples[np.abs(samples) > _LOUD]
    return 20 * math.log10(np.sqrt(np.mean(loud**2)) / 32768)


assert len(set(WORDS)) == len(WORDS) and all(word == bare(word) for word in WORDS)
