from __future__ import annotations

import asyncio
import logging

import pytest
from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, llm

from agent.callers import RETURN_GRACE_S
from agent.continuity import Keeper
from agent.continuity.conversation import Said
from agent.continuity.redis_store import RedisStore
from agent.tools.state import ToolState
from tests.fakes.conversation_store import MemoryConversations


class Call:
    """A keeper with what it keeps."""

    def __init__(
        self, job: str = "AJ_1", store: MemoryConversations | None = None, now_s: float = 1_000.0
    ) -> None:
        self.store = store or MemoryConversations()
        self.now_s = now_s
        self.session = AgentSession[None]()
        self.agent = Agent(instructions="Be brief.")
        self.keeper = Keeper(
            self.store,
            room="blue",
            job=job,
            language="en",
            tools=lambda: ToolState(notes=("a note",)),
            clock=lambda: self.now_s,
        )

    async def begin(self) -> None:
        self.keeper.linked("ann")
        self.keeper.greeted()
        self.keeper.attach(self.session, self.agent)
        await settle()

    async def say(self, text: str, role: llm.ChatRole = "user") -> None:
        chat_ctx = self.agent.chat_ctx.copy()
        message = chat_ctx.add_message(role=role, content=text)
        event = ConversationItemAddedEvent(item=llm.ChatMessage(**message.model_dump()))
        self.session.emit("conversation_item_added", event)
        await self.agent.update_chat_ctx(chat_ctx)  # livekit, too, may tell of it first
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_said_is_kept_at_once() -> None:
    call = Call()
    await call.begin()
    assert call.store.kept["blue"].items == ()
    await call.say("Hello.")
    kept = call.store.kept["blue"]
    assert kept.items == (Said(role="user", text="Hello."),)
    assert (kept.caller, kept.greeted, kept.tools.notes) == ("ann", True, ("a note",))
    await call.keeper.aclose()


async def test_another_process_recalls_it_for_the_same_caller() -> None:
    call = Call()
    await call.begin()
    await call.say("Hello.")
    other = Call("AJ_2", call.store)
    assert await other.keeper.recall(("bob",)) is None
    kept = await other.keeper.recall(("bob", "ann"))
    assert kept is not None
    assert kept.awaits_answer
    await call.keeper.aclose()


async def test_words_of_a_turn_that_is_not_over_are_kept_until_it_is() -> None:
    call = Call()
    await call.begin()
    for words, kept in [("Set a", "Set a"), ("set a.", "Set a"), ("Set a timer", "Set a timer")]:
        call.keeper.heard(words)
        await settle()
        assert call.store.kept["blue"].unfinished == kept
    await call.say("Yes?", role="assistant")
    assert call.store.kept["blue"].unfinished == "Set a timer"
    await call.say("Set a timer for tea.")
    assert call.store.kept["blue"].unfinished == ""
    assert call.store.kept["blue"].items[-1] == Said(role="user", text="Set a timer for tea.")
    await call.keeper.aclose()


async def test_words_that_are_taken_back_are_not_kept() -> None:
    call = Call()
    await call.begin()
    call.keeper.heard("Uh")
    call.keeper.heard("")
    await settle()
    assert call.store.kept["blue"].unfinished == ""
    await call.keeper.aclose()


async def test_a_turn_outlives_two_processes() -> None:
    first = Call()
    await first.begin()
    first.keeper.heard("Set a timer")
    await settle()
    second = Call("AJ_2", first.store)
    kept = await second.keeper.recall(("ann",))
    assert kept is not None and kept.unfinished == "Set a timer"
    await second.begin()
    assert second.store.kept["blue"].unfinished == "Set a timer"
    second.keeper.heard("for one")
    await settle()
    third = Call("AJ_3", first.store)
    await third.keeper.recall(("ann",))
    assert third.keeper.turn.whole("minute.") == "Set a timer … for one … minute."
    for call in (first, second):
        await call.keeper.aclose()


async def test_a_turn_is_not_gone_on_with_by_somebody_else() -> None:
    call = Call()
    await call.begin()
    call.keeper.heard("Set a timer")
    call.keeper.linked("ann")
    assert call.keeper.turn.text == "Set a timer"
    call.keeper.linked("bob")
    assert call.keeper.turn.text == ""
    await call.keeper.aclose()


async def test_a_call_that_ended_in_order_is_forgotten() -> None:
    call = Call()
    await call.begin()
    await call.keeper.end("in order")
    await call.keeper.aclose()
    assert call.store.kept == {}
    assert call.store.is_closed


async def test_a_process_that_is_stopped_leaves_it_to_the_next() -> None:
    call = Call()
    await call.begin()
    await call.keeper.aclose()
    assert call.store.kept["blue"].left_s is None


async def test_a_call_that_another_agent_took_over_is_not_written_any_more() -> None:
    call = Call()
    await call.begin()
    other = Call("AJ_2", call.store)
    await other.begin()
    await call.keeper.end("taken over")
    await call.keeper.aclose()
    assert call.store.kept["blue"].job == "AJ_2"
    await other.keeper.aclose()


async def test_a_caller_who_was_lost_finds_it_for_a_while() -> None:
    call = Call()
    await call.begin()
    call.keeper.left()
    call.now_s += RETURN_GRACE_S / 2
    await call.keeper.end("interrupted")
    await call.keeper.aclose()
    soon = Call(store=call.store, now_s=call.now_s)
    late = Call(store=call.store, now_s=call.now_s + RETURN_GRACE_S)
    assert await soon.keeper.recall(("ann",)) is not None
    assert await late.keeper.recall(("ann",)) is None


async def test_a_caller_who_came_back_is_not_lost() -> None:
    call = Call()
    await call.begin()
    call.keeper.left()
    call.keeper.linked("ann")
    await call.keeper.aclose()
    assert call.store.kept["blue"].left_s is None


async def test_a_call_without_a_caller_leaves_nothing() -> None:
    call = Call()
    call.keeper.attach(call.session, call.agent)
    await settle()
    await call.keeper.aclose()
    assert call.store.kept == {}


async def test_a_store_that_fails_is_told_once_and_says_nothing_of_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    call = Call()
    call.store.fails = True
    with caplog.at_level(logging.WARNING):
        assert await call.keeper.recall(("ann",)) is None
        await call.begin()
        await call.say("My number is 1234.")
        await call.keeper.end("in order")
        await call.keeper.aclose()
    told = [record for record in caplog.records if record.name == "agent.continuity.keeper"]
    assert len(told) == 1
    assert "1234" not in caplog.text


async def test_a_redis_that_accepts_and_says_nothing_does_not_hold_up_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hung_up = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1_000):
            pass
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keeper = Keeper(
        RedisStore(f"redis://127.0.0.1:{port}/0"),
        room="blue",
        job="AJ_1",
        language="en",
        tools=ToolState,
    )
    begun_s = asyncio.get_running_loop().time()
    with caplog.at_level(logging.WARNING):
        assert await keeper.recall(("ann",)) is None
    assert asyncio.get_running_loop().time() - begun_s < 1.0
    await keeper.aclose()
    await asyncio.wait_for(hung_up.wait(), 5.0)
    server.close()
    await server.wait_closed()
    told = [r.getMessage() for r in caplog.records if r.name == "agent.continuity.keeper"]
    assert len(told) == 1 and "did not answer within 0.5 s" in told[0]
