"""AGENT_HEDGE_S on real sockets and a real clock, which goes on between any two looks at it."""

from __future__ import annotations

import pytest
from livekit.agents import llm

from evals.chaos.lines import pipeline, reply_to, settings_of
from tests.chaos.providers import FIRST_MODEL, SECOND_MODEL, running_providers

pytestmark = pytest.mark.usefixtures("http")


@pytest.mark.parametrize(
    ("hedge_s", "asked"),
    [
        (None, [FIRST_MODEL]),
        (0.0, [FIRST_MODEL, SECOND_MODEL]),
        (0.1, [FIRST_MODEL, SECOND_MODEL]),
        (0.6, [FIRST_MODEL]),
    ],
)
async def test_the_second_model_is_asked_when_the_first_is_silent_for_so_long(
    hedge_s: float | None, asked: list[str]
) -> None:
    async with running_providers("deepgram first") as providers:
        providers.openai.reply = reply_to
        providers.openai.latency_s = lambda: 0.4
        context = llm.ChatContext.empty()
        context.add_message(role="user", content="tell me about the river")
        async with pipeline(settings_of(providers, agent_hedge_s=hedge_s)) as engines:
            async with engines.llm.chat(chat_ctx=context) as stream:
                await stream.collect()
        requests = [request.body["model"] for request in providers.openai.asked]
    assert sorted(requests) == asked
