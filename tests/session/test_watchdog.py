"""An engine or a tool hangs: the caller is told so, and the call goes on or ends politely."""

import asyncio
from typing import Any

import pytest
from livekit.agents import APIError, CloseEvent, function_tool, llm
from livekit.plugins import pocketsphinx, responder, simulated
from livekit.plugins.speechcore import EngineError
from prometheus_client import REGISTRY

from agent.playout import SAMPLE_RATE_HZ
from agent.turns.watchdog import Apology, Limits
from tests.fakes.engines import FakeRecogniser
from tests.fakes.eventually import eventually
from tests.fakes.mute_tts import MuteTTS
from tests.fakes.repeating_llm import RepeatingLLM
from tests.fakes.scripted_llm import HANG, ScriptedLLM
from tests.fakes.scripted_llm import call as tool_call
from tests.session.conversation import APOLOGIES, Conversation, conversation

pytestmark = pytest.mark.virtual_time

LIMITS = Limits()
UNHEARD, TROUBLE = APOLOGIES[Apology.UNHEARD], APOLOGIES[Apology.TROUBLE]
CALL_AGAIN, GOODBYE = APOLOGIES[Apology.CALL_AGAIN], APOLOGIES[Apology.GOODBYE]
QUESTION = "what time is it in Paris"
ANSWER = f"You have just said to me: {QUESTION}."
APOLOGY_S = 1.0


def apology_voice(text: str) -> bytes:
    return b"\x10\x20" * round(APOLOGY_S * SAMPLE_RATE_HZ)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def close_to(value_s: float, within_s: float = 0.3) -> Any:
    return pytest.approx(value_s, abs=within_s)


def stuck(state: str) -> float:
    return REGISTRY.get_sample_value("parley_stuck_total", {"state": state}) or 0.0


def apologies() -> float:
    kinds = (kind.value for kind in Apology)
    name = "parley_apologies_total"
    return sum(REGISTRY.get_sample_value(name, {"kind": kind}) or 0.0 for kind in kinds)


def apology_times(call: Conversation) -> list[float]:
    """When the apologies began that were played as they are."""
    starts = [
        played.started_s
        for played in call.loudspeaker.played
        if played.duration_s == pytest.approx(APOLOGY_S)
    ]
    assert None not in starts
    return [start for start in starts if start is not None]


async def test_a_language_model_that_never_answers_is_given_up_and_the_next_turn_answered() -> None:
    brain, before = RepeatingLLM(delay_s=HANG), stuck("thinking")
    async with conversation(brain=brain, limits=LIMITS, voice=apology_voice) as call:
        end_s = call.say(QUESTION)
        failed = await call.record(1)
        await call.until(end_s + 10)
        (apology_s,) = apology_times(call)
        assert call.spoken() == [TROUBLE]
        brain.delay_s = 0.15
        call.say(QUESTION)
        answered = await call.record(2)
        await call.until(now_s() + 10)
    assert apology_s == close_to(end_s + LIMITS.thinking_s, 1.0)
    assert (failed.outcome, failed.faults, failed.heard_chars) == ("failed", ["llm"], 0)
    assert (answered.outcome, answered.faults) == ("answered", [])
    assert call.spoken() == [TROUBLE, ANSWER]
    assert call.ends == []
    assert stuck("thinking") == before + 1


async def test_a_voice_that_never_sounds_is_given_up_by_the_embedded_one() -> None:
    async with conversation(
        brain=RepeatingLLM(), mouth=MuteTTS(), limits=LIMITS, voice=apology_voice
    ) as call:
        end_s = call.say(QUESTION)
        failed = await call.record(1)
        await call.until(end_s + 20)
    (apology_s,) = apology_times(call)
    assert apology_s <= end_s + LIMITS.thinking_s + 1.0
    assert (failed.outcome, failed.faults, failed.playout_s) == ("failed", ["tts"], None)
    assert call.spoken() == [TROUBLE]


async def test_a_voice_that_breaks_off_without_an_error_is_followed_by_the_embedded_one() -> None:
    async with conversation(
        brain=RepeatingLLM(), mouth=MuteTTS(sound_s=1.5), limits=LIMITS, voice=apology_voice
    ) as call:
        call.say(QUESTION)
        await call.until_agent_speaks()
        began_s = now_s()
        failed = await call.record(1)
        await call.until(began_s + 20)
    (apology_s,) = apology_times(call)
    assert apology_s == close_to(began_s + 1.5 + LIMITS.sound_s, 0.5)
    assert (failed.outcome, failed.faults) == ("failed", ["tts"])


async def test_a_greeting_that_is_never_heard_is_apologised_for() -> None:
    async with conversation(
        brain=RepeatingLLM(), mouth=MuteTTS(), limits=LIMITS, voice=apology_voice
    ) as call:
        call.session.say("Hello, how can I help?")
        await call.until(20)
    assert apology_times(call) == [close_to(LIMITS.thinking_s)]
    assert call.records == []


async def test_a_recogniser_that_says_nothing_leads_to_a_question_and_then_to_the_end() -> None:
    ears = simulated.STT(delay_s=0.08)
    async with conversation(
        brain=RepeatingLLM(), ears=ears, limits=LIMITS, voice=apology_voice
    ) as call:
        ends_s = []
        for _ in range(3):
            ears.expect_words([])
            begin_s = call.microphone.next_frame_s
            call.microphone.speak(begin_s, 1.5)
            ends_s.append(begin_s + 1.5)
            await call.until(begin_s + 10)
        await call.until(60)
    assert apology_times(call) == [close_to(end_s + LIMITS.words_s) for end_s in ends_s]
    assert call.spoken() == [UNHEARD, CALL_AGAIN, GOODBYE]
    assert call.ends == [close_to(apology_times(call)[-1] + APOLOGY_S)]
    assert call.records == []


async def test_a_recogniser_that_fails_for_good_leads_to_the_goodbye_and_not_to_a_sudden_end() -> (
    None
):
    closed: list[CloseEvent] = []
    engine = FakeRecogniser(errors=[EngineError("no memory") for _ in range(5000)])
    async with conversation(
        brain=RepeatingLLM(),
        ears=pocketsphinx.STT(engine=engine),
        limits=LIMITS,
        voice=apology_voice,
    ) as call:
        call.session.on("close", closed.append)
        for _ in range(3):
            begin_s = call.microphone.next_frame_s
            call.microphone.speak(begin_s, 3.0)
            await call.until(begin_s + 12)
        await call.until(now_s() + 20)
        ends = list(call.ends)
        assert closed == []
    assert call.spoken() == [UNHEARD, CALL_AGAIN, GOODBYE]
    assert len(ends) == 1


async def test_a_recogniser_that_is_back_is_heard_in_the_same_call() -> None:
    engine = FakeRecogniser(errors=[EngineError("no memory") for _ in range(5000)])
    async with conversation(
        brain=RepeatingLLM(),
        ears=pocketsphinx.STT(engine=engine),
        limits=LIMITS,
        voice=apology_voice,
    ) as call:
        begin_s = call.microphone.next_frame_s
        call.microphone.speak(begin_s, 3.0)
        await call.until(begin_s + 15)
        engine.errors.clear()
        await call.until(begin_s + 20)
        call.say("anything at all")
        answered = await call.record(1)
        await call.until(now_s() + 5)
    assert answered.outcome == "answered"
    assert call.spoken() == [UNHEARD, "You have just said to me: sound."]
    assert call.ends == []


@pytest.mark.parametrize(("count", "length_s"), [(1, 0.5), (4, 0.6)])
async def test_a_cough_is_not_apologised_for(count: int, length_s: float) -> None:
    ears, before = simulated.STT(delay_s=0.08), apologies()
    async with conversation(
        brain=RepeatingLLM(), ears=ears, limits=LIMITS, voice=apology_voice
    ) as call:
        for _ in range(count):
            ears.expect_words([])
            call.microphone.speak(call.microphone.next_frame_s, length_s)
            await call.until(now_s() + 1)
        await call.until(30)
    assert call.loudspeaker.played == []
    assert apologies() == before


async def test_a_noise_over_the_answer_is_not_apologised_for() -> None:
    ears, before = simulated.STT(delay_s=0.08), apologies()
    async with conversation(
        brain=simulated.LLM(),
        mouth=simulated.TTS(delay_s=0.07, reply_s=9.0),
        ears=ears,
        limits=LIMITS,
        voice=apology_voice,
    ) as call:
        call.say("what time is it")
        await call.until_agent_speaks()
        ears.expect_words([])
        call.microphone.speak(now_s() + 2, 3.0)
        record = await call.record(1)
        await call.until(now_s() + 20)
    assert record.outcome == "answered"
    assert apologies() == before


@pytest.mark.parametrize("words", ["mm hmm", "uh huh okay yeah right"])
async def test_backchannels_are_not_apologised_for(words: str) -> None:
    before = apologies()
    async with conversation(
        brain=simulated.LLM(),
        mouth=simulated.TTS(delay_s=0.07, reply_s=9.0),
        limits=LIMITS,
        voice=apology_voice,
    ) as call:
        call.say("what time is it")
        await call.until_agent_speaks()
        await call.until(now_s() + 3)
        call.say(words)
        await call.record(1)
        await call.until(now_s() + 20)
    assert len(call.records) == 1
    assert apologies() == before


async def with_tool(call: Conversation, tool: Any) -> None:
    await call.session.current_agent.update_tools([tool])


async def test_a_tool_that_never_returns_is_given_up() -> None:
    waits_s = [HANG, 0.0]

    @function_tool(name="get_time")
    async def get_time(time_zone: str | None = None) -> str:
        """Tells the time."""
        await asyncio.sleep(waits_s.pop(0))
        return "It is noon."

    async with conversation(brain=responder.LLM(), limits=LIMITS, voice=apology_voice) as call:
        await with_tool(call, get_time)
        end_s = call.say("what time is it")
        failed = await call.record(1)
        await call.until(now_s() + 3)
        (apology_s,) = apology_times(call)
        call.say("what time is it")
        answered = await call.record(2)
        await call.until(now_s() + 10)
    assert apology_s == close_to(end_s + LIMITS.tool_s, 1.0)
    assert (failed.outcome, failed.faults) == ("failed", ["tool"])
    assert answered.outcome == "answered"
    assert call.spoken() == [TROUBLE, "It is noon."]


async def test_a_tool_that_raises_is_told_to_the_language_model_which_answers() -> None:
    @function_tool(name="get_time")
    async def get_time(time_zone: str | None = None) -> str:
        """Tells the time."""
        raise OSError("the clock has stopped")

    before = apologies()
    async with conversation(brain=responder.LLM(), limits=LIMITS, voice=apology_voice) as call:
        await with_tool(call, get_time)
        call.say("what time is it")
        record = await call.record(1)
        await call.until(now_s() + 10)
        outputs = [item for item in call.session.history.items if item.type.endswith("_output")]
    (output,) = outputs
    assert isinstance(output, llm.FunctionCallOutput)
    assert output.is_error
    assert "clock" not in output.output
    assert record.outcome == "answered"
    assert len(call.spoken()) == 1
    assert apologies() == before


async def test_a_tool_that_wants_no_answer_is_not_apologised_for() -> None:
    @function_tool(name="get_time")
    async def get_time() -> None:
        """Shows the time."""

    before = apologies()
    brain = ScriptedLLM([tool_call("get_time")])
    async with conversation(brain=brain, limits=LIMITS, voice=apology_voice) as call:
        await with_tool(call, get_time)
        call.say(QUESTION)
        await call.until(30)
    assert apologies() == before


async def test_engines_that_fail_are_apologised_for_and_the_third_time_the_call_ends() -> None:
    brain = RepeatingLLM()
    brain.errors += [APIError("the model is gone", retryable=False) for _ in range(40)]
    async with conversation(brain=brain, limits=LIMITS, voice=apology_voice) as call:
        for number in range(3):
            call.say(QUESTION)
            await call.record(number + 1)
            await call.until(now_s() + 4)
        await call.until(now_s() + 10)
        ends = list(call.ends)
    assert [record.outcome for record in call.records] == ["failed"] * 3
    assert call.spoken() == [TROUBLE, CALL_AGAIN, GOODBYE]
    assert ends == [close_to(apology_times(call)[-1] + APOLOGY_S)]


async def test_an_answer_makes_good_for_the_failures_before_it() -> None:
    brain = RepeatingLLM()
    async with conversation(brain=brain, limits=LIMITS, voice=apology_voice) as call:
        for number in range(6):
            is_ill = number % 2 == 0
            brain.errors[:] = [APIError("the model is gone", retryable=False)] * 20 * is_ill
            call.say(QUESTION)
            await call.record(number + 1)
            await call.until(now_s() + 4)
    assert [text for text in call.spoken() if "sentence" in text] == [TROUBLE] * 3
    assert call.ends == []


async def test_where_espeak_is_missing_the_voice_of_the_call_apologises() -> None:
    async with conversation(brain=ScriptedLLM([HANG]), limits=LIMITS) as call:
        call.say(QUESTION)
        await eventually(lambda: call.spoken() == [TROUBLE], deadline_s=15)


async def test_with_all_voices_dead_the_call_ends_all_the_same() -> None:
    async with conversation(brain=RepeatingLLM(), mouth=MuteTTS(), limits=LIMITS) as call:
        for _ in range(3):
            await call.until(call.say(QUESTION) + 30)
        ends = list(call.ends)
    assert call.loudspeaker.played == []
    assert len(ends) == 1


async def test_a_caller_who_speaks_up_while_it_apologises_is_answered() -> None:
    brain = RepeatingLLM(delay_s=HANG)
    async with conversation(brain=brain, limits=LIMITS, voice=apology_voice) as call:
        call.say(QUESTION)
        await call.record(1)
        await call.until_agent_speaks()
        await call.until(now_s() + 0.3)
        brain.delay_s = 0.15
        call.say("no I meant tomorrow")
        answered = await call.record(2)
        await call.until(now_s() + 10)
    assert answered.outcome == "answered"
    assert call.spoken()[-1] == "You have just said to me: no I meant tomorrow."
    assert not call.loudspeaker.played[0].is_whole


async def test_a_long_and_lively_call_hears_no_apology() -> None:
    before = apologies()
    async with conversation(
        brain=RepeatingLLM(delay_s=2.5), limits=LIMITS, voice=apology_voice
    ) as call:
        for number in range(6):
            call.say(QUESTION)
            await call.record(number + 1)
            await call.until(now_s() + 5 * (number % 3))
    assert {record.outcome for record in call.records} == {"answered"}
    assert apologies() == before
