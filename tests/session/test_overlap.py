"""Sounds of the caller over the agent's own speech: some take the floor, some do not."""

import asyncio

import numpy as np
import pytest
from livekit.plugins import simulated

from tests.fakes.audio import SPEECH_DBFS
from tests.session.conversation import Conversation, conversation

pytestmark = pytest.mark.virtual_time

REPLY_S = 9.0
INTO_REPLY_S = 3.0


def long_reply() -> simulated.TTS:
    return simulated.TTS(delay_s=0.07, reply_s=REPLY_S)


async def into_the_reply(call: Conversation, after_s: float = INTO_REPLY_S) -> float:
    """A turn, and then so much of its answer; returns when that is."""
    call.say("what time is it")
    await call.until_agent_speaks()
    at_s = asyncio.get_running_loop().time() + after_s
    await call.until(at_s)
    return at_s


def lowest_db(call: Conversation, from_s: float, until_s: float) -> float:
    """The level of the quietest frame that was played meanwhile, against full level."""
    levels = {
        at_s: np.abs(np.frombuffer(frame.data, dtype=np.int16)).max()
        for at_s, frame in call.loudspeaker.sink.frames
    }
    full = max(levels.values())
    return float(20 * np.log10(min(v for t, v in levels.items() if from_s < t < until_s) / full))


def gaps_s(call: Conversation) -> float:
    """The longest time between the end of a frame and the next."""
    times_s = [at_s for at_s, _ in call.loudspeaker.sink.frames]
    return float(np.diff(times_s).max() - 0.02)


@pytest.mark.parametrize("words", ["mm hmm", "yeah", "uh huh okay", "right"])
async def test_a_backchannel_is_ducked_for_and_never_reaches_the_llm(words: str) -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        at_s = await into_the_reply(call)
        call.say(words)
        record = await call.record(1)
        assert lowest_db(call, at_s, at_s + 2) == pytest.approx(-15, abs=0.5)
        assert gaps_s(call) < 0.01
        await asyncio.sleep(2)
    assert (record.outcome, record.heard_chars) == ("answered", len(simulated.reply_text(1)))
    assert len(call.records) == 1
    assert call.spoken("user") == ["what time is it"]


@pytest.mark.parametrize("words", ["wait stop", "no I meant tomorrow", "what about the second one"])
async def test_a_content_word_takes_the_floor_at_once(words: str) -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        at_s = await into_the_reply(call)
        call.say(words)
        await call.until(at_s + 0.55)
        assert not call.loudspeaker.is_playing
        second = await call.record(2)
    assert [record.outcome for record in call.records] == ["interrupted", "answered"]
    assert call.spoken("user")[-1] == words
    assert second.heard_chars == len(simulated.reply_text(2))


async def test_a_reply_can_be_stopped_from_its_first_word_on() -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        at_s = await into_the_reply(call, 0.3)
        call.say("wait stop")
        await call.until(at_s + 0.6)
        assert not call.loudspeaker.is_playing
        await call.record(2)
    assert call.records[0].outcome == "interrupted"
    assert call.spoken("user")[-1] == "wait stop"


async def test_a_backchannel_then_a_question_is_one_turn_of_both() -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        await into_the_reply(call)
        call.say("yeah … how much is that", pause_s=0.2)
        await call.record(2)
    assert call.records[0].outcome == "interrupted"
    assert call.spoken("user")[-1].endswith("how much is that")


async def test_a_noise_over_the_answer_costs_not_a_sample() -> None:
    ears = simulated.STT(delay_s=0.08)
    async with conversation(brain=simulated.LLM(), mouth=long_reply(), ears=ears) as call:
        at_s = await into_the_reply(call)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 0.6)
        record = await call.record(1)
    assert record.outcome == "answered"
    assert call.loudspeaker.played[0].duration_s == pytest.approx(REPLY_S, abs=0.05)
    assert lowest_db(call, at_s, at_s + 1) > -16
    assert gaps_s(call) < 0.01


async def test_side_talk_far_from_the_microphone_is_ignored() -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        for _ in range(2):
            call.say("what time is it now my friend")
            await call.until_agent_speaks()
            await asyncio.sleep(REPLY_S + 1)
        await into_the_reply(call)
        call.say("could you put the kettle on please", level_dbfs=SPEECH_DBFS - 14)
        record = await call.record(3)
        await asyncio.sleep(2)
    assert record.outcome == "answered"
    assert len(call.records) == 3


async def test_a_caller_who_goes_on_before_the_answer_sounds_is_not_talked_over() -> None:
    slow = simulated.LLM(delay_s=0.9)
    async with conversation(brain=slow, mouth=long_reply()) as call:
        end_s = call.say("what time is it")
        await call.until(end_s + 0.6)
        end_s = call.say("in the city of Tokyo")
        await call.until(end_s)
        assert not call.loudspeaker.sink.frames
        await call.record(2)
    assert [record.outcome for record in call.records] == ["interrupted", "answered"]
    assert call.spoken("user") == ["what time is it", "in the city of Tokyo"]


async def test_a_noise_before_the_answer_only_delays_it() -> None:
    ears = simulated.STT(delay_s=0.08)
    slow = simulated.LLM(delay_s=0.9)
    async with conversation(brain=slow, mouth=long_reply(), ears=ears) as call:
        end_s = call.say("what time is it")
        await call.until(end_s + 0.6)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 0.5)
        record = await call.record(1)
    assert record.outcome == "answered"
    assert len(call.records) == 1


async def test_a_backchannel_at_the_very_end_of_the_answer_is_no_turn() -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        await into_the_reply(call, REPLY_S - 0.4)
        call.say("okay")
        await asyncio.sleep(5)
    assert len(call.records) == 1


async def test_a_turn_that_begins_at_the_very_end_of_the_answer_is_answered() -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        await into_the_reply(call, REPLY_S - 0.2)
        call.say("and what is the date today")
        await call.record(2)
    assert call.spoken("user")[-1] == "and what is the date today"


async def test_a_microphone_that_goes_off_in_mid_sound_does_not_silence_the_agent() -> None:
    async with conversation(brain=simulated.LLM(), mouth=long_reply()) as call:
        at_s = await into_the_reply(call)
        call.microphone.speak(call.microphone.next_frame_s, 0.3)
        await call.until(at_s + 0.2)
        call.microphone.switch_off()
        record = await call.record(1)
    assert record.outcome == "answered"
    assert lowest_db(call, at_s + 2, at_s + 4) == 0


async def test_a_long_noise_stops_neither_the_answer_nor_the_one_before_it_began() -> None:
    ears = simulated.STT(delay_s=0.08)
    slow = simulated.LLM(delay_s=0.9)
    async with conversation(brain=slow, mouth=long_reply(), ears=ears) as call:
        end_s = call.say("what time is it")
        await call.until(end_s + 0.6)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 6)
        await call.until_agent_speaks()
        assert asyncio.get_running_loop().time() < end_s + 2.5
        record = await call.record(1)
    assert (record.outcome, record.heard_chars) == ("answered", len(simulated.reply_text(1)))


async def test_words_over_speech_that_cannot_be_interrupted_are_answered_after_it() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        call.session.say(
            "This has to be said to its end, whatever you say.", allow_interruptions=False
        )
        await call.until(1.0)
        call.say("what time is it")
        await call.record(1)
    assert call.loudspeaker.played[0].is_whole
    assert call.spoken("user") == ["what time is it"]


async def test_a_noise_does_not_hold_up_speech_that_must_not_be_interrupted() -> None:
    ears = simulated.STT(delay_s=0.08)
    async with conversation(brain=simulated.LLM(), ears=ears) as call:
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 8)
        await call.until(0.5)
        call.session.say("The call will be recorded.", allow_interruptions=False)
        await call.until(4)
    (notice,) = call.loudspeaker.played
    assert notice.is_whole
    assert notice.started_s == pytest.approx(0.6, abs=0.1)
