"""Calls with the embedded engines: a person who speaks is understood and answered."""

from __future__ import annotations

import asyncio
import contextlib
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


VOICES = ("slt", "kal16", "rms", "slt")
"""A person who is misunderstood says it again; so does this one, in another voice."""


async def ask(caller: Caller, text: str, expected: str) -> str:
    """Speaks until the answer's transcript matches `expected`; returns that answer."""
    answers = []
    for voice in VOICES:
        before = len(caller.said("agent"))
        end_s = await caller.say(speech(text, voice))
        with contextlib.suppress(AssertionError):  # not a word was understood
            await caller.wait_for_answer(end_s, timeout_s=8)
        await caller.wait_for_quiet()
        answers.append(caller.said("agent")[before:])
        if re.search(expected, answers[-1]):
            return answers[-1]
    raise AssertionError(f"{text!r} was answered with {answers}; {caller.transcripts}")


async def test_the_caller_is_greeted_by_voice_and_in_text(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    assert "I am Parley" in caller.said("agent")


async def test_asking_the_time_is_answered_with_the_time(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    await ask(caller, "What time is it?", r"It is \d{1,2}:\d\d [AP]M")
    await caller.wait_for(lambda: "time" in caller.said("caller").lower(), "the caller's words")
    await caller.wait_for(lambda: caller.turns, "turn record")
    record = caller.turns[-1]
    assert record["outcome"] == "answered"
    assert record["engines"] == {"stt": "pocketsphinx", "llm": "responder", "tts": "espeak"}
    assert None not in (record["words_final_s"], record["stt_final_s"], record["eot_s"])


async def test_a_timer_is_set_and_speaks_up(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    await ask(caller, "Set a timer for five seconds.", "5 seconds")
    await caller.wait_for(lambda: "timer is up" in caller.said("agent"), "timer to fire")


async def test_speaking_over_a_long_answer_stops_it(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    await caller.room.local_participant.send_text("Tell me a story", topic="lk.chat")
    await caller.wait_for_answer(time.monotonic())
    await asyncio.sleep(2.0)
    assert caller.quiet_since(time.monotonic()) < 0.7, "the story was too short to interrupt"
    stop_s = await caller.say(speech("Stop please, what time is it?"))
    await caller.wait_for(lambda: caller.turns, "record of the interrupted turn")
    assert caller.turns[0]["outcome"] == "interrupted"
    assert 0 < caller.turns[0]["heard_chars"] < 300
    await caller.wait_for_answer(stop_s)
    await caller.wait_for(lambda: len(caller.turns) > 1, "record of the second turn")
    assert caller.turns[1]["outcome"] == "answered"


async def test_what_it_does_not_know_is_answered_with_what_it_can_do(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join)
    await ask(caller, "Purple elephants dance under seventeen umbrellas.", "[Aa]sk me|I can")


async def test_saying_goodbye_ends_the_call_after_the_farewell(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join)
    await ask(caller, "Goodbye.", "oodbye")
    await caller.wait_for(caller.closed.is_set, "end of the call")
    assert caller.notices[-1]["code"] == "ended"


async def test_a_microphone_at_8_khz_is_answered(embedded: Worker, join: Join) -> None:
    caller = await greeted(join, caller=Caller(rate_hz=8_000))
    await ask(caller, "What time is it?", r"\w")


async def test_a_language_it_cannot_hear_is_refused_with_a_sentence(
    embedded: Worker, join: Join
) -> None:
    caller = await join("embedded", metadata='{"language": "de"}')
    await caller.wait_for(lambda: caller.notices, "notice")
    assert "English" in caller.notices[0]["message"]
