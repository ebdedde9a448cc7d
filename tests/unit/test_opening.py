"""What is read before there are calls is what a session then gives its model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from livekit.agents import Agent, AgentSession, llm

from agent.assistant import instructions_of
from agent.config import Settings
from agent.opening import Opening, opening_of
from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq, parse_markdown
from tests.fakes.repeating_llm import RepeatingLLM


class Brain(RepeatingLLM):
    """Keeps what it is given."""

    given: Opening | None = None

    def chat(
        self, *, chat_ctx: llm.ChatContext, tools: list[llm.Tool] | None = None, **options: Any
    ) -> llm.LLMStream:
        self.given = Opening(chat_ctx, tools or [])
        return super().chat(chat_ctx=chat_ctx, tools=tools, **options)


def described(opening: Opening) -> tuple[list[Any], list[Any]]:
    messages, _ = opening.chat_ctx.to_provider_format(format="openai")
    tools = llm.ToolContext(opening.tools).parse_function_tools("openai", strict=False)
    return messages, tools


async def test_a_session_s_first_request_begins_with_the_opening_and_has_its_tools() -> None:
    settings = Settings(_env_file=None, agent_time_zone="Europe/Vienna")
    brain = Brain(delay_s=0.0)
    toolbox = Toolbox(
        CallActions(announce=lambda _: None, hang_up=lambda: None),
        Faq(parse_markdown("# Where are you?\n\nIn Vienna.\n")),
        now=lambda: datetime.now(UTC),
        time_zone=settings.agent_time_zone,
    )
    agent = Agent(instructions=instructions_of(settings, None), tools=toolbox.tools())
    async with AgentSession[None](llm=brain) as session:
        await session.start(agent)
        await session.run(user_input="Hello.")
    assert brain.given is not None
    messages, tools = described(brain.given)
    assert described(opening_of(settings)) == (messages[:1], tools)
    assert [message["role"] for message in messages[:2]] == ["system", "user"]
    assert len(tools) == 10
