"""A TTS that takes whole texts and as long as it is told to, on the event loop's clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Never

import numpy as np
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils

RATE_HZ = 24_000
_LOUDNESS_STEP = 200
_FIRST_LOUDNESS = 1000
_LOUDNESSES = 128
_SHORTEST_SAMPLES = 1000


@dataclass(kw_only=True)
class Pace:
    """How fast the engine is, and what it does wrong."""

    rtf: float = 0.1
    """Seconds of work for each second of audio."""
    overhead_s: float = 0.05
    chars_per_s: float = 14.0
    step_s: float | None = 0.1
    """Audio comes in such steps; None: all of it when the text is done, as with most models."""
    is_parallel: bool = False
    """Whether texts are made at once, as by a service, or one after the other."""
    silence_s: float = 0.0
    """On both sides of the sound."""
    errors: dict[str, Exception] = field(default_factory=dict)
    """Raised once in the midst of a text that contains the key."""


class PacedTTS(tts.TTS[Never]):
    """Each text is a sound louder than the one before, by which `texts_heard()` knows it."""

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=RATE_HZ,
            num_channels=1,
        )
        self.pace = pace or Pace()
        self.texts: list[str] = []
        """All that it was given, in order."""
        self.running = 0
        self.most_running = 0
        self.steps_made = 0
        self.is_closed = False
        self._turn = asyncio.Lock()

    @property
    def model(self) -> str:
        return f"rtf-{self.pace.rtf:g}"

    @property
    def provider(self) -> str:
        return "fake"

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _PacedStream(self, text, conn_options)

    def texts_heard(self, pcm: bytes) -> list[str]:
        """The texts in the order in which they sound; for an engine that was given less than 128."""
        loudness = np.abs(np.frombuffer(pcm, dtype=np.int16).astype(int))
        starts = np.flatnonzero(np.diff(loudness, prepend=-1, append=-1))
        is_long = np.diff(starts) > _SHORTEST_SAMPLES
        found = [level for level in loudness[starts[:-1][is_long]] if level]
        return [self.texts[(level - _FIRST_LOUDNESS) // _LOUDNESS_STEP] for level in found]

    async def aclose(self) -> None:
        self.is_closed = True


class _PacedStream(tts.ChunkedStream):
    def __init__(self, owner: PacedTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._owner = owner
        number = len(owner.texts) % _LOUDNESSES
        self._loudness = _FIRST_LOUDNESS + _LOUDNESS_STEP * number
        owner.texts.append(text)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        owner = self._owner
        output_emitter.initialize(
            request_id=utils.shortuuid("paced_"),
            sample_rate=RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
        )
        owner.running += 1
        owner.most_running = max(owner.most_running, owner.running)
        try:
            if owner.pace.is_parallel:
                await self._make(output_emitter)
            else:
                async with owner._turn:
                    await self._make(output_emitter)
        finally:
            owner.running -= 1

    async def _make(self, output_emitter: tts.AudioEmitter) -> None:
        pace = self._owner.pace
        await asyncio.sleep(pace.overhead_s)
        pcm = self._sound(len(self._input_text) / pace.chars_per_s)
        step_bytes = 2 * round((pace.step_s or 0.1) * RATE_HZ)
        for start in range(0, len(pcm), step_bytes):
            step = pcm[start : start + step_bytes]
            await asyncio.sleep(pace.rtf * len(step) / 2 / RATE_HZ)
            self._owner.steps_made += 1
            if pace.step_s is not None:
                output_emitter.push(step)
            if start >= len(pcm) // 2:
                self._raise_once()
        if pace.step_s is None:
            output_emitter.push(pcm)

    def _sound(self, duration_s: float) -> bytes:
        wave = np.full(round(duration_s * RATE_HZ), self._loudness, dtype=np.int16)
        wave[::2] *= -1
        silence = bytes(2 * round(self._owner.pace.silence_s * RATE_HZ))
        return silence + wave.tobytes() + silence

    def _raise_once(self) -> None:
        errors = self._owner.pace.errors
        for part in [part for part in errors if part in self._input_text]:
            raise errors.pop(part)
