"""The responder as a livekit LLM: answers from skills, calls the same tools as a real one."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Never

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    llm,
    utils,
)
from livekit.agents.utils import is_given
from livekit.plugins.speechcore import EngineThread
from livekit.plugins.speechio import to_api_error

from .conversation import Conversation, read_conversation
from .replies import Moment, Reply, Responder
from .skills_file import load_skills

_TOKEN = re.compile(r"\S+\s*")


class LLM(llm.LLM[Never]):
    """Needs no model. Understands what its skills file has examples for, and says so otherwise."""

    def __init__(
        self, skills_path: Path | None = None, *, tokens_per_s: NotGivenOr[float] = NOT_GIVEN
    ) -> None:
        """`skills_path` adds to the built-in skills. `tokens_per_s` slows the stream of words
        down to a model's pace; as fast as it can by default.

        Raises SkillsError listing all problems of the file, ValueError for a pace of 0 or less.
        """
        super().__init__()
        if is_given(tokens_per_s) and not tokens_per_s > 0:
            raise ValueError(f"tokens_per_s must be more than 0, not {tokens_per_s}")
        self._responder = Responder(load_skills(skills_path))
        self._token_s = 1 / tokens_per_s if is_given(tokens_per_s) else 0.0
        # A long turn takes tens of milliseconds to compare with every example.
        self._thread = EngineThread("responder-llm")

    @property
    def model(self) -> str:
        return "responder"

    @property
    def provider(self) -> str:
        return "responder"

    async def aclose(self) -> None:
        self._thread.close()
        await super().aclose()

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
        return _ReplyStream(
            self,
            chat_ctx,
            tools or [],
            conn_options,
            usable_tools=_usable_tools(tools or [], tool_choice),
            max_calls=1 if is_given(parallel_tool_calls) and not parallel_tool_calls else None,
        )


class _ReplyStream(llm.LLMStream):
    def __init__(
        self,
        owner: LLM,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        *,
        usable_tools: frozenset[str],
        max_calls: int | None,
    ) -> None:
        super().__init__(owner, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._responder = owner._responder
        self._thread = owner._thread
        self._token_s = owner._token_s
        self._usable_tools = usable_tools
        self._max_calls = max_calls
        self._id = utils.shortuuid("resp_")

    async def _run(self) -> None:
        try:
            conversation = read_conversation(self._chat_ctx)
            reply = await self._thread.call(
                lambda: self._reply(conversation), timeout_s=self._conn_options.timeout
            )
            await self._send(reply, conversation.word_count)
        except Exception as e:
            raise to_api_error(e, retryable=False) from e

    def _reply(self, conversation: Conversation) -> Reply:
        moment = Moment(
            turn=conversation.turn,
            last_reply=conversation.last_reply,
            before=conversation.before,
            done=conversation.done,
            tools=self._usable_tools,
        )
        text = conversation.user_text
        if conversation.outputs:
            made = len(conversation.outputs)
            more = self._responder.answer(text, moment, calls_made=made) if text else Reply()
            if more.calls:
                return more
            return self._responder.after_tools(text, conversation.outputs, moment)
        if conversation.instructions:
            return self._instructed(conversation, moment)
        if text and not conversation.is_answered:
            return self._responder.answer(text, moment)
        if conversation.last_reply or text:
            return self._responder.prompt(moment)
        return self._responder.greet(moment)

    async def _send(self, reply: Reply, prompt_tokens: int) -> None:
        tokens = _TOKEN.findall(reply.text)
        for token in tokens:
            self._event_ch.send_nowait(
                llm.ChatChunk(id=self._id, delta=llm.ChoiceDelta(role="assistant", content=token))
            )
            async with asyncio.timeout(self._conn_options.timeout):
                await asyncio.sleep(self._token_s)
        calls = [
            llm.FunctionToolCall(
                name=call.name,
                arguments=json.dumps(dict(call.arguments)),
                call_id=utils.shortuuid("call_"),
            )
            for call in reply.calls[: self._max_calls]
        ]
        if calls:
            delta = llm.ChoiceDelta(role="assistant", tool_calls=calls)
            self._event_ch.send_nowait(llm.ChatChunk(id=self._id, delta=delta))
        completion_tokens = len(tokens) + sum(1 + len(call.arguments) for call in reply.calls)
        usage = llm.CompletionUsage(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            total_tokens=prompt_tokens + completion_tokens,
        )
        self._event_ch.send_nowait(llm.ChatChunk(id=self._id, usage=usage))

    def _instructed(self, conversation: Conversation, moment: Moment) -> Reply:
        """Instructions that come with a question are advice about the answer to it."""
        reply = self._responder.instructed(conversation.instructions, moment)
        is_prompt = reply == self._responder.prompt(moment)
        if is_prompt and conversation.user_text and not conversation.is_answered:
            return self._responder.answer(conversation.user_text, moment)
        return reply


def _usable_tools(tools: list[llm.Tool], tool_choice: NotGivenOr[llm.ToolChoice]) -> frozenset[str]:
    names = frozenset(llm.ToolContext(tools).function_tools)
    if not is_given(tool_choice) or tool_choice in ("auto", "required"):
        return names
    if isinstance(tool_choice, dict):
        return names & {tool_choice["function"]["name"]}
    return frozenset()
