"""A call with Moshi and a recogniser beside it: fake servers with real codecs, OpenAI's engines behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.providers.coded_speech import read
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.moshi import CHAT, FakeMoshi
from tests.fakes.providers.openai import REALTIME, FakeOpenAI
from tests.hosted.realtime_call import QUESTION, RealtimeCall, chats, realtime_call

pytestmark = [pytest.mark.usefixtures("http"), pytest.mark.timeout(60)]

REPLY = "it is a fine day"
LONG = "one two three four five six seven eight nine ten"
SECOND = "and how are you today"


@asynccontextmanager
async def moshi_call(
    provider: FakeOpenAI, reply: str = REPLY
) -> AsyncIterator[tuple[FakeMoshi, RealtimeCall]]:
    """Moshi says `reply`; the provider's engines stand behind it."""
    async with FakeMoshi(replies=(reply,)).running() as moshi:
        async with realtime_call(provider, agent_realtime=f"moshi:{moshi.address}") as call:
            yield moshi, call


def talk(call: RealtimeCall) -> list[tuple[str, str]]:
    """The conversation, in its order."""
    messages = call.session.current_agent.chat_ctx.messages()
    return [(message.role, (message.text_content or "").strip()) for message in messages]


async def told(call: RealtimeCall, count: int) -> None:
    """Waits until the conversation has so many messages."""
    await eventually(lambda: len(talk(call)) >= count, deadline_s=25)


def asked(provider: FakeOpenAI) -> list[list[tuple[str, str]]]:
    """What the cascade's language model was asked, without the instructions."""
    return [
        [(one["role"], words(one["content"].strip())) for one in chat if one["role"] != "system"]
        for chat in chats(provider)
    ]


async def hang(moshi: FakeMoshi) -> None:
    """It takes its time to be given up: no sound, and then no connection."""
    moshi.plans[CHAT] = Plan.always(Fault(kind=Kind.STALL))
    await moshi.inject(Fault(kind=Kind.STALL))


def words(text: str) -> str:
    return text.lower().rstrip(".")


async def test_what_the_caller_said_is_in_the_conversation_before_its_answer_and_answered_once(
    provider: FakeOpenAI,
) -> None:
    async with FakeMoshi(replies=(REPLY, LONG)).running() as moshi:
        async with realtime_call(provider, agent_realtime=f"moshi:{moshi.address}") as call:
            for number, text in enumerate((QUESTION, SECOND), 1):
                await call.ask(text)
                record = await call.record(number)
                assert record.outcome == "answered"
                assert record.words_final_s is not None and record.stt_final_s is not None
                assert record.words_final_s <= record.stt_final_s
                await told(call, 2 * number)
    said = [(role, words(text)) for role, text in talk(call)]
    assert said == [
        ("user", QUESTION),
        ("assistant", REPLY),
        ("user", SECOND),
        ("assistant", LONG),
    ]
    assert not chats(provider)
    assert call.said() == f"{REPLY} {LONG}".split()


async def test_words_over_moshis_stop_nothing_and_are_told_also_when_it_leaves_them_unanswered(
    provider: FakeOpenAI,
) -> None:
    async with FakeMoshi(greeting=LONG, yields_s=60.0, patience_s=60.0).running() as moshi:
        async with realtime_call(provider, agent_realtime=f"moshi:{moshi.address}") as call:
            heard: list[str] = []
            call.session.on("user_input_transcribed", lambda event: heard.append(event.transcript))
            await call.until_agent_speaks()
            await asyncio.sleep(0.5)
            await call.ask(QUESTION)
            await told(call, 2)
            said = [(role, words(text)) for role, text in talk(call)]
    assert said == [("assistant", LONG), ("user", QUESTION)]
    assert all(heard) and len(heard) > 2  # what is shown on the page while it is said
    assert call.said() == LONG.split()
    assert not chats(provider)


async def test_a_recogniser_that_cannot_be_had_is_nothing_to_moshi(provider: FakeOpenAI) -> None:
    provider.plans[REALTIME] = Plan.always(Fault(kind=Kind.STATUS, status=500))
    async with moshi_call(provider) as (_, call):
        for number in (1, 2):
            await call.ask(QUESTION)
            record = await call.record(number)
            assert record.outcome == "answered"
        assert not call.take_over.is_done
    assert call.said() == f"{REPLY} {REPLY}".split()


async def test_without_the_transcript_no_recogniser_is_asked(provider: FakeOpenAI) -> None:
    async with FakeMoshi(replies=(REPLY,)).running() as moshi:
        async with realtime_call(
            provider, agent_realtime=f"moshi:{moshi.address}", agent_realtime_transcript="off"
        ) as call:
            await call.ask(QUESTION)
            assert (await call.record(1)).stt_final_s is None
            assert not call.history("user")
    assert not provider.asked


async def test_the_cascade_knows_what_was_said_and_answers_the_sentence_that_moshi_left(
    provider: FakeOpenAI,
) -> None:
    async with moshi_call(provider) as (moshi, call):
        await call.ask(QUESTION)
        await call.record(1)
        await told(call, 2)
        call.microphone.say(LONG)
        await asyncio.sleep(1.0)
        assert call.microphone.is_speaking
        await moshi.go_down()
        await call.until_cascade()
        assert (await call.record(2)).outcome == "answered"
    assert asked(provider)[-1] == [("user", QUESTION), ("assistant", REPLY), ("user", LONG)]


async def test_what_is_said_while_the_line_is_broken_is_answered_by_the_cascade(
    provider: FakeOpenAI,
) -> None:
    async with moshi_call(provider) as (moshi, call):
        await eventually(lambda: moshi.minds)
        await hang(moshi)
        await call.ask(QUESTION)
        assert not call.take_over.is_done
        await call.until_cascade()
        assert (await call.record(1)).outcome == "answered"
    assert asked(provider)[-1] == [("user", QUESTION)]


async def test_a_question_whose_answer_broke_off_is_answered_by_the_cascade(
    provider: FakeOpenAI,
) -> None:
    async with moshi_call(provider, LONG) as (moshi, call):
        await call.ask(QUESTION)
        await call.until_agent_speaks()
        await asyncio.sleep(0.5)
        await hang(moshi)
        await call.until_cascade()
        await eventually(lambda: asked(provider))
    assert asked(provider)[-1] == [("user", QUESTION)]


async def test_a_sentence_into_a_line_that_breaks_is_heard_and_answered_by_the_next_one(
    provider: FakeOpenAI,
) -> None:
    async with moshi_call(provider) as (moshi, call):
        await call.ask(QUESTION)
        await call.record(1)
        call.microphone.say(LONG)
        await asyncio.sleep(1.0)
        await moshi.inject(Fault(kind=Kind.STALL))
        assert (await call.record(2)).outcome == "answered"
        await told(call, 4)
        said = [(role, words(text)) for role, text in talk(call)]
        assert not call.take_over.is_done
    first, second = moshi.minds
    assert read(bytes(second.heard), 24_000) == LONG.split()
    assert read(bytes(first.heard), 24_000)[:5] == QUESTION.split()
    assert said == [("user", QUESTION), ("assistant", REPLY), ("user", LONG), ("assistant", REPLY)]
    assert call.said() == f"{REPLY} {REPLY}".split()
