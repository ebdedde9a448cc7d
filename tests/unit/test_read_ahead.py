"""What the language model is given to read before it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    ConversationItemAddedEvent,
    LanguageCode,
    llm,
    stt,
)

from agent.read_ahead import ReadAhead
from tests.fakes.repeating_llm import RepeatingLLM

FAILS = "what the model cannot read"


@dataclass(frozen=True)
class Read:
    end_probability: float | None


class Reader(RepeatingLLM):
    """Notes what it is given."""

    def __init__(self, end_probability: float | None = None) -> None:
        super().__init__()
        self.openings = 0
        self.partials: list[str] = []
        self.is_asked_for_end = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self._reading = Read(end_probability)

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
        tells_end: bool = False,
    ) -> Read | None:
        self.partials.append(partial)
        self.is_asked_for_end = tells_end
        await self.may_go_on.wait()
        return self._reading if partial != FAILS else None


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.get_running_loop().create_task(work)


def event(kind: stt.SpeechEventType, text: str) -> stt.SpeechEvent:
    data = stt.SpeechData(language=LanguageCode("en"), text=text)
    return stt.SpeechEvent(kind, alternatives=[data])


INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
PREFLIGHT = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT


@pytest.fixture
def agent() -> Agent:
    return Agent(instructions="Be brief.")


async def test_the_instructions_are_read_before_the_first_turn(agent: Agent) -> None:
    reader = Reader()
    ReadAhead([reader], run).begin(agent, AgentSession())
    await asyncio.sleep(0)
    assert reader.openings == 1


async def test_words_are_read_while_they_are_said_and_each_text_once(agent: Agent) -> None:
    reader = Reader()
    ahead = ReadAhead([reader], run)
    for said in ("what", "what time", "what time", ""):
        ahead.heard(event(INTERIM, said), said, agent)
    ahead.heard(event(FINAL, "what time is it"), "what time is it", agent)
    await asyncio.sleep(0)
    assert reader.partials == ["what", "what time"]


async def test_what_an_answer_was_begun_on_is_not_read_again_but_in_the_next_turn(
    agent: Agent,
) -> None:
    reader = Reader()
    ahead = ReadAhead([reader], run)
    ahead.heard(event(PREFLIGHT, "yes"), "yes", agent)
    ahead.heard(event(INTERIM, "yes"), "yes", agent)
    await asyncio.sleep(0)
    assert not reader.partials
    ahead.heard(event(FINAL, "yes"), "yes", agent)
    ahead.heard(event(INTERIM, "yes"), "yes", agent)
    await asyncio.sleep(0)
    assert reader.partials == ["yes"]


async def test_what_was_said_to_the_caller_is_read_once_it_is_said_unless_they_speak(
    agent: Agent,
) -> None:
    reader, session = Reader(), AgentSession[None]()
    ahead = ReadAhead([reader], run)
    ahead.begin(agent, session)

    def added(role: llm.ChatRole) -> None:
        message = llm.ChatMessage(role=role, content=["Hello."])
        session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))

    added("user")
    await asyncio.sleep(0)
    assert not reader.partials
    added("assistant")
    await asyncio.sleep(0)
    assert reader.partials == [""]
    ahead.heard(event(INTERIM, "wait"), "wait", agent)
    added("assistant")
    await asyncio.sleep(0)
    assert reader.partials == ["", "wait"]


async def test_all_segments_of_a_turn_are_read(agent: Agent) -> None:
    reader = Reader()
    ahead = ReadAhead([reader], run)
    ahead.heard(event(INTERIM, "what time"), "good morning what time", agent)
    await asyncio.sleep(0)
    assert reader.partials == ["good morning what time"]


async def test_whoever_wants_to_know_is_told_where_the_turn_may_end(agent: Agent) -> None:
    told: list[tuple[str, float]] = []
    reader = Reader(end_probability=0.7)
    ahead = ReadAhead([reader], run, lambda *said: told.append(said))
    for said in ("what time", FAILS):
        ahead.heard(event(INTERIM, said), said, agent)
    await asyncio.sleep(0)
    assert told == [("what time", 0.7)]


async def test_a_model_that_cannot_tell_tells_nobody(agent: Agent) -> None:
    told: list[tuple[str, float]] = []
    reader = Reader(end_probability=None)
    ahead = ReadAhead([reader], run, lambda *said: told.append(said))
    ahead.heard(event(INTERIM, "what time"), "what time", agent)
    await asyncio.sleep(0)
    assert reader.is_asked_for_end and not told


async def test_nobody_is_told_of_a_turn_that_has_ended_meanwhile(agent: Agent) -> None:
    told: list[tuple[str, float]] = []
    reader = Reader(end_probability=0.7)
    reader.may_go_on.clear()
    ahead = ReadAhead([reader], run, lambda *said: told.append(said))
    ahead.heard(event(INTERIM, "yes"), "yes", agent)
    await asyncio.sleep(0)
    chat_ctx = agent.chat_ctx.copy()
    chat_ctx.add_message(role="user", content="yes")
    await agent.update_chat_ctx(chat_ctx)
    reader.may_go_on.set()
    await asyncio.sleep(0.01)
    assert reader.partials == ["yes"] and not told


async def test_the_model_is_asked_for_the_end_only_where_somebody_wants_to_know(
    agent: Agent,
) -> None:
    reader = Reader(end_probability=0.7)
    ReadAhead([reader], run).heard(event(INTERIM, "what time"), "what time", agent)
    await asyncio.sleep(0)
    assert reader.partials and not reader.is_asked_for_end


async def test_a_model_that_cannot_read_ahead_is_left_alone(agent: Agent) -> None:
    begun: list[Coroutine[Any, Any, None]] = []
    ahead = ReadAhead([RepeatingLLM()], begun.append)
    ahead.begin(agent, AgentSession())
    ahead.heard(event(INTERIM, "what time"), "what time", agent)
    assert not begun
