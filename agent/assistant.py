"""The assistant: instructions, tools and the three nodes of its pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

from livekit import rtc
from livekit.agents import Agent, FlushSentinel, ModelSettings, llm, stt

from agent.config import Settings
from agent.continuity.unfinished import UnfinishedTurn
from agent.read_ahead import ReadAhead
from agent.tools import Toolbox
from agent.turn_recorder import TurnRecorder
from agent.turn_taking import TurnTaking
from agent.watch import Watch

DEFAULT_INSTRUCTIONS = Path(__file__).parent / "prompts" / "assistant.md"


def instructions_of(settings: Settings, own: str | None) -> str:
    """A call's `own`, else the file of the settings, else ours."""
    path = settings.agent_instructions or DEFAULT_INSTRUCTIONS
    return own or path.read_text(encoding="utf-8")


class Assistant(Agent):
    """One call's agent. It hears what its turn-taking lets through, and tells the recorder all."""

    def __init__(
        self,
        *,
        instructions: str,
        toolbox: Toolbox,
        recorder: TurnRecorder,
        turn_taking: TurnTaking,
        read_ahead: ReadAhead,
        watch: Watch,
        turn: UnfinishedTurn,
    ) -> None:
        super().__init__(instructions=instructions, tools=toolbox.tools())
        self._recorder = recorder
        self._turn_taking = turn_taking
        self._read_ahead = read_ahead
        self._watch = watch
        self._turn = turn

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        events = Agent.default.stt_node(self, audio, model_settings)
        async for event in self._turn_taking.listen(self._watch.hear(events)):
            self._recorder.stt_event(event)
            self._watch.took(event)
            self._read_ahead.heard(event, self._turn_taking.words, self)
            yield event

    async def on_exit(self) -> None:
        self._watch.leave()

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Puts in front what a process that died has heard of this turn."""
        words = new_message.text_content or ""
        whole = self._turn.whole(words)
        if whole != words:
            new_message.content = [whole]

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncIterator[llm.ChatChunk | str | FlushSentinel]:
        chunks = Agent.default.llm_node(self, chat_ctx, tools, model_settings)
        async for chunk in self._recorder.watch_llm(chat_ctx, self._watch.write(chunks)):
            yield chunk

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncIterator[rtc.AudioFrame]:
        frames = Agent.default.tts_node(self, text, model_settings)
        async for frame in self._recorder.watch_tts(frames):
            yield frame
