"""The agents of a call with a realtime model: the one that has it, and the one that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, ModelSettings, llm, stt
from livekit.agents.voice.audio_recognition import _STTPipelineContextVar
from livekit.agents.voice.io import TimedString

from agent.assistant import Assistant
from agent.continuity.unfinished import UnfinishedTurn
from agent.realtime.beside import Beside
from agent.realtime.guard import Guard
from agent.realtime.recorder import RealtimeRecorder
from agent.realtime.tap import from_the_beginning
from agent.realtime.turn_audio import TurnAudio
from agent.tools import Toolbox
from agent.turn_taking import TurnTaking


class RealtimeAssistant(Agent):
    """Hears and speaks by its model. Its recogniser, if it has one, finds the ends of turns, or writes
    down what the caller says where the model does not tell it."""

    def __init__(
        self,
        *,
        instructions: str,
        toolbox: Toolbox,
        model: llm.RealtimeModel,
        turn_taking: TurnTaking,
        recorder: RealtimeRecorder,
        guard: Guard,
        turn: UnfinishedTurn,
        beside: Beside | None = None,
    ) -> None:
        """`beside`: listens to a model's caller that finds the turns itself."""
        abilities = model.capabilities
        finds_turns = abilities.turn_detection
        super().__init__(
            instructions=instructions,
            tools=toolbox.tools(),
            llm=model,
            tts=None if abilities.supports_say else NOT_GIVEN,
            stt=None if finds_turns and beside is None else NOT_GIVEN,
            turn_handling={"turn_detection": "realtime_llm"} if finds_turns else NOT_GIVEN,
        )
        self._turn_taking = turn_taking
        self._recorder = recorder
        self._guard = guard
        self._turn = turn
        self._beside = beside

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        events = Agent.default.stt_node(self, audio, model_settings)
        listener = self._beside or self._turn_taking
        pipeline = _STTPipelineContextVar.get(None)
        if self._beside is not None and pipeline is not None:
            self._beside.flush = pipeline.flush
        async for event in listener.listen(events):
            yield event

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """What a process that died has heard of the turn is told by nobody but the caller now."""
        self._turn.whole(new_message.text_content or "")

    async def realtime_audio_output_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[rtc.AudioFrame]:
        frames = Agent.default.realtime_audio_output_node(self, audio, model_settings)
        async for frame in self._recorder.watch_tts(self._guard.watch_sound(frames)):
            yield frame

    async def transcription_node(
        self, text: AsyncIterable[str | TimedString], model_settings: ModelSettings
    ) -> AsyncIterator[str | TimedString]:
        words = Agent.default.transcription_node(self, text, model_settings)
        async for word in self._recorder.watch_words(self._guard.watch_words(words)):
            yield word


class Successor(Assistant):
    """The cascade's assistant that goes on in the midst of a call."""

    def __init__(self, *, audio: TurnAudio, **options: Any) -> None:
        """`audio`: the caller's turn so far, which its recogniser hears first. Options: Assistant's."""
        super().__init__(**options)
        self.entered = asyncio.Event()
        """The session is its own."""
        self.begun = asyncio.Event()
        """And its recogniser hears."""
        self.on_begin: Callable[[], None] = lambda: None
        """Called just before it hears that turn."""
        self._audio: TurnAudio | None = audio

    async def on_enter(self) -> None:
        self.entered.set()

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        kept, self._audio = self._audio, None
        if kept is not None:
            self.on_begin()
            audio = from_the_beginning(audio, kept)
            self.begun.set()
        async for event in super().stt_node(audio, model_settings):
            yield event


def assistant_of(audio: TurnAudio | None, **options: Any) -> Assistant:
    """The cascade's assistant; with `audio`, one that takes over. Options: Assistant's."""
    return Assistant(**options) if audio is None else Successor(audio=audio, **options)
