"""A voice that takes whole texts, in a session: heard by clauses, written as the LLM wrote it."""

from __future__ import annotations

import pytest

from tests.fakes.eventually import eventually
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
    async with conversation(brain=RepeatingLLM(), mouth=voice) as call:
        call.say(
            "this is a sentence, and so is the reply to it, which repeats all of it, to the end"
        )
        await call.until_agent_speaks()
        call.say("no stop that please")
        await eventually(lambda: not call.loudspeaker.is_playing, deadline_s=5.0)
        await call.record(2)
    assert call.records[0].outcome == "interrupted"
    assert len(call.spoken()[0]) < len("You have just said to me: this is a sentence, and so is")
    whole_s = sum(map(len, voice.texts)) / voice.pace.chars_per_s
    assert voice.steps_made * 0.1 < 0.7 * whole_s
    assert not voice.running
