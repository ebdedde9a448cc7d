"""An LLM that says back what it heard, so that an answer tells which question it is for."""

from __future__ import annotations

import asyncio
from typing import Any, Never

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    llm,
)


class RepeatingLLM(llm.LLM[Never]):
    """One chunk after `delay_s`, or the first of `errors` instead. Keeps what it was asked."""

    def __init__(self, delay_s: float = 0.15) -> None:
        super().__init__()
        self.delay_s = delay_s
        self.errors: list[Exception] = []
        self.asked: list[tuple[float, str]] = []
        """When, on the loop's clock, and the last user message."""

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
        return _RepeatingStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class _RepeatingStream(llm.LLMStream):
    _llm: RepeatingLLM

    async def _run(self) -> None:
        said = [m.text_content or "" for m in self._chat_ctx.messages() if m.role == "user"]
        self._llm.asked.append((asyncio.get_running_loop().time(), said[-1]))
        if self._llm.errors:
            raise self._llm.errors.pop(0)
        await asyncio.sleep(self._llm.delay_s)
        delta = llm.ChoiceDelta(role="assistant", content=f"You have just said to me: {said[-1]}.")
        self._event_ch.send_nowait(llm.ChatChunk(id="repeated", delta=delta))
