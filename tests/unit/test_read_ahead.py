"""What the language model is given to read before it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from livekit.agents import Agent, LanguageCode, llm, stt

from agent.read_ahead import ReadAhead
from tests.fakes.repeating_llm import RepeatingLLM


class Reader(RepeatingLLM):
    """Notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.openings = 0
        self.partials: list[str] = []

    async def warm_up(
        self, chat_ctx: llm.ChatContext, tools: Sequence[llm.Tool | llm.Toolset] = ()
    ) -> None:
        self.openings += 1

    async def prefill(
        self,
        chat_ctx: llm.ChatContext,
        *,
        tools: Sequence[llm.Tool | llm.Toolset] = (),
        partial: str = "",
    ) -> object:
        self.partials.append(partial)
        return None


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.get_running_loop().create_task(work)


def event(kind: stt.SpeechEventType, text: str) -> stt.SpeechEvent:
    data = stt.SpeechData(language=LanguageCode("en"), text=text)
    return stt.SpeechEvent(kind, alternatives=[data])


INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT


@pytest.fixture
def agent() -> Agent:
    return Agent(instructions="Be brief.")


async def test_the_instructions_are_read_before_the_first_turn(agent: Agent) -> None:
    reader = Reader()
    ReadAhead([reader], run).begin(agent)
    await asyncio.sleep(0)
    assert reader.openings == 1


async def test_words_are_read_while_they_are_said_and_each_text_once(agent: Agent) -> None:
    reader = Reader()
    ahead = ReadAhead([reader], run)
    for said in ("what", "what time", "what time", ""):
        ahead.heard(event(INTERIM, said), agent)
    ahead.heard(event(FINAL, "what time is it"), agent)
    await asyncio.sleep(0)
    assert reader.partials == ["what", "what time"]


async def test_a_model_that_cannot_read_ahead_is_left_alone(agent: Agent) -> None:
    begun: list[Coroutine[Any, Any, None]] = []
    ahead = ReadAhead([RepeatingLLM()], begun.append)
    ahead.begin(agent)
    ahead.heard(event(INTERIM, "what time"), agent)
    assert not begun
