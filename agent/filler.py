"""Says a short phrase when a tool keeps the caller waiting."""

from __future__ import annotations

import asyncio

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    ToolCallEnded,
    ToolCallStarted,
    ToolExecutionUpdatedEvent,
    UserStateChangedEvent,
    llm,
)
from livekit.agents.voice import SpeechHandle
from livekit.plugins.speechcore import Timer

from agent.turns.fillers import Fillers


class Filler:
    """Fills one session's silences. `attach()` begins, `close()` ends it.

    A filler can be interrupted and stays out of the conversation that the LLM reads. An answer that
    comes while it is spoken waits for its end.
    """

    def __init__(self, session: AgentSession[None], fillers: Fillers) -> None:
        self._session = session
        self._fillers = fillers
        self._calls: set[str] = set()
        self._filler: SpeechHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = Timer()

    def attach(self) -> None:
        self._session.on("tool_execution_updated", self._on_tool)
        self._session.on("user_state_changed", self._on_state)
        self._session.on("agent_state_changed", self._on_state)
        self._session.on("conversation_item_added", self._on_item)

    def close(self) -> None:
        self._session.off("tool_execution_updated", self._on_tool)
        self._session.off("user_state_changed", self._on_state)
        self._session.off("agent_state_changed", self._on_state)
        self._session.off("conversation_item_added", self._on_item)
        self._timer.cancel()

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        match event.update:
            case ToolCallStarted(function_call=call):
                self._calls.add(call.call_id)
            case ToolCallEnded(call_id=call_id):
                self._calls.discard(call_id)
        self._look()

    def _on_state(self, _: UserStateChangedEvent | AgentStateChangedEvent) -> None:
        self._look()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        """A typed turn begins with its text; a spoken one has begun with the sound."""
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._look(user_acted=True)

    def _look(self, *, user_acted: bool = False) -> None:
        speech = self._session.current_speech
        is_own = speech is not None and speech is self._filler
        phrase = self._fillers.process(
            self._loop.time(),
            tool_running=bool(self._calls),
            user_active=user_acted or self._session.user_state == "speaking",
            agent_speaking=self._session.agent_state == "speaking" and not is_own,
            agent_busy=speech is not None,
        )
        self._timer.at(self._fillers.due_s, self._look)
        if phrase is not None:
            # Not in here: speech belongs to the context it is created in, and this may be that of
            # another speech's event.
            self._loop.call_soon(self._say, phrase)

    def _say(self, phrase: str) -> None:
        try:
            self._filler = self._session.say(phrase, add_to_chat_ctx=False)
        except RuntimeError:
            return  # the session is closing
