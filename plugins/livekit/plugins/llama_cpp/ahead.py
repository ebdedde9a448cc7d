"""Reads a conversation ahead of the answer: the instructions before the first turn, the caller's words
while they are spoken. What is read stays in the call's slot, so the answer pays only for the rest."""

from __future__ import annotations

import json
import logging
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
from livekit.agents import llm

from .client import LlamaClient, Message, Prefill, Refused, overflow_of
from .history import History, Overflow, split_opening
from .newest import NewestOnly

logger = logging.getLogger(__package__)


class ReadAhead:
    """For one call. Fails soft: what is not read ahead is read when the answer is asked for."""

    def __init__(
        self,
        client: LlamaClient,
        history: History,
        *,
        slot: int,
        template_options: Mapping[str, Any],
    ) -> None:
        """`template_options` as in the chat requests: the prompts must be the same."""
        self._client = client
        self._history = history
        self._slot = slot
        self._template_options = template_options
        self._prefills = NewestOnly("llama-prefill")
        self._descriptions = Descriptions()
        self._opening: tuple[str, int] | None = None
        self._has_begun = False
        self._has_warned = False

    def cancel(self) -> None:
        """Ends the prefills, not the reading of the instructions; returns at once."""
        self._prefills.cancel()

    async def warm_up(
        self, chat_ctx: llm.ChatContext, tools: Sequence[llm.Tool], *, timeout_s: float
    ) -> None:
        """Reads the instructions and tools. Nothing once the conversation has begun: the slot holds
        more by then, which this would throw away."""
        if self._has_begun:
            return
        opening, _ = split_opening(chat_ctx.items)
        try:
            await self._read(llm.ChatContext(opening), tools, "", timeout_s=timeout_s)
        except (Refused, httpx2.HTTPError) as e:
            self._warn_once(e)

    async def opening_tokens(
        self, chat_ctx: llm.ChatContext, tools: Sequence[llm.Tool], *, timeout_s: float
    ) -> int:
        """How many tokens the instructions and tools take, which a context shift must keep.

        0 if there are none or the server cannot tell. Asked of the server when they change.
        """
        self._has_begun = True
        opening, _ = split_opening(chat_ctx.items)
        if not opening and not tools:
            return 0
        messages, described = _messages(llm.ChatContext(opening)), self._descriptions.of(tools)
        key = json.dumps([messages, described])
        if self._opening is None or self._opening[0] != key:
            try:
                count = await self._count(messages, described, timeout_s)
            except (Refused, httpx2.HTTPError) as e:
                if not isinstance(e, Refused) or e.status != 404:
                    return 0  # the request that follows says what is wrong
                self._warn_once(e)
                count = 0
            self._opening = (key, count)
        return self._opening[1]

    async def prefill(
        self,
        chat_ctx: llm.ChatContext,
        tools: Sequence[llm.Tool],
        partial: str,
        *,
        tells_end: bool = False,
        timeout_s: float,
    ) -> Prefill | None:
        """Reads the conversation and what the caller has said of their turn so far.

        One at a time; of those asked for meanwhile only the newest. None if it was superseded,
        cancelled or failed.
        """
        self._has_begun = True
        return await self._prefills.run(
            lambda: self._prefill(
                chat_ctx, tools, partial.strip(), tells_end=tells_end, timeout_s=timeout_s
            )
        )

    def shrink(
        self, chat_ctx: llm.ChatContext, tools: Sequence[llm.Tool], overflow: Overflow
    ) -> bool:
        """Cuts the oldest turns of a conversation that was refused. False if there are none."""
        logger.info(
            "a conversation is longer than the model's context: its oldest turns are left out",
            extra={"tokens": overflow.prompt_tokens, "context_tokens": overflow.context_tokens},
        )
        described = json.dumps(self._descriptions.of(tools)) if tools else ""
        return self._history.shrink(chat_ctx, overflow, other_chars=len(described))

    async def _prefill(
        self,
        chat_ctx: llm.ChatContext,
        tools: Sequence[llm.Tool],
        partial: str,
        *,
        tells_end: bool,
        timeout_s: float,
    ) -> Prefill | None:
        fitting = self._history.fit(chat_ctx)
        tells_end = tells_end and bool(partial)
        try:
            return await self._read(
                fitting, tools, partial, tells_end=tells_end, timeout_s=timeout_s
            )
        except (Refused, httpx2.HTTPError) as e:
            overflow = overflow_of(e.body) if isinstance(e, Refused) else None
            if overflow is not None:
                self.shrink(chat_ctx, tools, overflow)  # the next one, or the answer, is shorter
            else:
                self._warn_once(e)
            return None

    async def _read(
        self,
        chat_ctx: llm.ChatContext,
        tools: Sequence[llm.Tool],
        partial: str,
        *,
        tells_end: bool = False,
        timeout_s: float,
    ) -> Prefill | None:
        prompt = await self._client.render(
            _messages(chat_ctx),
            self._descriptions.of(tools),
            partial,
            self._template_options,
            timeout_s=timeout_s,
        )
        if prompt is None:
            return None
        return await self._client.evaluate(
            prompt, slot=self._slot, tells_end=tells_end, timeout_s=timeout_s
        )

    async def _count(
        self, messages: list[Message], described: list[dict[str, Any]], timeout_s: float
    ) -> int:
        prompt = await self._client.render(
            messages, described, "", self._template_options, timeout_s=timeout_s
        )
        if prompt is None:
            return 0
        return len(await self._client.tokenize(prompt.text, timeout_s=timeout_s))

    def _warn_once(self, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "the llama.cpp server does not read ahead: answers begin later",
                extra={"error": f"{type(error).__name__}: {error}"},
            )


class Descriptions:
    """The tools as a chat request describes them. Made once for the same tools: half a millisecond
    each, on the event loop."""

    def __init__(self) -> None:
        self._tools: list[llm.Tool] = []
        self._described: list[dict[str, Any]] = []

    def of(self, tools: Sequence[llm.Tool]) -> list[dict[str, Any]]:
        if len(tools) != len(self._tools) or any(map(operator.is_not, tools, self._tools)):
            self._tools = list(tools)
            self._described = llm.ToolContext(self._tools).parse_function_tools(
                "openai", strict=False
            )
        return self._described


def _messages(chat_ctx: llm.ChatContext) -> list[Message]:
    messages: list[Message]
    messages, _ = chat_ctx.to_provider_format(format="openai")
    return messages
