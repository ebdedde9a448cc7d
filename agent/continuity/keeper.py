"""Keeps one call's conversation up to date in the store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterator
from typing import Literal

from livekit.agents import (
    Agent,
    AgentSession,
    ConversationItemAddedEvent,
    ToolCallEnded,
    ToolCallStarted,
    ToolExecutionUpdatedEvent,
    llm,
)

from agent.continuity.chat import kept_items
from agent.continuity.conversation import Conversation
from agent.continuity.store import ConversationStore, StoreError
from agent.continuity.unfinished import UnfinishedTurn
from agent.tools.state import ToolState
from agent.turns.transcript import same_words

logger = logging.getLogger(__name__)

_RECALL_S = 0.5
"""The caller waits for it in silence."""

Ending = Literal["in order", "interrupted", "taken over"]
"""Over for good; somebody may want to go on with it; somebody goes on with it already."""


class Keeper:
    """Writes after every turn, every tool and every new word of the caller's. A store that fails is
    told once and then ignored."""

    def __init__(
        self,
        store: ConversationStore,
        *,
        room: str,
        job: str,
        language: str,
        tools: Callable[[], ToolState],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is the wall clock: processes compare it. The store is closed with the keeper."""
        self._store = store
        self._room, self._job, self._language = room, job, language
        self._tools = tools
        self._clock = clock
        self.turn = UnfinishedTurn()
        """The caller's, in progress."""
        self._caller: str | None = None
        self._left_s: float | None = None
        self._greeted = False
        self._agent: Agent | None = None
        self._running: dict[str, llm.FunctionCall] = {}
        """Tools that have begun and are not in the conversation, by their calls' ids."""
        self._ended: set[str] = set()
        """Those of them that have ended: livekit is about to add them."""
        self._changed = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._is_told = False
        self._is_over = False

    async def recall(self, callers: Collection[str]) -> Conversation | None:
        """What was said in this room before, if these people go on with it.

        A store that does not say within half a second is not waited for.
        """
        kept = None
        with self._failing_softly():
            kept = await self._load()
        if kept is None or not kept.continues(callers, self._clock()):
            return None
        self.turn.before = kept.unfinished
        return kept

    async def _load(self) -> Conversation | None:
        try:
            async with asyncio.timeout(_RECALL_S):
                return await self._store.load(self._room)
        except TimeoutError:
            message = f"its store did not answer within {_RECALL_S} s of the call's beginning"
            raise StoreError(message) from None

    def attach(self, session: AgentSession[None], agent: Agent) -> None:
        """Writes now, and from now on whenever there is something new."""
        self._agent = agent
        session.on("conversation_item_added", self._on_item)
        session.on("function_tools_executed", self._on_item)
        session.on("tool_execution_updated", self._on_tool)
        self._writing = asyncio.create_task(self._write(), name="conversation-keeper")
        self._changed.set()

    def follow(self, agent: Agent) -> None:
        """Another agent has the session."""
        self._agent = agent
        self._changed.set()

    def linked(self, caller: str) -> None:
        """The agent listens to this caller from now on."""
        if self._caller not in (None, caller):
            self.turn.forget()
        self._caller, self._left_s = caller, None
        self._changed.set()

    def heard(self, words: str) -> None:
        """The caller's turn so far; nothing when its words were taken back."""
        if not same_words(words, self.turn.heard):
            self.turn.heard = words
            self._changed.set()

    def left(self) -> None:
        """The connection of the last caller broke."""
        self._left_s = self._clock()
        self._changed.set()

    def greeted(self) -> None:
        self._greeted = True
        self._changed.set()

    async def end(self, ending: Ending) -> None:
        """Only the first call counts."""
        if self._is_over:
            return
        self._is_over = True
        if self._agent is None or self._writing is None:
            return
        self._changed.set()
        await self._writing
        with self._failing_softly():
            if ending == "in order" or self._caller is None:
                await self._store.delete(self._room)
            elif ending == "interrupted":
                await self._store.save(self._conversation())

    async def aclose(self) -> None:
        await self.end("interrupted")
        with self._failing_softly():
            await self._store.aclose()

    def _on_item(self, event: object) -> None:
        # livekit tells of an item just before or just after it is in the agent's context.
        asyncio.get_running_loop().call_soon(self._take, event)

    def _take(self, event: object) -> None:
        item = event.item if isinstance(event, ConversationItemAddedEvent) else None
        if isinstance(item, llm.ChatMessage) and item.role == "user":
            self.turn.taken()
        if not isinstance(event, ConversationItemAddedEvent):  # the tools of one reply are over
            for call_id in self._ended:
                self._running.pop(call_id, None)
            self._ended.clear()
        self._changed.set()

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        """A tool is kept as soon as it begins: a process that dies in it must not run it again."""
        match event.update:
            case ToolCallStarted(function_call=call):
                self._running[call.call_id] = call
                self._changed.set()
            case ToolCallEnded(call_id=call_id):
                self._ended.add(call_id)

    async def _write(self) -> None:
        while await self._changed.wait() and not self._is_over:
            self._changed.clear()
            with self._failing_softly():
                await self._store.save(self._conversation())

    def _conversation(self) -> Conversation:
        assert self._agent is not None
        return Conversation(
            room=self._room,
            job=self._job,
            caller=self._caller,
            language=self._language,
            greeted=self._greeted,
            items=kept_items(self._agent.chat_ctx, self._running),
            unfinished=self.turn.text,
            tools=self._tools(),
            saved_s=self._clock(),
            left_s=self._left_s,
        )

    @contextlib.contextmanager
    def _failing_softly(self) -> Iterator[None]:
        try:
            yield
        except StoreError as e:
            if not self._is_told:
                logger.warning("the conversation is not kept: %s", e)
            self._is_told = True
