"""Calls with the embedded engines: a person who speaks is understood and answered."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from tests.room.conftest import Join
from tests.stack.caller import Caller
from tests.stack.processes import Worker
from tests.stack.speech import speech


async def greeted(join: Join, **arguments: Any) -> Caller:
    caller = await join("embedded", **arguments)
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    return caller


async def ask(caller: Caller, text: str) -> str:
    """Speaks; returns what the agent said in answer, by transcript, after it has ended."""
    before = len(caller.said("agent"))
    end_s = await caller.say(speech(text))
    await caller.wait_for_answer(end_s)
    await caller.wait_for_quiet()
    return caller.said("agent")[before:]


async def test_the_caller_is_greeted_by_voice_and_in_text(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    assert "I am Parley" in caller.said("agent")


async def test_asking_the_time_is_answered_with_the_time(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    answer = await ask(caller, "What time is it?")
    assert re.search(r"It is \d{1,2}:\d\d [AP]M", answer), caller.transcripts
    assert "time" in caller.said("caller").lower()
    await caller.wait_for(lambda: caller.turns, "turn record")
    record = caller.turns[0]
    assert record["outcome"] == "answered"
    assert record["engines"] == {"stt": "pocketsphinx", "llm": "responder", "tts": "espeak"}
    assert None not in (record["words_final_s"], record["stt_final_s"], record["eot_s"])


async def test_a_timer_is_set_and_speaks_up(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    answer = await ask(caller, "Set a timer for five seconds.")
    assert "5 seconds" in answer, caller.transcripts
    await caller.wait_for(lambda: "timer is up" in caller.said("agent"), "timer to fire")


async def test_speaking_over_a_long_answer_stops_it(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    end_s = await caller.say(speech("Tell me a story."))
    await caller.wait_for_answer(end_s)
    await asyncio.sleep(2.0)
    assert caller.quiet_since(time.monotonic()) < 0.7, "the story was too short to interrupt"
    stop_s = await caller.say(speech("Stop please, what time is it?"))
    await caller.wait_for(lambda: caller.turns, "record of the interrupted turn")
    assert caller.turns[0]["outcome"] == "interrupted"
    await caller.wait_for_answer(stop_s)
    await caller.wait_for_quiet()
    await caller.wait_for(lambda: len(caller.turns) > 1, "record of the second turn")
    assert caller.turns[1]["outcome"] == "answered"


async def test_what_it_does_not_know_is_answered_with_what_it_can_do(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join)
    answer = await ask(caller, "Purple elephants dance under seventeen umbrellas.")
    assert "Ask me" in answer, caller.transcripts


async def test_saying_goodbye_ends_the_call_after_the_farewell(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join)
    end_s = await caller.say(speech("Goodbye."))
    await caller.wait_for_answer(end_s)
    await caller.wait_for(caller.closed.is_set, "end of the call")
    assert caller.notices[-1]["code"] == "ended"
    assert "oodbye" in caller.said("agent")


async def test_a_phone_band_microphone_at_8_khz_is_understood(embedded: Worker, join: Join) -> None:
    caller = await greeted(join, caller=Caller(rate_hz=8_000))
    assert "84" in await ask(caller, "What is twelve times seven?"), caller.transcripts


async def test_a_language_it_cannot_hear_is_refused_with_a_sentence(
    embedded: Worker, join: Join
) -> None:
    caller = await join("embedded", metadata='{"language": "de"}')
    await caller.wait_for(lambda: caller.notices, "notice")
    assert "English" in caller.notices[0]["message"]
