"""What a call begins with, for a language model to read before there is one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from livekit.agents import llm, utils
from livekit.agents.voice.generation import update_instructions

from agent.assistant import instructions_of
from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_makers import LLM, Context
from agent.local.call import LocalCall
from agent.local.models import LLAMA, is_url
from agent.profiles import Choice
from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq


@dataclass(frozen=True)
class Opening:
    """The instructions and tools, as a session gives them to its model."""

    chat_ctx: llm.ChatContext
    tools: list[llm.Tool]


def opening_of(settings: Settings) -> Opening:
    """Of a call without options of its own."""
    chat_ctx = llm.ChatContext.empty()
    instructions = instructions_of(settings, None)
    update_instructions(chat_ctx, instructions=instructions, add_if_missing=True)
    nobody = CallActions(announce=lambda _: None, hang_up=lambda: None)
    toolbox = Toolbox(nobody, Faq([]), now=lambda: datetime.now(UTC))
    return Opening(chat_ctx, llm.ToolContext(toolbox.tools()).flatten())


@contextlib.asynccontextmanager
async def reading_elsewhere(
    settings: Settings, choice: Choice, is_in_use: Callable[[], bool]
) -> AsyncIterator[None]:
    """Has a llama.cpp server of somebody's own read the opening once, beside the worker; nothing
    without one. A call that begins meanwhile, which `is_in_use` tells, goes before it."""
    spec = next((spec for spec in choice.listed["llm"] if spec.name == LLAMA), None)
    if spec is None or not is_url(spec):
        yield
        return
    from livekit.plugins import llama_cpp

    context = Context(settings, choice, CallOptions(), {}, LocalCall(settings, None), spec)
    engine, opening = LLM[LLAMA](context), opening_of(settings)
    assert isinstance(engine, llama_cpp.LLM)
    reading = asyncio.create_task(
        llama_cpp.read_in_pauses(engine, opening.chat_ctx, opening.tools, is_in_use=is_in_use),
        name="llama-opening",
    )
    try:
        yield
    finally:
        await utils.aio.cancel_and_wait(reading)
        await engine.aclose()
