"""Speech over the agent's own: it yields, and remembers only what was heard."""

import pytest
from livekit.plugins import simulated

from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time

REPLY_S = 9.0


async def test_speech_interrupts_the_answer_and_gets_its_own() -> None:
    mouth = simulated.TTS(delay_s=0.07, reply_s=REPLY_S)
    async with conversation(brain=simulated.LLM(), mouth=mouth) as call:
        speech_end_s = call.say("tell me something")
        await call.until(speech_end_s + 3)
        call.say("wait stop please")
        second = await call.record(2)
        await call.until(speech_end_s + 30)
    first = call.records[0]
    assert [record.turn for record in call.records] == [1, 2]
    whole = simulated.reply_text(1)
    assert first.outcome == "interrupted"
    assert first.heard_chars is not None
    assert 0 < first.heard_chars < len(whole)
    assert (second.outcome, second.heard_chars) == ("answered", len(simulated.reply_text(2)))
    stopped, answered = call.loudspeaker.played
    assert not stopped.is_whole
    assert answered.is_whole
    heard_s = stopped.duration_s
    assert first.heard_chars / len(whole) == pytest.approx(heard_s / REPLY_S, abs=0.15)


async def test_only_what_was_played_stays_in_the_conversation() -> None:
    mouth = simulated.TTS(delay_s=0.07, reply_s=REPLY_S)
    async with conversation(brain=simulated.LLM(), mouth=mouth) as call:
        speech_end_s = call.say("tell me something")
        await call.until(speech_end_s + 3)
        call.say("wait stop please")
        first = await call.record(1)
        await call.record(2)
    heard, answer = call.spoken()
    assert simulated.reply_text(1).startswith(heard)
    assert len(heard) == first.heard_chars
    assert answer == simulated.reply_text(2)
    shown = call.subtitles.text.split("\n")[0].strip()
    assert shown.startswith(heard.strip())
    assert len(shown.split()) <= len(heard.split()) + 1  # shown while the sound faded out


async def test_the_agent_is_silent_within_a_second_of_the_interruption() -> None:
    mouth = simulated.TTS(delay_s=0.07, reply_s=REPLY_S)
    async with conversation(brain=simulated.LLM(), mouth=mouth) as call:
        speech_end_s = call.say("tell me something")
        await call.until(speech_end_s + 3)
        begun_s = call.microphone.next_frame_s
        call.say("wait stop please")
        await call.until(begun_s + 0.6)
        assert not call.loudspeaker.is_playing
        await call.record(2)


async def test_a_sound_without_words_does_not_end_the_answer() -> None:
    mouth = simulated.TTS(delay_s=0.07, reply_s=REPLY_S)
    ears = simulated.STT(delay_s=0.08)
    async with conversation(brain=simulated.LLM(), mouth=mouth, ears=ears) as call:
        speech_end_s = call.say("tell me something")
        await call.until(speech_end_s + 3)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 0.7)
        record = await call.record(1)
    assert (record.outcome, record.heard_chars) == ("answered", len(simulated.reply_text(1)))
    assert call.loudspeaker.played[0].duration_s == pytest.approx(REPLY_S, abs=0.05)


async def test_a_call_that_ends_in_mid_answer_publishes_the_turn() -> None:
    mouth = simulated.TTS(delay_s=0.07, reply_s=REPLY_S)
    async with conversation(brain=simulated.LLM(), mouth=mouth) as call:
        speech_end_s = call.say("tell me something")
        await call.until(speech_end_s + 3)
    (record,) = call.records
    assert record.outcome == "interrupted"
    assert record.heard_chars is not None
    assert 0 < record.heard_chars < len(simulated.reply_text(1))


async def test_speech_over_the_greeting_is_turn_one() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        call.session.say("Hello, I am Parley, and I have quite a lot to tell you about myself.")
        await call.until(1.5)
        call.say("what a nice day")
        record = await call.record(1)
        await call.until(20)
    assert (record.turn, record.outcome, len(call.records)) == (1, "answered", 1)
    greeting, answer = call.spoken()
    assert len(greeting) < 60
    assert answer == simulated.reply_text(1)


async def test_typing_over_the_answer_interrupts_it_and_is_answered() -> None:
    mouth = simulated.TTS(delay_s=0.07, reply_s=REPLY_S)
    async with conversation(brain=simulated.LLM(), mouth=mouth) as call:
        speech_end_s = call.say("tell me something")
        await call.until(speech_end_s + 3)
        await call.session.interrupt()
        call.session.generate_reply(user_input="something else", input_modality="text")
        second = await call.record(2)
    first = call.records[0]
    assert (first.turn, first.outcome) == (1, "interrupted")
    assert first.heard_chars is not None
    assert 0 < first.heard_chars < len(simulated.reply_text(1))
    assert (second.turn, second.outcome, second.speech_start_s) == (2, "answered", None)


async def test_an_answer_interrupted_twice_over_leaves_one_record_a_turn() -> None:
    mouth = simulated.TTS(delay_s=0.07, reply_s=REPLY_S)
    async with conversation(brain=simulated.LLM(), mouth=mouth) as call:
        for _ in range(3):
            await call.until(call.say("tell me something") + 2)
        await call.record(3)
    outcomes = [(record.turn, record.outcome) for record in call.records]
    assert outcomes == [(1, "interrupted"), (2, "interrupted"), (3, "answered")]
    heard = call.spoken()
    assert heard[2] == simulated.reply_text(3)
    for number in (1, 2):
        assert simulated.reply_text(number).startswith(heard[number - 1])
        assert len(heard[number - 1]) < len(simulated.reply_text(number))
