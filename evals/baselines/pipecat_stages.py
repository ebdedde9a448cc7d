"""The simulated STT, LLM and TTS as pipecat services: same delays, words, replies and tones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TextAggregationMode, TTSService
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601

from evals.baselines.pure import (
    Announcements,
    EdgeFader,
    Heard,
    HeardKind,
    ScriptedRecogniser,
    Tone,
    VoiceChooser,
    count_characters,
    level_dbfs,
    reply_text,
    split_tokens,
)

STT_P99_S = 0.35
"""What pipecat itself assumes of its fastest streaming services."""

_LEVELS_PER_S = 100


class SimulatedSTT(STTService):
    """Interims as the words come; the final by itself in the quiet, or asked for by the VAD's stop.

    Each final is marked as such, so that pipecat does not wait for one that might follow.
    """

    def __init__(self, delay_s: float, announcements: Announcements) -> None:
        settings = STTSettings(model="simulated", language=Language.EN)
        super().__init__(ttfs_p99_latency=STT_P99_S, settings=settings)
        self._recogniser = ScriptedRecogniser(delay_s, announcements)
        self._pcm = b""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            self._recogniser.flush(self._recogniser.heard_s)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        self._pcm += audio
        step_bytes = 2 * self.sample_rate // _LEVELS_PER_S
        while len(self._pcm) >= step_bytes:
            step, self._pcm = self._pcm[:step_bytes], self._pcm[step_bytes:]
            for heard in self._recogniser.hear(level_dbfs(step), 1 / _LEVELS_PER_S):
                yield self._frame(heard)

    def _frame(self, heard: Heard) -> Frame | None:
        details = (heard.text, self._user_id, time_now_iso8601(), Language.EN)
        if heard.kind is HeardKind.INTERIM:
            return InterimTranscriptionFrame(*details)
        if heard.kind is HeardKind.FINAL and heard.words:
            return TranscriptionFrame(*details, finalized=True)
        return None


class SimulatedLLM(LLMService):
    """Answers with the number of user messages; an interruption cancels it."""

    def __init__(self, delay_s: float, tokens_per_s: float = 50.0) -> None:
        unused: dict[str, Any] = dict.fromkeys(
            (
                "system_instruction",
                "temperature",
                "max_tokens",
                "top_p",
                "top_k",
                "frequency_penalty",
                "presence_penalty",
                "seed",
                "filter_incomplete_user_turns",
                "user_turn_completion_config",
            )
        )
        super().__init__(settings=LLMSettings(model="simulated", **unused))
        self._delay_s = delay_s
        self._tokens_per_s = tokens_per_s

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            await self._answer(frame.context)
        finally:
            await self.push_frame(LLMFullResponseEndFrame())

    async def _answer(self, context: LLMContext) -> None:
        loop = asyncio.get_running_loop()
        begun_at_s = loop.time()
        messages = [message for message in context.get_messages() if isinstance(message, dict)]
        number = sum(message["role"] == "user" for message in messages)
        for index, token in enumerate(split_tokens(reply_text(number))):
            due_s = begun_at_s + self._delay_s + index / self._tokens_per_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            await self.push_frame(LLMTextFrame(token))


class SimulatedTTS(TTSService):
    """First audio `delay_s` after a reply's first text, then as fast as the text comes.

    It takes tokens, as the TTS of the other systems does; whole sentences, pipecat's default, would
    be heard some 100 ms later.
    """

    def __init__(self, delay_s: float, reply_s: float) -> None:
        super().__init__(
            text_aggregation_mode=TextAggregationMode.TOKEN,
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model="simulated", voice=None, language=Language.EN),
        )
        self._delay_s = delay_s
        self._voices = VoiceChooser(reply_s)
        self._speaking: tuple[str, _ReplyVoice] | None = None

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        if self._speaking is None or self._speaking[0] != context_id:
            await asyncio.sleep(self._delay_s)
            self._speaking = context_id, _ReplyVoice(self._voices, text, self.sample_rate)
        yield self._audio(self._speaking[1].say(text), context_id)

    async def on_turn_context_completed(self) -> None:
        if self._speaking is not None:
            context_id, voice = self._speaking
            self._speaking = None
            if self.audio_context_available(context_id):
                tail = self._audio(voice.finish(), context_id)
                await self.append_to_audio_context(context_id, tail)
        await super().on_turn_context_completed()

    def _audio(self, pcm: bytes, context_id: str) -> TTSAudioRawFrame:
        return TTSAudioRawFrame(pcm, self.sample_rate, 1, context_id=context_id)


class _ReplyVoice:
    """Turns the text of one reply, token by token, into its tone with clean edges."""

    def __init__(self, voices: VoiceChooser, beginning: str, sample_rate_hz: int) -> None:
        voice = voices.choose(beginning, is_complete=True)
        assert voice is not None
        self._tone = Tone(voice.tone_hz, sample_rate_hz)
        self._samples_per_character = voice.seconds_per_character * sample_rate_hz
        self._fader = EdgeFader(sample_rate_hz)
        self._characters = 0
        self._made_samples = 0

    def say(self, text: str) -> bytes:
        """Never empty: what the fade holds back is shorter than a token."""
        self._characters += count_characters(text)
        total = round(self._characters * self._samples_per_character)
        pcm = self._fader.process(self._tone.make(total - self._made_samples))
        self._made_samples = total
        return pcm

    def finish(self) -> bytes:
        return self._fader.finish()
