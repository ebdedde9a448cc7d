"""An LLM that does what a script says: speak, wait, call a tool, die, hang, refuse to be closed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Never

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    llm,
)

Step = str | float | Exception | llm.ChoiceDelta | llm.CompletionUsage
"""Words, seconds of silence, a death, anything else of an answer, the usage."""

HANG = 1e6
USAGE = llm.CompletionUsage(prompt_tokens=10, completion_tokens=4, total_tokens=14)


def words(text: str, pace_s: float = 0.02) -> list[Step]:
    """`text` word by word, each followed by a pause."""
    pieces = [piece for piece in text.split(" ") if piece]
    steps: list[Step] = []
    for at, piece in enumerate(pieces):
        steps += [f" {piece}" if at else piece, pace_s]
    return steps


def call(name: str = "get_time", arguments: str = "{}", call_id: str = "call_1") -> llm.ChoiceDelta:
    tool_call = llm.FunctionToolCall(name=name, arguments=arguments, call_id=call_id)
    return llm.ChoiceDelta(role="assistant", tool_calls=[tool_call])


@dataclass
class Asked:
    """A request, and what became of it."""

    chat_ctx: llm.ChatContext
    conn_options: APIConnectOptions
    at_s: float
    ended_at_s: float | None = None
    steps_done: int = 0

    @property
    def messages(self) -> list[tuple[str, str]]:
        return [(m.role, m.text_content or "") for m in self.chat_ctx.messages()]


@dataclass
class Script:
    """The answers one after the other, the last again and again."""

    answers: Sequence[Sequence[Step]]
    closes_after_s: float = 0.0
    """How long a stream goes on after it was told to stop."""
    asked: list[Asked] = field(default_factory=list)


class ScriptedLLM(llm.LLM[Never]):
    def __init__(self, *answers: Sequence[Step], name: str = "scripted", **options: Any) -> None:
        super().__init__()
        self.script = Script(answers, **options)
        self.prewarmed = 0
        self._name = name

    @property
    def model(self) -> str:
        return self._name

    @property
    def provider(self) -> str:
        return "fake"

    @property
    def asked(self) -> list[Asked]:
        return self.script.asked

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        return _ScriptedStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )

    async def _prewarm_impl(self) -> None:
        self.prewarmed += 1


class _ScriptedStream(llm.LLMStream):
    _llm: ScriptedLLM

    async def _run(self) -> None:
        script, loop = self._llm.script, asyncio.get_running_loop()
        asked = Asked(self._chat_ctx, self._conn_options, loop.time())
        answer = script.answers[min(len(script.asked), len(script.answers) - 1)]
        script.asked.append(asked)
        try:
            for step in answer:
                await self._do(step)
                asked.steps_done += 1
        finally:
            if script.closes_after_s:
                await asyncio.sleep(script.closes_after_s)
            asked.ended_at_s = loop.time()

    async def _do(self, step: Step) -> None:
        if isinstance(step, Exception):
            raise step
        if isinstance(step, (int, float)):
            await asyncio.sleep(step)
        elif isinstance(step, llm.CompletionUsage):
            await asyncio.sleep(0.001)  # in no time at all, livekit divides by zero
            self._event_ch.send_nowait(llm.ChatChunk(id=self._llm.model, usage=step))
        else:
            is_text = isinstance(step, str)
            delta = llm.ChoiceDelta(role="assistant", content=step) if is_text else step
            self._event_ch.send_nowait(llm.ChatChunk(id=self._llm.model, delta=delta))
