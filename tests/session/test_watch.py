"""What the watchdog has to see although nobody tells it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from livekit.agents import APIError, function_tool
from livekit.plugins import responder, simulated
from livekit.plugins.chains import Breakers, ChainTTS, Member

from agent.chained import LOCAL_S
from agent.config import Settings
from agent.playout import SAMPLE_RATE_HZ, Playout
from agent.turns.watchdog import Apology, Limits
from agent.watch import limits
from tests.fakes.empty_stt import EmptySTT
from tests.fakes.eventually import eventually
from tests.fakes.mute_tts import MuteTTS
from tests.fakes.repeating_llm import RepeatingLLM
from tests.fakes.scripted_llm import HANG
from tests.session.conversation import APOLOGIES, Conversation, conversation

pytestmark = pytest.mark.virtual_time

LIMITS = Limits()
QUESTION = "what time is it in Paris"
ANSWER = f"You have just said to me: {QUESTION}."
TROUBLE = APOLOGIES[Apology.TROUBLE]
HELD_S = 2.0


def apology_voice(text: str) -> bytes:
    return b"\x10\x20" * SAMPLE_RATE_HZ


def now_s() -> float:
    return asyncio.get_running_loop().time()


def first_sound_s(call: Conversation) -> float:
    started_s = call.loudspeaker.played[0].started_s
    assert started_s is not None
    return started_s


async def test_a_cough_while_it_thinks_does_not_hide_that_it_is_stuck() -> None:
    """The agent is held for the cough, and nobody tells when it no longer is."""
    ears = simulated.STT(delay_s=0.08)
    async with conversation(
        brain=RepeatingLLM(delay_s=HANG), ears=ears, limits=LIMITS, voice=apology_voice
    ) as call:
        end_s = call.say(QUESTION)
        await call.until(end_s + 2.0)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 0.3)
        await call.until(end_s + 20.0)
    assert call.spoken() == [TROUBLE]
    assert first_sound_s(call) - end_s == pytest.approx(LIMITS.thinking_s, abs=2.5)


async def test_an_agent_that_is_held_when_its_time_is_over_is_looked_at_afterwards() -> None:
    async with conversation(
        brain=RepeatingLLM(delay_s=HANG), limits=LIMITS, voice=apology_voice
    ) as call:
        end_s = call.say(QUESTION)
        await call.until(end_s + LIMITS.thinking_s - 1.0)
        call.loudspeaker.hold()
        await call.until(now_s() + HELD_S)
        assert call.loudspeaker.played == []
        call.loudspeaker.release()
        await call.until(end_s + 20.0)
    assert call.spoken() == [TROUBLE]
    assert first_sound_s(call) - end_s == pytest.approx(LIMITS.thinking_s + HELD_S, abs=2.0)


async def test_a_greeting_is_apologised_for_where_somebody_hears_the_agent_only_after_it_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a room: the voice is subscribed to some moments after it was published."""
    heard_from_s = now_s() + 3.0
    monkeypatch.setattr(Playout, "is_heard", property(lambda _: now_s() >= heard_from_s))
    async with conversation(
        brain=RepeatingLLM(), mouth=MuteTTS(), limits=LIMITS, voice=apology_voice
    ) as call:
        call.session.say("Hello, how can I help?")
        await call.until(20.0)
    assert call.spoken() == [TROUBLE]
    assert first_sound_s(call) - heard_from_s == pytest.approx(LIMITS.thinking_s, abs=1.5)


async def test_the_goodbye_is_said_although_another_apology_was_in_the_making() -> None:
    is_made = threading.Event()

    def voice(text: str) -> bytes:
        if text == APOLOGIES[Apology.CALL_AGAIN]:
            is_made.wait(2.0)
        return apology_voice(text)

    brain = RepeatingLLM()
    brain.errors += [APIError("the model is gone", retryable=False)] * 40
    async with conversation(brain=brain, limits=LIMITS, voice=voice) as call:
        call.say(QUESTION)
        await call.record(1)
        await call.until(now_s() + 4.0)
        call.say(QUESTION)
        await call.record(2)
        call.session.generate_reply(user_input=QUESTION, input_modality="text")
        await call.record(3)
        is_made.set()
        await call.until(now_s() + 10.0)
        ends = list(call.ends)
    kinds = (Apology.TROUBLE, Apology.CALL_AGAIN, Apology.GOODBYE)
    assert call.spoken() == [APOLOGIES[kind] for kind in kinds]
    goodbye = call.loudspeaker.played[-1]
    assert goodbye.is_whole and goodbye.started_s is not None
    assert ends == [pytest.approx(goodbye.started_s + goodbye.duration_s, abs=0.3)]


def local_voices(first: MuteTTS) -> tuple[ChainTTS, Limits]:
    """A voice of this machine with another one behind it, and the limits of such a call."""
    members: list[Member[Any]] = [
        Member("tts:kokoro", first, LOCAL_S["tts"]),
        Member("tts:simulated", simulated.TTS(delay_s=0.07), LOCAL_S["tts"]),
    ]
    chain = ChainTTS(members, breakers=Breakers(chance=lambda: 0.5))
    return chain, limits(Settings(), "local", {"tts": LOCAL_S["tts"]})


@pytest.mark.parametrize("sound_s", [0.0, 1.0])
async def test_a_local_voice_that_hangs_is_followed_by_the_next_one_and_not_by_an_apology(
    sound_s: float,
) -> None:
    mouth, own = local_voices(MuteTTS(sound_s=sound_s))
    async with conversation(
        brain=RepeatingLLM(), mouth=mouth, limits=own, voice=apology_voice
    ) as call:
        call.say(QUESTION)
        record = await call.record(1)
        await call.until(now_s() + 20.0)
    assert record.outcome == "answered"
    assert call.spoken() == [ANSWER]


async def test_empty_transcripts_for_ever_lead_to_a_question_and_then_to_the_end() -> None:
    ears = EmptySTT(every_s=0.3)
    async with conversation(
        brain=RepeatingLLM(), ears=ears, limits=LIMITS, voice=apology_voice
    ) as call:
        for _ in range(3):
            begin_s = call.microphone.next_frame_s
            call.microphone.speak(begin_s, 1.5)
            await call.until(begin_s + 10.0)
        await call.until(now_s() + 10.0)
        ends = list(call.ends)
    assert call.spoken() == [
        APOLOGIES[kind] for kind in (Apology.UNHEARD, Apology.CALL_AGAIN, Apology.GOODBYE)
    ]
    assert len(ends) == 1
    assert call.records == []


async def test_empty_transcripts_without_speech_are_not_apologised_for() -> None:
    ears = EmptySTT(every_s=0.3)
    async with conversation(
        brain=RepeatingLLM(), ears=ears, limits=LIMITS, voice=apology_voice
    ) as call:
        await call.until(30.0)
    assert call.loudspeaker.played == []


async def test_a_call_that_ends_waits_for_a_tool_no_longer_than_a_tool_may_take() -> None:
    begun_s: list[float] = []

    @function_tool(name="get_time")
    async def get_time(time_zone: str | None = None) -> str:
        """Tells the time."""
        begun_s.append(now_s())
        await asyncio.sleep(1000.0)
        return "It is noon."

    async with conversation(brain=responder.LLM(), limits=LIMITS, voice=apology_voice) as call:
        await call.session.current_agent.update_tools([get_time])
        call.say("what time is it")
        await eventually(lambda: begun_s)
        left_s = now_s()
    # Before it asks anybody, livekit waits 5 s for the speech that it has cancelled.
    assert now_s() - left_s == pytest.approx(5.0 + LIMITS.tool_s, abs=1.0)


async def test_noise_that_never_pauses_is_asked_about_and_in_the_end_ends_the_call() -> None:
    """A radio holds the VAD open, and no recogniser understands it."""
    async with conversation(
        brain=RepeatingLLM(), ears=EmptySTT(every_s=0.3), limits=LIMITS, voice=apology_voice
    ) as call:
        noise_s = 4 * LIMITS.caller_s
        call.microphone.speak(call.microphone.next_frame_s, noise_s)
        await call.until(now_s() + noise_s)
        ends = list(call.ends)
    assert call.spoken() == [
        APOLOGIES[kind] for kind in (Apology.UNHEARD, Apology.CALL_AGAIN, Apology.GOODBYE)
    ]
    assert [played.is_whole for played in call.loudspeaker.played] == [True, True, True]
    assert first_sound_s(call) == pytest.approx(LIMITS.caller_s, abs=1.0)
    assert len(ends) == 1
