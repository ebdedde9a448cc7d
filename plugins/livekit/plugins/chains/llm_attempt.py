"""One member's answer, as it comes, and what is wrong with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from livekit.agents import llm

from .faults import Fault, FaultKind, GarbageError, classify, late
from .member import Member

LLMMember = Member[llm.LLM[Any]]

_LONGEST_CHUNK = 20_000
"""Characters. More at once is no answer to be spoken."""
LOOK_S = 0.1
"""A call that grows is no news: whoever waits for an answer looks at it so often."""
_PAGE = ("<!doctype html", "<html")


class Attempt:
    """Pumps a member's stream in a task of its own: a member that hangs holds up nobody else.

    `task` is to be left to the chain's strays in the end; it closes the stream.
    """

    def __init__(
        self,
        member: LLMMember,
        start: Callable[[], llm.LLMStream],
        news: asyncio.Event,
        *,
        may_be_empty: bool = False,
    ) -> None:
        """`news` is set whenever there is something to see. `may_be_empty`: no word is an answer too,
        where all was said."""
        self._loop = asyncio.get_running_loop()
        self.member = member
        self.begun_s = self.life_s = self._loop.time()
        """`life_s`: when it last gave something, on the loop's clock."""
        self.tokens = 0
        """Chunks with words or calls in them so far."""
        self.tells_usage = False
        """It has said how many tokens its answer took, as none does before the end of it."""
        self.has_ended = False
        self.is_lost = False
        """Set for one whose first word nobody will hear: it stops at it."""
        self._may_be_empty = may_be_empty
        self._error: Fault | None = None
        self._reported: tuple[Exception, Fault] | None = None
        self._chunks: list[llm.ChatChunk] = []
        self._stream: llm.LLMStream | None = None
        self._call_progress: object = None
        self._news = news
        self.task = asyncio.create_task(self._pump(start), name=f"chain.llm.{member.name}")

    def take(self) -> list[llm.ChatChunk]:
        """What has come since it was last asked."""
        chunks, self._chunks = self._chunks, []
        return chunks

    @property
    def has_spoken(self) -> bool:
        """It gave a word or a tool call, or is writing a call: whose pieces livekit keeps back."""
        if self.has_ended:
            return self.tokens > 0 or (self._may_be_empty and self.fault is None)
        return self.tokens > 0 or self.is_calling

    @property
    def is_calling(self) -> bool:
        return _call_in_work(self._stream) is not None

    @property
    def fault(self) -> Fault | None:
        """Why it ended, if that was no good end."""
        if self._error is not None:
            return self._error
        if self.has_ended and self.is_calling:
            return Fault(FaultKind.PROTOCOL, "broke off in the midst of a tool call")
        if self.has_ended and not self.tokens and not self._may_be_empty:
            return Fault(FaultKind.PROTOCOL, "gave an empty answer")
        return None

    def lateness(self, deadline_s: float) -> Fault | None:
        """The fault of one that has not spoken within `deadline_s`."""
        is_late = self._loop.time() >= self.begun_s + deadline_s and not self.has_spoken
        return late(deadline_s, "token") if is_late else None

    def look(self) -> None:
        """Sees whether a call has grown, which is life too: to be called every `LOOK_S`."""
        progress = _call_in_work(self._stream)
        if progress != self._call_progress:
            self._call_progress, self.life_s = progress, self._loop.time()

    def stall(self, stall_s: float) -> Fault | None:
        """The fault of one that has given nothing more for `stall_s`."""
        is_stalled = self._loop.time() >= self.life_s + stall_s
        return late(stall_s, "further token") if is_stalled else None

    async def _pump(self, start: Callable[[], llm.LLMStream]) -> None:
        engine = self.member.engine
        engine.on("error", self._note_error)
        try:
            self._stream = start()
            async for chunk in self._stream:
                self._take(chunk)
                if self.is_lost and self.has_spoken:
                    return
        except Exception as e:
            error, fault = self._reported or (None, None)
            self._error = fault if fault is not None and error is e else classify(e)
        finally:
            engine.off("error", self._note_error)
            self.has_ended = True
            self._news.set()
            if self._stream is not None:
                await self._stream.aclose()

    def _note_error(self, event: llm.LLMError) -> None:
        """livekit's stream cuts its error off from what it came from, and that holds the headers, when
        it raises it once more: as an event it is still whole."""
        self._reported = (event.error, classify(event.error))

    def _take(self, chunk: llm.ChatChunk) -> None:
        _check(chunk)
        self.tokens += _says_something(chunk)
        self.tells_usage = self.tells_usage or chunk.usage is not None
        self._chunks.append(chunk)
        self.life_s = self._loop.time()
        self._news.set()


def _call_in_work(stream: llm.LLMStream | None) -> object:
    """How far a tool call is that is still being written; None if there is none.

    livekit's OpenAI stream gives a call only once it is whole, seconds after its first token: without
    this look at it every longer call would seem a stream that has stalled.
    """
    if getattr(stream, "_tool_call_id", None) is None:
        return None
    return len(getattr(stream, "_fnc_raw_arguments", None) or "")


def _says_something(chunk: llm.ChatChunk) -> bool:
    delta = chunk.delta
    return delta is not None and bool(delta.tool_calls or (delta.content or "").strip())


def _check(chunk: llm.ChatChunk) -> None:
    """Raises GarbageError for what is no part of an answer."""
    if chunk.delta is None:
        return
    text = chunk.delta.content or ""
    if len(text) > _LONGEST_CHUNK:
        raise GarbageError(f"gave {len(text)} characters at once")
    if text[:100].lstrip().lower().startswith(_PAGE):
        raise GarbageError("gave a web page")
    for call in chunk.delta.tool_calls:
        if not call.name or not _is_json_object(call.arguments):
            raise GarbageError("called a tool in a way that cannot be understood")


def _is_json_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments.strip() or "{}"), dict)
    except (ValueError, RecursionError):
        return False
