"""The simulated STT: announced words at the pace of the audio, each the set delay after its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Never

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    stt,
    utils,
)
from livekit.agents.utils import AudioBuffer
from livekit.plugins.speechcore import Transcript, Word, level_dbfs
from livekit.plugins.speechio import frames_to_pcm, mono_frame, speech_event, usage_event

from .delays import check_not_negative, format_delay, wait_for_engine
from .recogniser import Heard, HeardKind, ScriptedRecogniser
from .words import Announcements

_LANGUAGE = "en"
_LEVELS_PER_S = 100
_USAGE_INTERVAL_S = 5.0
_OFFLINE_RATE_HZ = 16_000

_EVENT_TYPES = {
    HeardKind.INTERIM: stt.SpeechEventType.INTERIM_TRANSCRIPT,
    HeardKind.PREFLIGHT: stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    HeardKind.FINAL: stt.SpeechEventType.FINAL_TRANSCRIPT,
}


class STT(stt.STT[Never]):
    """Recognises the words it was told of, `delay_s` after each was said; see ScriptedRecogniser.

    `manual_flush` although a FINAL comes by itself in the quiet: a committed turn then waits for
    no time-out, and words said under a noise that never lets it get quiet become final as well.
    A flush with nothing left to say gives an empty FINAL, which livekit takes for an answer only.
    """

    def __init__(self, delay_s: float = 0.08) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                aligned_transcript="word",
                manual_flush=True,
            )
        )
        self._delay_s = check_not_negative("delay_s", delay_s)
        self._announcements = Announcements()

    @property
    def model(self) -> str:
        return format_delay(self._delay_s)

    @property
    def provider(self) -> str:
        return "simulated"

    def expect_words(self, words: Sequence[Word]) -> None:
        """Announces the next utterance: words with times in seconds from its first sample.

        Waits for its turn while one is being said; replaces one nobody has begun to say. Raises
        WordsError for words out of order.
        """
        self._announcements.announce(words)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> RecognizeStream:
        return RecognizeStream(self, conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        recogniser = ScriptedRecogniser(self._delay_s, self._announcements)
        pcm = frames_to_pcm(buffer, _OFFLINE_RATE_HZ)
        heard = _hear(recogniser, pcm, _OFFLINE_RATE_HZ)
        recogniser.flush(recogniser.heard_s)
        heard += recogniser.advance(recogniser.heard_s + self._delay_s)
        await wait_for_engine(self._delay_s, conn_options)
        words = [word for said in heard if said.kind is HeardKind.FINAL for word in said.words]
        return _speech_event(Heard(HeardKind.FINAL, tuple(words)), 0.0)


class RecognizeStream(stt.RecognizeStream):
    """One caller's audio at any rate, mono or not."""

    def __init__(self, owner: STT, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=owner, conn_options=conn_options)
        self._delay_s = owner._delay_s
        self._announcements = owner._announcements
        self._start_over()

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        super().push_frame(mono_frame(frame))

    def _start_over(self) -> None:
        self._recogniser = ScriptedRecogniser(self._delay_s, self._announcements)
        self._pcm = b""
        self._pushed_at_s = 0.0
        self._used_s = 0.0

    async def _run(self) -> None:
        self._start_over()
        self._pushed_at_s = asyncio.get_running_loop().time()
        try:
            while (item := await self._next_input()) is not None:
                if isinstance(item, rtc.AudioFrame):
                    self._take_frame(item)
                else:
                    await self._take_flush()
            while (due_s := self._recogniser.next_due_s) is not None:
                await asyncio.sleep(due_s - self._now_s())
                self._send(self._recogniser.advance(max(due_s, self._now_s())))
        finally:
            self._send_usage(at_least_s=0.0)

    async def _next_input(self) -> rtc.AudioFrame | stt.RecognizeStream._FlushSentinel | None:
        """The next item, or None at the end; gives meanwhile what becomes due."""
        while True:
            due_s = self._recogniser.next_due_s
            wait_s = None if due_s is None else max(0.0, due_s - self._now_s())
            try:
                async with asyncio.timeout(wait_s):
                    return await self._input_ch.recv()
            except TimeoutError:
                self._send(self._recogniser.advance(max(due_s or 0.0, self._now_s())))
            except utils.aio.ChanClosed:
                return None

    def _now_s(self) -> float:
        """The audio's clock: what was heard, and the time gone by since."""
        since_s = asyncio.get_running_loop().time() - self._pushed_at_s
        return self._recogniser.heard_s + since_s

    def _take_frame(self, frame: rtc.AudioFrame) -> None:
        self._pushed_at_s = asyncio.get_running_loop().time()
        self._pcm += bytes(frame.data)
        step_bytes = 2 * (frame.sample_rate // _LEVELS_PER_S)
        ready = len(self._pcm) - len(self._pcm) % step_bytes
        self._send(_hear(self._recogniser, self._pcm[:ready], frame.sample_rate))
        self._pcm = self._pcm[ready:]
        self._send_usage(at_least_s=_USAGE_INTERVAL_S)

    async def _take_flush(self) -> None:
        if self._recogniser.heard_s == 0:
            return  # nobody has been heard: there is no segment
        if self._delay_s > self._conn_options.timeout:
            await wait_for_engine(self._delay_s, self._conn_options)
        self._recogniser.flush(self._now_s())

    def _send(self, heard: list[Heard]) -> None:
        for said in heard:
            self._event_ch.send_nowait(_speech_event(said, self.start_time_offset))

    def _send_usage(self, *, at_least_s: float) -> None:
        new_s = self._recogniser.heard_s - self._used_s
        if new_s <= 0 or new_s < at_least_s or self._event_ch.closed:
            return
        self._used_s = self._recogniser.heard_s
        self._event_ch.send_nowait(usage_event(new_s))


def _hear(recogniser: ScriptedRecogniser, pcm: bytes, sample_rate_hz: int) -> list[Heard]:
    """Feeds the levels of whole 10 ms steps."""
    step_samples = sample_rate_hz // _LEVELS_PER_S
    heard: list[Heard] = []
    for start in range(0, len(pcm) - 2 * step_samples + 1, 2 * step_samples):
        level = level_dbfs(pcm[start : start + 2 * step_samples])
        heard += recogniser.hear(level, step_samples / sample_rate_hz)
    return heard


def _speech_event(said: Heard, offset_s: float) -> stt.SpeechEvent:
    transcript = Transcript(said.text, said.words, confidence=1.0 if said.words else 0.0)
    kind = _EVENT_TYPES[said.kind]
    return speech_event(kind, transcript, language=_LANGUAGE, offset_s=offset_s)
