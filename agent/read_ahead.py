"""Lets the language model read what will be asked before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, llm, stt

from agent.turns.stt_events import FINAL, INTERIM, PREFLIGHT

Tools = Sequence[llm.Tool | llm.Toolset]
Spawn = Callable[[Coroutine[Any, Any, None]], None]
OnEnd = Callable[[str, float], None]
"""Told words of the caller's turn, and how probable its end after them is to the model."""


class Reading(Protocol):
    """What a model says of words that it has read."""

    @property
    def end_probability(self) -> float | None: ...


@runtime_checkable
class ReadsAhead(Protocol):
    """A language model that keeps what it has read. Both calls fail soft."""

    async def warm_up(self, chat_ctx: llm.ChatContext, tools: Tools = ()) -> None: ...

    async def prefill(
        self,
        chat_ctx: llm.ChatContext,
        *,
        tools: Tools = (),
        partial: str = "",
        tells_end: bool = False,
    ) -> Reading | None: ...


class ReadAhead:
    """For one call; does nothing without a model that can read ahead.

    The instructions are read while the call begins, an answer once it has been spoken (as far as it was
    heard), the caller's words while they are being said.
    An answer that is begun on a likely end takes over: of these the model ends its reading itself.
    """

    def __init__(
        self, engines: Iterable[object], spawn: Spawn, on_end: OnEnd | None = None
    ) -> None:
        """Of a call's engines. `spawn` owns the tasks. `on_end` costs a token for each partial."""
        self._engine = next((each for each in engines if isinstance(each, ReadsAhead)), None)
        self._spawn = spawn
        self._on_end = on_end
        self._partial = ""

    def begin(self, agent: Agent, session: AgentSession[None]) -> None:
        """Reads the agent's instructions and tools, and from now on what has been said to the caller."""
        if self._engine is not None:
            self._spawn(self._engine.warm_up(agent.chat_ctx, agent.tools))
            session.on("conversation_item_added", lambda event: self._added(event, agent))

    def _added(self, event: ConversationItemAddedEvent, agent: Agent) -> None:
        is_said = isinstance(event.item, llm.ChatMessage) and event.item.role == "assistant"
        if is_said and not self._partial and self._engine is not None:
            self._spawn(self._read(self._engine, agent, ""))

    def heard(self, event: stt.SpeechEvent, words: str, agent: Agent) -> None:
        """Takes what the recogniser says; `words`: of the whole turn in progress."""
        if event.type is FINAL:
            self._partial = ""  # the next turn may be the same words
        elif event.type is PREFLIGHT:
            self._partial = words  # the answer that is begun reads them
        elif event.type is INTERIM and words and words != self._partial:
            self._partial = words
            if self._engine is not None:
                self._spawn(self._read(self._engine, agent, words))

    async def _read(self, engine: ReadsAhead, agent: Agent, words: str) -> None:
        items = len(agent.chat_ctx.items)
        read = await engine.prefill(
            agent.chat_ctx,
            tools=agent.tools,
            partial=words,
            tells_end=self._on_end is not None,
        )
        is_late = len(agent.chat_ctx.items) != items  # somebody's turn has ended meanwhile
        if self._on_end and read and read.end_probability is not None and not is_late:
            self._on_end(words, read.end_probability)
