"""The simulated LLM: three sentences, the first token after a set delay, then at a set pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Never

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    llm,
    utils,
)

from .delays import check_not_negative, check_positive, format_delay, wait_for_engine
from .reply import reply_text, split_tokens


class LLM(llm.LLM[Never]):
    """Answers with the number of user messages it was sent; deterministic; calls no tools."""

    def __init__(
        self,
        delay_s: float = 0.15,
        tokens_per_s: float = 50.0,
        reply: Callable[[int], str] = reply_text,
    ) -> None:
        """`reply` makes the text from the number of user messages. A text of one's own is no
        longer recognised by the simulated TTS, which then speaks it as any other.
        """
        super().__init__()
        self._delay_s = check_not_negative("delay_s", delay_s)
        self._tokens_per_s = check_positive("tokens_per_s", tokens_per_s)
        self._reply = reply

    @property
    def model(self) -> str:
        return format_delay(self._delay_s)

    @property
    def provider(self) -> str:
        return "simulated"

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
        return _ReplyStream(self, chat_ctx, tools or [], conn_options)


class _ReplyStream(llm.LLMStream):
    def __init__(
        self,
        owner: LLM,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(owner, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._delay_s = owner._delay_s
        self._tokens_per_s = owner._tokens_per_s
        messages = chat_ctx.messages()
        self._prompt_tokens = sum(len((m.text_content or "").split()) for m in messages)
        self._reply = owner._reply(sum(m.role == "user" for m in messages))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        request_id = utils.shortuuid("sim_")
        begun_at_s = loop.time()
        await wait_for_engine(self._delay_s, self._conn_options)
        tokens = split_tokens(self._reply)
        for index, token in enumerate(tokens):
            due_s = begun_at_s + self._delay_s + index / self._tokens_per_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            delta = llm.ChoiceDelta(role="assistant", content=token)
            self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))
        usage = llm.CompletionUsage(
            prompt_tokens=self._prompt_tokens,
            completion_tokens=len(tokens),
            total_tokens=self._prompt_tokens + len(tokens),
        )
        self._event_ch.send_nowait(llm.ChatChunk(id=request_id, usage=usage))
