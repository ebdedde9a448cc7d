"""A voice that takes whole texts, in a session: heard by clauses, written as the LLM wrote it."""

from __future__ import annotations

import pytest
from livekit.plugins import simulated

from tests.fakes.paced_tts import Pace, PacedTTS
from tests.fakes.repeating_llm import RepeatingLLM
from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time


async def test_a_price_is_read_out_in_words_and_shown_as_it_was_written() -> None:
    voice = PacedTTS()
    async with conversation(brain=RepeatingLLM(), mouth=voice) as call:
        call.say("it costs $5")
        record = await call.record(1)
        assert record.outcome == "answered"
        assert "it costs five dollars." in " ".join(voice.texts)
        assert call.spoken() == ["You have just said to me: it costs $5."]
        assert "$5" in call.subtitles.text


async def test_a_caller_who_interrupts_stops_the_voice_and_what_it_was_making() -> None:
    voice = PacedTTS(Pace(rtf=0.8))
    async with conversation(brain=simulated.LLM(), mouth=voice) as call:
        speech_end_s = call.say("tell me something")
        await call.until(speech_end_s + 2.5)
        assert voice.running
        call.say("wait stop please")
        await call.record(2)
    reply, heard = simulated.reply_text(1), call.spoken()[0]
    assert call.records[0].outcome == "interrupted"
    assert reply.startswith(heard) and len(heard) < len(reply)
    whole_s = sum(map(len, voice.texts)) / voice.pace.chars_per_s
    assert voice.steps_made * 0.1 < 0.8 * whole_s
    assert not voice.running
