"""The thread of one call: picked up where another process dropped it, and held for the next one."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, AgentSession, JobContext

from agent import metrics
from agent.config import Settings
from agent.continuity.chat import chat_context, is_unknown
from agent.continuity.conversation import Conversation
from agent.continuity.keeper import Ending, Keeper
from agent.continuity.rooms import mark_of, withdraw
from agent.continuity.store import ConversationStore
from agent.continuity.unfinished import UnfinishedTurn, last_words
from agent.profiles import Choice
from agent.tools import Toolbox

logger = logging.getLogger(__name__)

_SETTLING_S = 1.0
"""After a reconnection: a newcomer that has seen us leaves meanwhile."""

_SENT_AWAY = (
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
)
"""Somebody wanted it; after everything else somebody may want the call to go on."""


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """What a call begins with."""

    greeting: str | None
    resumed: str
    """The conversation goes on."""
    heard: str
    """Then, if the caller was speaking: what was heard last, in the place of {words}."""
    restarted: str
    """There was one before, and it is lost."""

    @classmethod
    def of(cls, settings: Settings, choice: Choice) -> Phrases:
        return cls(
            greeting=choice.greeting,
            resumed=settings.agent_resume_phrase,
            heard=settings.agent_resume_heard_phrase,
            restarted=settings.agent_restart_phrase,
        )

    def back(self, unfinished: str) -> str:
        """Said after a return into a conversation in which the caller had begun a turn so.

        They may have gone on while nobody listened, so that no answer to it would be right: told
        what was heard, they know what to say again.
        """
        if not unfinished:
            return self.resumed
        return f"{self.resumed} {self.heard.replace('{words}', last_words(unfinished))}"


class Thread:
    """One call's. `pick_up()` once connected, `hold()` once the session runs, `drop()` at the end."""

    def __init__(
        self,
        ctx: JobContext,
        store: ConversationStore,
        toolbox: Toolbox,
        *,
        language: str,
        was_interrupted: bool,
    ) -> None:
        """The store is closed with the thread. `was_interrupted`: there was a process before."""
        self._ctx = ctx
        self._toolbox = toolbox
        self._was_interrupted = was_interrupted
        self._kept: Conversation | None = None
        self._reason: rtc.DisconnectReason.ValueType | None = None
        self._keeper = Keeper(
            store,
            room=ctx.job.room.name,
            job=ctx.job.id,
            language=language,
            tools=toolbox.state,
        )
        ctx.room.on("disconnected", self._on_disconnected)
        self._staying = asyncio.create_task(self._stay(), name="stay-in-room")

    @property
    def turn(self) -> UnfinishedTurn:
        """The caller's, with what a process before has heard of it."""
        return self._keeper.turn

    @property
    def has_other_agent(self) -> bool:
        """Whether another of our agents is in the room; the one that came later leaves."""
        mark = mark_of(self._ctx.job.agent_name).items()
        others = self._ctx.room.remote_participants.values()
        # The kind is signed by the server; attributes may be a caller's own.
        return any(
            other.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
            and other.attributes.items() >= mark
            for other in others
        )

    async def is_doubled(self) -> bool:
        """After a reconnection: whether another agent has taken the call over meanwhile."""
        await asyncio.sleep(_SETTLING_S)
        return self.has_other_agent

    async def pick_up(self, callers: tuple[str, ...], agent: Agent) -> str | None:
        """Gives a new agent what was said before; returns whom it was said by."""
        self._kept = await self._keeper.recall(callers)
        if self._kept is None:
            return None
        await agent.update_chat_ctx(chat_context(self._kept.items))
        logger.info("a conversation goes on", extra={"items": len(self._kept.items)})
        return self._kept.caller

    def hold(self, session: AgentSession[None], agent: Agent, phrases: Phrases) -> None:
        """Says the first words, and keeps from now on what is said."""
        if self._kept is not None:
            metrics.RETURNS.labels("kept").inc()
            self._toolbox.restore(self._kept.tools)
            session.say(phrases.back(self._kept.unfinished), add_to_chat_ctx=False)
            if self._kept.awaits_answer and not self._kept.unfinished:
                # A tool that may have run is not run again before the caller wants it.
                is_in_doubt = is_unknown(self._kept.items[-1])
                session.generate_reply(tool_choice="none" if is_in_doubt else NOT_GIVEN)
        elif self._was_interrupted:
            metrics.RETURNS.labels("lost").inc()
            session.say(phrases.restarted)
        elif phrases.greeting:
            session.say(phrases.greeting)
        self._keeper.greeted()
        self._keeper.attach(session, agent)

    def handed_over(self, agent: Agent) -> None:
        """Another agent goes on with the conversation."""
        self._keeper.follow(agent)

    def linked(self, caller: str) -> None:
        """The agent listens to this caller from now on."""
        self._keeper.linked(caller)

    def heard(self, words: str) -> None:
        """The caller's turn so far."""
        self._keeper.heard(words)

    def left(self) -> None:
        """The last caller's connection broke. While it is our own that is broken, all seem to leave."""
        if self._ctx.room.connection_state == rtc.ConnectionState.CONN_CONNECTED:
            self._keeper.left()

    async def end(self, ending: Ending) -> None:
        """To be called before the room is closed; only the first call counts."""
        await self._keeper.end(ending)

    async def withdraw(self) -> None:
        """No worker is to bring this agent back."""
        await withdraw(self._ctx.api, self._ctx.job)

    async def drop(self) -> None:
        """The process ends, in order or not."""
        if self._reason in _SENT_AWAY:
            await self._keeper.end("in order")
        if self._reason == rtc.DisconnectReason.PARTICIPANT_REMOVED:
            # A deleted room takes its dispatches along: the server would look for it for 3 s.
            await self.withdraw()
        await self._keeper.aclose()
        self._staying.cancel()

    async def _stay(self) -> None:
        """Leaves the room when the loop ends, which it does at once when the worker has died.

        livekit does not, and the server would wait for us to reconnect for 20 s.
        """
        try:
            await asyncio.Event().wait()
        finally:
            await self._ctx.room.disconnect()

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._reason = reason
