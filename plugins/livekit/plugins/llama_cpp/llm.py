"""A livekit LLM over a llama.cpp server, one that we started or any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import openai
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    llm,
)
from livekit.agents.llm import utils as llm_utils
from livekit.agents.utils import is_given
from livekit.plugins import openai as openai_plugin

from .ahead import ReadAhead
from .client import HANG_UP, LlamaClient, Prefill, http_client
from .history import History
from .stream import LLMStream

_FEWEST_KEPT = 4
"""Tokens that stay in front when the context is shifted: attention rests on the first few, without
them a model babbles (StreamingLLM, arXiv 2309.17453)."""


class LLM(openai_plugin.LLM):
    """One call's model. Its slot keeps the conversation evaluated, so that an answer begins at once;
    an answer that is interrupted drops its connection, and the slot is free after the token in work.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str = "llama.cpp",
        slot: int | None = None,
        max_tokens: int = 512,
        temperature: NotGivenOr[float] = NOT_GIVEN,
        may_think: bool = False,
        extra_body: Mapping[str, Any] | None = None,
        api_key: str = "none",
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        """`url` with or without "/v1"; `model` is what metrics call it.

        `slot`: the one that is this call's own; without it the server picks the one whose cache is
        most like the prompt. `may_think`: models that can think do; it takes time and is never
        spoken. `extra_body` goes into each request: a seed, a grammar. `http` stays the caller's to
        close.
        """
        self.url = url.rstrip("/").removesuffix("/v1").rstrip("/")
        used = http or http_client(self.url, api_key)
        self.client = openai.AsyncClient(
            api_key=api_key, base_url=f"{self.url}/v1", max_retries=0, http_client=used
        )
        super().__init__(
            model=model, client=self.client, temperature=temperature, _strict_tool_schema=False
        )
        self.history = History()
        self._owns_http = http is None
        self._slot = -1 if slot is None else slot  # -1 lets the server pick
        self._max_tokens = max_tokens
        self._template_options = {"chat_template_kwargs": {"enable_thinking": may_think}}
        self._extra_body = extra_body or {}
        self.ahead = ReadAhead(
            LlamaClient(self.url, used),
            self.history,
            slot=self._slot,
            template_options=self._template_options,
        )

    @property
    def provider(self) -> str:
        return "llama_cpp"

    async def aclose(self) -> None:
        self.ahead.cancel()
        await super().aclose()
        if self._owns_http:
            await self.client.close()

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        response_format: NotGivenOr[Any] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> LLMStream:
        """Ends a prefill in work: the answer needs the slot, and what was read stays in it."""
        self.ahead.cancel()
        usable = list(tools or [])
        options: dict[str, Any] = {"max_tokens": self._max_tokens, "extra_headers": {**HANG_UP}}
        if is_given(self._opts.temperature):
            options["temperature"] = self._opts.temperature
        if is_given(parallel_tool_calls):
            options["parallel_tool_calls"] = parallel_tool_calls
        if isinstance(tool_choice, dict):
            # llama.cpp knows no choice by name: that one tool is all that the model is shown.
            name = tool_choice["function"]["name"]
            chosen = llm.ToolContext(usable).function_tools.get(name)
            usable = [chosen] if chosen is not None else usable
            options["tool_choice"] = "required"
        elif is_given(tool_choice):
            options["tool_choice"] = tool_choice
        if is_given(response_format):
            options["response_format"] = llm_utils.to_openai_response_format(response_format)
        if is_given(extra_kwargs):
            options.update(extra_kwargs)
        return LLMStream(
            self, chat_ctx=chat_ctx, tools=usable, conn_options=conn_options, extra_kwargs=options
        )

    async def warm_up(
        self,
        chat_ctx: llm.ChatContext,
        tools: Sequence[llm.Tool] = (),
        *,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> None:
        """Reads the instructions that `chat_ctx` begins with, and the tools; before the first turn."""
        await self.ahead.warm_up(chat_ctx, tools, timeout_s=conn_options.timeout)

    async def prefill(
        self,
        chat_ctx: llm.ChatContext,
        *,
        tools: Sequence[llm.Tool] = (),
        partial: str = "",
        tells_end: bool = False,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> Prefill | None:
        """Reads the conversation, and what the caller has said of their turn so far.

        `tells_end`: how probable it is that the turn ends there is found out on the way.
        Cancellable, one at a time: of those asked for meanwhile only the newest is done, the others
        give None. So does one that fails or that `chat()` ends.
        """
        return await self.ahead.prefill(
            chat_ctx, tools, partial, tells_end=tells_end, timeout_s=conn_options.timeout
        )

    async def request_body(
        self, chat_ctx: llm.ChatContext, tools: Sequence[llm.Tool], *, timeout_s: float
    ) -> dict[str, Any]:
        """What a chat request says beyond OpenAI's fields."""
        kept = await self.ahead.opening_tokens(chat_ctx, tools, timeout_s=timeout_s)
        return {
            "cache_prompt": True,
            "id_slot": self._slot,
            "n_keep": max(kept, _FEWEST_KEPT),
            "reasoning_format": "deepseek",
            "return_progress": True,  # so that a dropped connection is noticed between two batches
            **self._template_options,
            **self._extra_body,
        }
