"""One answer of a llama.cpp server: OpenAI's stream with what a voice needs around it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from livekit.agents import APIConnectOptions, APIError, APITimeoutError, llm
from livekit.agents.llm import utils as llm_utils
from livekit.plugins import openai as openai_plugin
from openai.types.chat.chat_completion_chunk import Choice

from .client import overflow_of
from .errors import MalformedCall, explained
from .thinking import ThinkingFilter

if TYPE_CHECKING:
    from .llm import LLM

_MOST_CUTS = 4
"""How often a conversation that is too long is cut before it is given up."""


class LLMStream(openai_plugin.LLMStream):
    """Fits the conversation into the context, speaks no thoughts, keeps the deadline of the first token."""

    def __init__(
        self,
        owner: LLM,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        extra_kwargs: dict[str, Any],
    ) -> None:
        self._owner = owner
        self._whole = chat_ctx
        self._own_body: dict[str, Any] = extra_kwargs.pop("extra_body", {})
        self._thinking = ThinkingFilter()
        self._deadline: asyncio.Timeout | None = None
        self._is_calling = False
        super().__init__(
            owner,
            model=owner.model,
            provider_fmt="openai",
            strict_tool_schema=False,
            client=owner.client,
            chat_ctx=chat_ctx,
            tools=tools,
            conn_options=conn_options,
            extra_kwargs=extra_kwargs,
        )

    async def _run(self) -> None:
        self._thinking = ThinkingFilter()
        self._is_calling = False
        timeout_s = self._conn_options.timeout
        try:
            async with asyncio.timeout(timeout_s) as self._deadline:
                await self._answer()
        except TimeoutError as e:
            raise APITimeoutError(
                f"the llama.cpp server at {self._owner.url} gave no word within {timeout_s:g} s"
            ) from e
        except APIError as e:
            # Its cause may quote the conversation, and livekit logs the root of the chain.
            raise explained(e, self._owner.url, has_spoken=self._event_ch.output_sent) from None

    async def _answer(self) -> None:
        """Asks; a conversation that has outgrown the context loses its oldest turns and asks again."""
        for cuts_left in reversed(range(_MOST_CUTS + 1)):
            self._chat_ctx = self._owner.history.fit(self._whole)
            body = await self._owner.request_body(
                self._chat_ctx, self._tools, timeout_s=self._conn_options.timeout
            )
            self._extra_kwargs["extra_body"] = {**body, **self._own_body}
            try:
                return await super()._run()
            except APIError as e:
                overflow = overflow_of(e.body)
                if overflow is None:
                    raise
                if not cuts_left or not self._owner.ahead.shrink(
                    self._whole, self._tools, overflow
                ):
                    raise APIError(
                        f"the instructions and tools do not fit into the model's context of"
                        f" {overflow.context_tokens} tokens: shorten them, or give it more context",
                        retryable=False,
                    ) from e

    def _parse_choice(
        self, id: str, choice: Choice, thinking_filter: llm_utils.ThinkingTokenFilter
    ) -> llm.ChatChunk | None:
        delta = choice.delta
        if delta is None:
            return None
        if delta.content or delta.tool_calls or getattr(delta, "reasoning_content", None):
            self._keep_going()
        self._is_calling = self._is_calling or bool(delta.tool_calls)
        delta.content = self._thinking.process(delta.content or "")
        if choice.finish_reason is not None:
            delta.content += self._thinking.finish()
            if choice.finish_reason == "length" and self._is_calling:
                raise MalformedCall("the model's tool call is longer than an answer may be")
        chunk = super()._parse_choice(id, choice, thinking_filter)
        if chunk is not None and chunk.delta is not None:
            for call in chunk.delta.tool_calls:
                _check(call)
        return chunk

    def _keep_going(self) -> None:
        """The first token is there; from now on the deadline is from one to the next."""
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(None)


def _check(call: llm.FunctionToolCall) -> None:
    """Raises MalformedCall unless the arguments are a JSON object; none at all are an empty one."""
    call.arguments = call.arguments.strip() or "{}"
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise MalformedCall(
            f"the model called {call.name!r} with arguments that are no JSON object"
        )
