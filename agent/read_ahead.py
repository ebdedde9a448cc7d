"""Lets the language model read what will be asked before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from livekit.agents import Agent, llm, stt

from agent.turns.stt_events import INTERIM, text_of

Tools = Sequence[llm.Tool | llm.Toolset]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


@runtime_checkable
class ReadsAhead(Protocol):
    """A language model that keeps what it has read. Both calls fail soft."""

    async def warm_up(self, chat_ctx: llm.ChatContext, tools: Tools = ()) -> None: ...

    async def prefill(
        self, chat_ctx: llm.ChatContext, *, tools: Tools = (), partial: str = ""
    ) -> object: ...


class ReadAhead:
    """For one call; does nothing without a model that can read ahead.

    The instructions are read while the call begins, the caller's words while they are being said.
    An answer that is begun on a likely end takes over: of these the model ends its reading itself.
    """

    def __init__(self, engines: Iterable[object], spawn: Spawn) -> None:
        """Of a call's engines. `spawn` owns the tasks."""
        self._engine = next((each for each in engines if isinstance(each, ReadsAhead)), None)
        self._spawn = spawn
        self._partial = ""

    def begin(self, agent: Agent) -> None:
        """Reads the agent's instructions and tools."""
        if self._engine is not None:
            self._spawn(self._engine.warm_up(agent.chat_ctx, agent.tools))

    def heard(self, event: stt.SpeechEvent, agent: Agent) -> None:
        """Takes what the recogniser says of the turn in progress."""
        text = text_of(event) if event.type is INTERIM else ""
        if self._engine is None or not text or text == self._partial:
            return
        self._partial = text
        self._spawn(self._read(agent, text))

    async def _read(self, agent: Agent, partial: str) -> None:
        assert self._engine is not None
        await self._engine.prefill(agent.chat_ctx, tools=agent.tools, partial=partial)
