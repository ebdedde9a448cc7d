"""The assistant: instructions, tools and the three nodes of its pipeline, timed."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

from livekit import rtc
from livekit.agents import Agent, FlushSentinel, ModelSettings, llm, stt

from agent.tools import Toolbox
from agent.turn_recorder import TurnRecorder

DEFAULT_INSTRUCTIONS = Path(__file__).parent / "prompts" / "assistant.md"


class Assistant(Agent):
    """One call's agent. It tells the recorder what its engines do, and changes nothing of it."""

    def __init__(self, *, instructions: str, toolbox: Toolbox, recorder: TurnRecorder) -> None:
        super().__init__(instructions=instructions, tools=toolbox.tools())
        self._recorder = recorder

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        async for event in Agent.default.stt_node(self, audio, model_settings):
            self._recorder.stt_event(event)
            yield event

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncIterator[llm.ChatChunk | str | FlushSentinel]:
        chunks = Agent.default.llm_node(self, chat_ctx, tools, model_settings)
        async for chunk in self._recorder.watch_llm(chat_ctx, chunks):
            yield chunk

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncIterator[rtc.AudioFrame]:
        frames = Agent.default.tts_node(self, text, model_settings)
        async for frame in self._recorder.watch_tts(frames):
            yield frame
