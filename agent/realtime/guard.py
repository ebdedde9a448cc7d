"""Watches a realtime model in a session: notices when it fails, and what the caller then waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, TypeVar

from livekit import rtc
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConversationItemAddedEvent,
    ErrorEvent,
    FunctionToolsExecutedEvent,
    SpeechCreatedEvent,
    ToolCallEnded,
    ToolCallStarted,
    ToolExecutionUpdatedEvent,
    llm,
    stt,
)
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.events import EventTypes
from livekit.plugins.speechcore import Timer

from agent.realtime.deadline import AnswerDeadline
from agent.realtime.pending import Pending
from agent.realtime.reports import Reason, Reports
from agent.watch import cancel_tools

logger = logging.getLogger(__name__)

Word = TypeVar("Word", bound=str)
_TOO_LONG = "error: it took too long and was given up"

OnFailed = Callable[[Reason, str], None]


class Guard:
    """Of one call. `fail` is called once: the reason, and what was seen of it."""

    def __init__(self, pending: Pending, deadline: AnswerDeadline, fail: OnFailed) -> None:
        self._pending = pending
        self._deadline = deadline
        self._fail = fail
        self._session: AgentSession[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = Timer()
        self._answers: dict[SpeechHandle, int] = {}
        """The turn that each answers."""
        self._asked_for: SpeechHandle | None = None
        """Whose answer is awaited; None where the model began it by itself."""
        self._heard: set[SpeechHandle] = set()
        """Those with a sound, or with a tool's work in its place."""
        self._tools: dict[str, asyncio.TimerHandle] = {}
        """When those that run are given up, by their calls."""
        self._given_up: set[str] = set()
        """The calls of those that were."""
        self.decided = asyncio.Event()
        """The model has a session, or has failed."""
        self.reports = Reports(
            ready=self.decided.set, asked=self._asked, saying=self._saying, failed=self.failed
        )
        self.has_failed = False

    def attach(self, session: AgentSession[None]) -> None:
        """Before the session starts: its model may fail at once."""
        self._session = session
        for event, handler in self._handlers.items():
            session.on(event, handler)

    def watch(self, realtime: llm.RealtimeSession[Any]) -> None:
        """Once the session runs. An answer that the model begins by itself has to come, too."""
        realtime.on("generation_created", self._on_generation)

    def close(self) -> None:
        if self._session is not None:
            for event, handler in self._handlers.items():
                self._session.off(event, handler)
        self._session = None
        self._timer.cancel()
        for due in self._tools.values():
            due.cancel()
        self._tools.clear()

    def failed(self, reason: Reason, detail: str) -> None:
        """Only the first time counts."""
        if not self.has_failed:
            self.has_failed = True
            self.decided.set()
            self._timer.cancel()
            self._fail(reason, detail)

    def done(self, handle: SpeechHandle) -> None:
        """A speech is done, for better or worse. Not by a callback of the handle's: they come in any
        order, and this has to come before the record."""
        turn = self._answers.pop(handle, None)
        was_heard = handle in self._heard
        self._heard.discard(handle)
        if self.has_failed:
            return
        if self._asked_for in (None, handle):
            self._deadline.ended()
        error = handle.exception()
        if error is not None or not (was_heard or handle.interrupted):
            self.failed("error", str(error or "an answer without a sound"))
        elif turn is not None:
            self._pending.settled(turn)
        else:
            self._pending.saying = None

    async def watch_sound(
        self, frames: AsyncIterable[rtc.AudioFrame]
    ) -> AsyncIterator[rtc.AudioFrame]:
        """Passes on what the model says."""
        async for frame in frames:
            self._deadline.came(self._loop.time(), frame.duration)
            self._deadline.held_up()
            yield frame
            self._deadline.taken(self._loop.time())
            self._arm()
        self._ended()

    async def watch_words(self, words: AsyncIterable[Word]) -> AsyncIterator[Word]:
        """Passes on the words of it."""
        async for word in words:
            self._deadline.came(self._loop.time())
            yield word

    @property
    def _handlers(self) -> dict[EventTypes, Callable[..., None]]:
        return {
            "error": self._on_error,
            "speech_created": self._on_speech,
            "agent_state_changed": self._on_agent_state,
            "tool_execution_updated": self._on_tool,
            "function_tools_executed": self._on_tools_done,
            "conversation_item_added": self._on_item,
        }

    def _asked(self) -> None:
        if self._session is not None:
            self._await(self._session.current_speech)

    def _await(self, speech: SpeechHandle | None) -> None:
        self._asked_for = speech
        self._deadline.asked(self._loop.time())
        if self._pending.saying is None:
            self._pending.asked()
        self._arm()

    def _saying(self, text: str) -> None:
        self._pending.saying = text

    def _ended(self) -> None:
        """After a failure livekit ends what was in work: that is not all of it."""
        if not self.has_failed:
            self._deadline.ended()
            self._pending.whole()

    def _on_generation(self, event: llm.GenerationCreatedEvent) -> None:
        if not event.user_initiated:
            self._await(None)

    def _on_error(self, event: ErrorEvent) -> None:
        error = event.error
        if isinstance(error, llm.RealtimeModelError) and not error.recoverable:
            error.recoverable = True  # the call goes on: livekit would end it
            self.failed(*_what(error.error))
        elif isinstance(error, stt.STTError) and not self.has_failed:
            error.recoverable = True  # the model hears for itself

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        handle = event.speech_handle
        if event.source == "generate_reply":
            if handle.input_details.modality == "text":
                self._pending.typed()
            else:
                self._pending.over()
            self._answers[handle] = self._pending.turn

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        speech = self._session.current_speech if self._session else None
        if event.new_state != "speaking" or speech is None:
            return
        self._heard.add(speech)
        if speech in self._answers:
            self._pending.sounding(self._answers[speech])
        else:
            self._pending.saying = None

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        match event.update:
            case ToolCallStarted(function_call=call):
                self._deadline.ended()
                if self._session is not None and (speech := self._session.current_speech):
                    self._heard.add(speech)
                if self._deadline.tool_s:
                    due = self._loop.call_later(self._deadline.tool_s, self._give_up_tool, call)
                    self._tools[call.call_id] = due
            case ToolCallEnded(call_id=call_id) if call_id in self._tools:
                self._tools.pop(call_id).cancel()

    def _give_up_tool(self, call: llm.FunctionCall) -> None:
        logger.warning("a tool takes too long: it is cancelled", extra={"tool": call.name})
        self._given_up.add(call.call_id)
        cancel_tools({call.name})

    def _on_tools_done(self, event: FunctionToolsExecutedEvent) -> None:
        """Before the model is told: a tool that was given up would have nothing to say."""
        for output in event.function_call_outputs:
            if output.call_id in self._given_up:
                output.output, output.is_error, output.reply_required = _TOO_LONG, True, True

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._pending.known()

    def _arm(self) -> None:
        """A timer for the moment at which the model will be overdue. One that is early looks."""
        due_s = None if self.has_failed else self._deadline.due_s
        self._timer.at_latest(due_s, self._on_time, due_s)

    def _on_time(self, at_s: float) -> None:
        if overdue := self._deadline.overdue(max(at_s, self._loop.time())):
            self.failed(overdue, "no answer in time" if overdue == "late" else "the answer broke")
        else:
            self._arm()


def _what(error: Exception) -> tuple[Reason, str]:
    """An error that ends a realtime session, in a word and in a sentence for the log."""
    if isinstance(error, APIStatusError):
        return "refused", f"status {error.status_code}"
    if isinstance(error, APITimeoutError):
        return "connection", "no connection in time"
    if isinstance(error, APIConnectionError):
        return "connection", "the connection has ended"
    code = getattr(getattr(error, "body", None), "code", None)
    return "error", str(code or type(error).__name__)
