"""llama.cpp: the first token of a late turn, with the call's slot and without any reuse.

The model is a llama of random weights: reading a prompt costs what its size costs.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from livekit.agents import llm
from livekit.plugins import openai as openai_plugin
from livekit.plugins.llama_cpp import LLM, LlamaServer, ServerOptions

from evals.engines.timing import Comparison
from evals.engines.whisper import device
from tests.models.full_llama import cached_llama
from tests.models.tiny_llama import Size, write_tiny_llama

TURNS = 10
_SIZE = Size(layers=12, width=512, inner=1536, heads=8)
"""On a processor; on a GPU it is Qwen2.5's with one and a half billion weights."""
_INSTRUCTIONS = (
    "You answer the telephone of a small hotel by the sea, in one or two short sentences. "
)
_QUESTION = "Do you have a room for two people from the {} to the weekend, with breakfast?"
_ANSWER = "Yes, we have a quiet room on the second floor, and breakfast is from seven to ten."


def first_tokens(*, n: int) -> list[Comparison]:
    """At the turn `TURNS`, whose question is another each time."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        if device() == "cuda":
            path = cached_llama(size="1.5b", weights="F16")
        else:
            path = write_tiny_llama(Path(folder) / "llama.gguf", size=_SIZE)
        with running_llama(ServerOptions(model=path, slots=2, context_tokens=8192)) as url:
            return asyncio.run(_first_tokens(url, n))


@contextmanager
def running_llama(options: ServerOptions) -> Iterator[str]:
    """The address of its server."""
    server = LlamaServer(options)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


async def _first_tokens(url: str, n: int) -> list[Comparison]:
    ours = LLM(url, slot=0, max_tokens=8)
    baseline = openai_plugin.LLM(
        model="llama", base_url=f"{url}/v1", api_key="none", _strict_tool_schema=False
    )
    taken: dict[str, list[float]] = {"ours": [], "baseline": []}
    read_ahead: list[float] = []
    try:
        for number in range(n + 1):
            context = _conversation(number)
            mine = await _first_token_s(ours, context, {})
            # Slot 1, so that the other's cache stays.
            plain = await _first_token_s(
                baseline,
                context,
                {"max_tokens": 8, "extra_body": {"cache_prompt": False, "id_slot": 1}},
            )
            ahead = await _read_ahead_s(ours, number + 100)
            if number:  # the first has nothing to reuse: it is the turn before
                taken["ours"].append(mine)
                taken["baseline"].append(plain)
                read_ahead.append(ahead)
    finally:
        await ours.aclose()
        await baseline.aclose()
    return [
        Comparison.of(f"llama.cpp, first token of turn {TURNS}", taken),
        Comparison.of(
            f"llama.cpp, first token of turn {TURNS}, read while it was spoken",
            taken | {"ours": read_ahead},
        ),
    ]


async def _read_ahead_s(engine: LLM, number: int) -> float:
    """As in a call: all but the last word of the question is read before the turn is over."""
    context = _conversation(number)
    before = llm.ChatContext(context.items[:-1])
    partial = _question(number).rpartition(" ")[0]
    await engine.prefill(before, partial=partial)
    return await _first_token_s(engine, context, {})


def _question(number: int) -> str:
    return _QUESTION.format(f"{100 + number}th")


def _conversation(number: int) -> llm.ChatContext:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content=_INSTRUCTIONS * 4)
    for turn in range(TURNS - 1):
        context.add_message(role="user", content=_QUESTION.format(f"{turn}th"))
        context.add_message(role="assistant", content=_ANSWER)
    context.add_message(role="user", content=_question(number))
    return context


async def _first_token_s(
    engine: llm.LLM[Any], context: llm.ChatContext, options: dict[str, Any]
) -> float:
    started_s = time.perf_counter()
    async with engine.chat(chat_ctx=context, extra_kwargs=options) as stream:
        async for chunk in stream:
            if chunk.delta is not None and chunk.delta.content:
                return time.perf_counter() - started_s
    raise AssertionError("the model said nothing")
