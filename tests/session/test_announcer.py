"""What the agent says unasked waits for its moment and is said whole."""

import asyncio

import pytest
from livekit.plugins import simulated

from agent.announcer import Announcer, after_speech
from tests.fakes.repeating_llm import RepeatingLLM
from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time

TEXT = "Your tea is ready."


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_in_silence_it_is_said_at_once() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        await call.until(5.0)
        Announcer(call.session).announce(TEXT)
        await call.until(10.0)
    (played,) = call.loudspeaker.played
    assert played.started_s == pytest.approx(5.07, abs=0.02)
    assert call.spoken() == [TEXT]
    assert call.records == []


async def test_it_waits_for_the_end_of_the_answer() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        call.say("what a nice day")
        await call.until_agent_speaks()
        Announcer(call.session).announce(TEXT)
        record = await call.record(1)
        await call.until(now_s() + 5)
    assert record.outcome == "answered"
    assert call.spoken() == [simulated.reply_text(1), TEXT]
    assert [played.is_whole for played in call.loudspeaker.played] == [True, True]


@pytest.mark.parametrize("at_s", [0.4, 1.1, 1.3, 1.48], ids=["mid", "end", "quiet", "hold"])
async def test_it_waits_for_the_callers_turn_and_its_answer(at_s: float) -> None:
    async with conversation(brain=RepeatingLLM()) as call:
        call.say("what a nice day")
        await call.until(at_s)
        Announcer(call.session).announce(TEXT)
        record = await call.record(1)
        await call.until(now_s() + 5)
    assert (record.outcome, len(call.records)) == ("answered", 1)
    assert call.spoken() == ["You have just said to me: what a nice day.", TEXT]
    assert [played.is_whole for played in call.loudspeaker.played] == [True, True]


async def test_it_waits_for_a_caller_who_pauses_and_goes_on() -> None:
    async with conversation(brain=RepeatingLLM()) as call:
        call.turns.probability = 0.0  # "not done": the turn is held open for 2.5 s
        speech_end_s = call.say("well I … think it is fine", pause_s=1.0)
        await call.until(1.1)  # in the pause
        Announcer(call.session).announce(TEXT)
        record = await call.record(1)
        await call.until(now_s() + 5)
    assert call.spoken() == ["You have just said to me: well I think it is fine.", TEXT]
    assert (record.outcome, len(call.records)) == ("answered", 1)
    assert call.loudspeaker.played[0].started_s is not None
    assert call.loudspeaker.played[0].started_s > speech_end_s
    assert call.loudspeaker.played[1].is_whole


async def test_several_are_said_in_order() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        announcer = Announcer(call.session)
        announcer.announce(TEXT)
        announcer.announce("Your eggs are ready.")
        await call.until(now_s() + 10)
    assert call.spoken() == [TEXT, "Your eggs are ready."]


async def test_nothing_is_said_after_close() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        announcer = Announcer(call.session)
        call.say("what a nice day")
        await call.until(0.5)
        announcer.announce(TEXT)
        await call.until(0.7)
        announcer.close()
        await call.record(1)
        await call.until(now_s() + 5)
    assert TEXT not in call.spoken()


async def test_a_session_that_closes_forgets_the_announcement() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        announcer = Announcer(call.session)
        call.say("what a nice day")
        await call.until(0.5)
        announcer.announce(TEXT)
        await call.session.aclose()
        announcer.announce(TEXT)
    assert TEXT not in call.spoken()


async def test_after_speech_waits_for_the_last_sound_of_the_speech() -> None:
    calls: list[float] = []
    async with conversation(brain=simulated.LLM()) as call:
        call.say("what a nice day")
        await call.until_agent_speaks()
        after_speech(call.session, lambda: calls.append(now_s()))
        assert calls == []
        await call.record(1)
        await call.until(now_s() + 1)
        (played,) = call.loudspeaker.played
        assert played.started_s is not None
        assert calls == [pytest.approx(played.started_s + played.duration_s, abs=0.1)]
        after_speech(call.session, lambda: calls.append(now_s()))
        assert len(calls) == 2
