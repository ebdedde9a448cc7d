"""A caller who has gone silent is asked once, then bidden goodbye."""

import asyncio

import pytest
from livekit.agents import function_tool
from livekit.plugins import responder, simulated

from agent.attention import SilenceOptions, silence_options
from agent.config import Settings
from tests.fakes.repeating_llm import RepeatingLLM
from tests.session.conversation import Conversation, conversation

pytestmark = pytest.mark.virtual_time

PROMPT, GOODBYE = "Are you still there?", "I will hang up now. Goodbye!"
PROMPT_S = END_S = 30.0
IN_GOODBYE_S = PROMPT_S + END_S + 2.0
SILENCE = SilenceOptions(prompt_after_s=PROMPT_S, end_after_s=END_S, prompt=PROMPT, goodbye=GOODBYE)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def close_to(value_s: float) -> object:
    return pytest.approx(value_s, abs=0.1)


def spans(call: Conversation) -> list[tuple[float, float]]:
    """When the agent began and ended to speak, one for each speech; all of them whole."""
    spans = []
    for played in call.loudspeaker.played:
        assert played.is_whole
        assert played.started_s is not None
        spans.append((played.started_s, played.started_s + played.duration_s))
    return spans


async def test_after_the_silence_comes_one_prompt_and_after_another_the_goodbye() -> None:
    async with conversation(brain=simulated.LLM(), silence=SILENCE) as call:
        await call.until(29.9)
        assert not call.loudspeaker.played
        await call.until(61.0)
        assert call.spoken() == [PROMPT]
        await call.until(200.0)
    (prompt_s, prompt_end_s), (goodbye_s, goodbye_end_s) = spans(call)
    assert prompt_s == close_to(PROMPT_S)
    assert goodbye_s == close_to(prompt_end_s + END_S)
    assert call.spoken() == [PROMPT, GOODBYE]
    assert call.hang_ups == [close_to(goodbye_end_s)]
    assert call.records == []


async def test_an_answer_to_the_prompt_is_a_turn_and_begins_the_silence_anew() -> None:
    brain = RepeatingLLM()
    async with conversation(brain=brain, silence=SILENCE) as call:
        await call.until(45.0)
        call.say("yes I am")
        record = await call.record(1)
        answered_s = now_s()
        await call.until(answered_s + 29)
        assert call.spoken() == [PROMPT, "You have just said to me: yes I am."]
        await call.until(answered_s + 35)
    assert call.spoken()[-1] == PROMPT
    assert call.hang_ups == []
    assert (record.turn, record.outcome) == (1, "answered")


async def test_speech_before_the_prompt_postpones_it() -> None:
    async with conversation(brain=simulated.LLM(), silence=SILENCE) as call:
        await call.until(29.0)
        call.say("what a nice day")
        await call.record(1)
        answered_s = now_s()
        await call.until(answered_s + 29.5)
        assert PROMPT not in call.spoken()
        await call.until(answered_s + 35)
    assert spans(call)[-1][0] == close_to(answered_s + PROMPT_S)


@pytest.mark.parametrize("typed_s", [29.0, 45.0], ids=["before the prompt", "after it"])
async def test_typing_begins_the_silence_anew(typed_s: float) -> None:
    async with conversation(brain=RepeatingLLM(), silence=SILENCE) as call:
        await call.until(typed_s)
        call.session.generate_reply(user_input="hello there", input_modality="text")
        await call.record(1)
        answered_s = now_s()
        await call.until(answered_s + 35)
    assert call.spoken()[-2:] == ["You have just said to me: hello there.", PROMPT]
    assert spans(call)[-1][0] == close_to(answered_s + PROMPT_S)


async def test_a_caller_who_waits_for_a_timer_is_left_in_peace_until_it_has_rung() -> None:
    async with conversation(brain=responder.LLM(), silence=SILENCE) as call:
        call.say("set a timer for two minutes")
        await call.record(1)
        await call.until(119.0)
        assert len(call.loudspeaker.played) == 1
        await call.until(145.0)
        assert call.spoken()[1] == "Your 2 minute timer is up."
        assert len(call.spoken()) == 2
        await call.until(220.0)
    (_, announced_end_s), (prompt_s, _), (_, goodbye_end_s) = spans(call)[1:]
    assert prompt_s == close_to(announced_end_s + PROMPT_S)
    assert call.hang_ups == [close_to(goodbye_end_s)]


async def test_a_tool_that_takes_long_is_no_silence() -> None:
    @function_tool(name="get_time")
    async def slow_get_time(time_zone: str | None = None) -> str:
        """Tells the current time."""
        await asyncio.sleep(100)
        return "It is noon."

    async with conversation(brain=responder.LLM(), silence=SILENCE) as call:
        await call.session.current_agent.update_tools([slow_get_time])
        call.say("what time is it")
        await call.until(100.0)
        assert call.loudspeaker.played == []
        await call.record(1)
        await call.until(now_s() + 29)
        assert call.spoken() == ["It is noon."]
        await call.until(now_s() + 5)
    assert call.spoken()[1:] == [PROMPT]


async def test_a_caller_who_speaks_up_during_the_goodbye_keeps_the_call() -> None:
    async with conversation(brain=RepeatingLLM(), silence=SILENCE) as call:
        await call.until(IN_GOODBYE_S)
        assert call.loudspeaker.is_playing
        call.say("wait I am here")
        record = await call.record(1)
        await call.until(now_s() + 25)
    assert record.outcome == "answered"
    assert call.spoken()[-1] == "You have just said to me: wait I am here."
    assert call.hang_ups == []


async def test_a_sound_during_the_goodbye_keeps_the_call_too() -> None:
    ears = simulated.STT(delay_s=0.08)
    async with conversation(brain=simulated.LLM(), ears=ears, silence=SILENCE) as call:
        await call.until(IN_GOODBYE_S)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 0.7)
        await call.until(85.0)
        assert call.hang_ups == []
        await call.until(200.0)
    assert call.spoken().count(PROMPT) == 2
    assert len(call.hang_ups) == 1


@pytest.mark.parametrize(
    ("prompt_after_s", "end_after_s", "said", "hang_ups"),
    [(0, 0, [], 0), (30, 0, [PROMPT], 0), (0, 30, [GOODBYE], 1)],
)
async def test_zero_is_never(
    prompt_after_s: float, end_after_s: float, said: list[str], hang_ups: int
) -> None:
    silence = SilenceOptions(
        prompt_after_s=prompt_after_s, end_after_s=end_after_s, prompt=PROMPT, goodbye=GOODBYE
    )
    async with conversation(brain=simulated.LLM(), silence=silence) as call:
        await call.until(150.0)
    assert call.spoken() == said
    assert len(call.hang_ups) == hang_ups


async def test_a_session_that_closes_in_the_silence_is_left_alone() -> None:
    async with conversation(brain=simulated.LLM(), silence=SILENCE) as call:
        await call.until(29.0)
        await call.session.aclose()
        await call.until(200.0)
    assert call.loudspeaker.played == []
    assert call.hang_ups == []


@pytest.mark.parametrize(
    ("profile", "given", "expected_s"),
    [
        ("embedded", {}, (30, 30)),
        ("simulated", {}, (0, 0)),
        ("simulated", {"agent_silence_prompt_s": 30}, (30, 0)),
        ("embedded", {"agent_silence_end_s": 5.5}, (30, 5.5)),
    ],
)
def test_the_simulated_profile_waits_for_ever_unless_told_otherwise(
    profile: str, given: dict[str, float], expected_s: tuple[float, float]
) -> None:
    options = silence_options(Settings(**given), profile)  # type: ignore[arg-type]
    assert (options.prompt_after_s, options.end_after_s) == expected_s
    assert (options.prompt, options.goodbye) == (PROMPT, GOODBYE)
