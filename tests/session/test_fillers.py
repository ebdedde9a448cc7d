"""A caller who waits for a tool hears that something is being done, and then the answer."""

import asyncio
from typing import Any, Never

import pytest
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    Agent,
    APIConnectOptions,
    ToolError,
    function_tool,
    llm,
)
from livekit.plugins import responder, simulated
from livekit.plugins.speechcore import EngineError

from agent.turns.fillers import Fillers
from tests.fakes.engines import FakeSynthesiser, fake_tts
from tests.fakes.eventually import eventually
from tests.session.conversation import Conversation, conversation

pytestmark = pytest.mark.virtual_time

PHRASES = ("Let me look.", "One moment.")
FILLER_S, TTS_S = 1.2, 0.07
NOON = "It is noon."


def fillers() -> Fillers:
    return Fillers(delay_s=FILLER_S, phrases=PHRASES)


def now_s() -> float:
    return asyncio.get_running_loop().time()


class Clock:
    """A tool that takes as long as a test says. Keeps when it was asked."""

    def __init__(self, takes_s: float, error: str | None = None) -> None:
        self.takes_s = takes_s
        self.error = error
        self.asked_s: list[float] = []

    def tool(self) -> Any:
        @function_tool(name="get_time")
        async def get_time(time_zone: str | None = None) -> str:
            """Tells the current time."""
            self.asked_s.append(now_s())
            await asyncio.sleep(self.takes_s)
            if self.error:
                raise ToolError(self.error)
            return NOON

        return get_time


async def ask(call: Conversation, clock: Clock, *, by_typing: bool = False) -> float:
    """Asks for the time; returns when the tool was called."""
    asked = len(clock.asked_s)
    agent: Agent = call.session.current_agent
    await agent.update_tools([clock.tool()])
    if by_typing:
        call.session.generate_reply(user_input="what time is it", input_modality="text")
    else:
        call.say("what time is it")
    await eventually(lambda: len(clock.asked_s) > asked)
    return clock.asked_s[-1]


def lines(call: Conversation) -> list[str]:
    return [line.strip() for line in call.subtitles.text.splitlines()]


async def test_a_slow_tool_is_bridged_and_its_answer_follows() -> None:
    clock = Clock(takes_s=4.0)
    async with conversation(brain=responder.LLM(), fillers=fillers()) as call:
        asked_s = await ask(call, clock)
        record = await call.record(1)
        await call.until(now_s() + 20)
    filler, answer = call.loudspeaker.played
    assert filler.started_s == pytest.approx(asked_s + FILLER_S + TTS_S, abs=0.02)
    assert filler.is_whole
    assert filler.started_s + filler.duration_s < asked_s + 4.0
    assert answer.started_s == pytest.approx(asked_s + 4.0 + TTS_S, abs=0.05)
    assert answer.is_whole
    assert lines(call) == [PHRASES[0], NOON]
    assert call.spoken() == [NOON]
    assert call.records == [record]
    assert (record.turn, record.outcome, record.faults) == (1, "answered", [])
    assert record.heard_chars == len(NOON)


async def test_the_record_is_about_the_answer_and_not_about_the_filler() -> None:
    clock = Clock(takes_s=4.0)
    async with conversation(brain=responder.LLM(), fillers=fillers()) as call:
        speech_end_s = call.microphone.next_frame_s + 4 * 0.3
        await ask(call, clock)
        record = await call.record(1)
    answer_s = call.loudspeaker.played[1].started_s
    assert answer_s is not None
    assert record.playout_s == pytest.approx(answer_s - speech_end_s, abs=0.02)
    assert record.tts_first_s == pytest.approx(record.playout_s, abs=0.02)
    assert record.llm_first_s is not None
    assert record.llm_first_s <= record.tts_first_s


@pytest.mark.parametrize("takes_s", [0.0, 1.0])
async def test_a_tool_that_is_soon_done_gets_no_filler(takes_s: float) -> None:
    async with conversation(brain=responder.LLM(), fillers=fillers()) as call:
        await ask(call, Clock(takes_s))
        await call.record(1)
        await call.until(now_s() + 20)
    assert lines(call) == [NOON]
    assert len(call.loudspeaker.played) == 1


async def test_an_answer_that_comes_during_the_filler_waits_for_its_end() -> None:
    clock = Clock(takes_s=1.4)
    async with conversation(brain=responder.LLM(), fillers=fillers()) as call:
        asked_s = await ask(call, clock)
        record = await call.record(1)
        await call.until(now_s() + 20)
    filler, answer = call.loudspeaker.played
    assert filler.is_whole
    assert filler.started_s is not None
    filler_end_s = filler.started_s + filler.duration_s
    assert filler_end_s > asked_s + 1.4
    assert answer.started_s is not None
    assert 0 <= answer.started_s - filler_end_s < 0.2
    assert (record.outcome, record.heard_chars) == ("answered", len(NOON))
    assert len(call.records) == 1


@pytest.mark.parametrize("by_typing", [False, True])
async def test_no_two_fillers_in_a_row_are_alike(by_typing: bool) -> None:
    async with conversation(brain=responder.LLM(), fillers=fillers()) as call:
        for number in (1, 2, 3):
            await ask(call, Clock(takes_s=2.5), by_typing=by_typing)
            await call.record(number)
    assert lines(call) == [PHRASES[0], NOON, PHRASES[1], NOON, PHRASES[0], NOON]
    assert call.spoken() == [NOON] * 3
    assert [record.outcome for record in call.records] == ["answered"] * 3


async def test_a_long_wait_has_one_filler() -> None:
    async with conversation(brain=responder.LLM(), fillers=fillers()) as call:
        await ask(call, Clock(takes_s=25.0))
        await call.record(1)
    assert lines(call) == [PHRASES[0], NOON]


async def test_a_sound_after_the_answer_is_not_taken_for_waiting() -> None:
    ears = simulated.STT(delay_s=0.08)
    async with conversation(brain=responder.LLM(), ears=ears, fillers=fillers()) as call:
        await ask(call, Clock(takes_s=2.5))
        await call.record(1)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 0.7)
        await call.until(now_s() + 10)
    assert lines(call) == [PHRASES[0], NOON]


async def test_a_tool_that_fails_after_the_filler_is_answered_all_the_same() -> None:
    clock = Clock(takes_s=3.0, error="The clock has stopped.")
    async with conversation(brain=responder.LLM(), fillers=fillers()) as call:
        await ask(call, clock)
        record = await call.record(1)
        await call.until(now_s() + 20)
    said, answer = lines(call)
    assert said == PHRASES[0]
    assert call.spoken() == [answer]
    assert "clock has stopped" in answer
    assert (record.outcome, record.heard_chars) == ("answered", len(answer))


async def test_a_caller_can_talk_over_the_filler_and_gets_no_second_one_before_an_answer() -> None:
    clock = Clock(takes_s=4.0)
    long = Fillers(delay_s=FILLER_S, phrases=("Let me look, that may take me a good while.", "Hm."))
    async with conversation(brain=responder.LLM(), fillers=long) as call:
        asked_s = await ask(call, clock)
        await call.until(asked_s + FILLER_S + 0.4)
        assert call.loudspeaker.is_playing
        call.say("what time is it")
        second = await call.record(2)
        await call.until(now_s() + 20)
    filler, answer = call.loudspeaker.played
    assert not filler.is_whole
    assert filler.duration_s < 1.5
    assert answer.is_whole
    assert len(clock.asked_s) == 2
    assert call.spoken() == [NOON]
    first = call.records[0]
    assert (first.turn, first.outcome, first.heard_chars) == (1, "interrupted", 0)
    assert (second.turn, second.outcome, second.heard_chars) == (2, "answered", len(NOON))


async def test_a_sound_over_the_filler_loses_neither_it_nor_the_answer() -> None:
    ears = simulated.STT(delay_s=0.08)
    async with conversation(brain=responder.LLM(), ears=ears, fillers=fillers()) as call:
        asked_s = await ask(call, Clock(takes_s=5.0))
        await call.until(asked_s + FILLER_S + 0.2)
        ears.expect_words([])
        call.microphone.speak(call.microphone.next_frame_s, 0.7)
        record = await call.record(1)
        await call.until(now_s() + 10)
    assert [played.is_whole for played in call.loudspeaker.played] == [True, True]
    assert lines(call) == [PHRASES[0], NOON]
    assert (record.outcome, record.heard_chars) == ("answered", len(NOON))


async def test_a_caller_who_goes_on_speaking_is_not_talked_over() -> None:
    ears = simulated.STT(delay_s=0.08)
    async with conversation(brain=responder.LLM(), ears=ears, fillers=fillers()) as call:
        asked_s = await ask(call, Clock(takes_s=5.0))
        await call.until(asked_s + 0.5)
        ears.expect_words([])
        begun_s = call.microphone.next_frame_s
        call.microphone.speak(begun_s, 1.5)
        await call.record(1)
    (started_s, _) = [played.started_s for played in call.loudspeaker.played]
    assert started_s is not None
    assert begun_s + 1.5 + FILLER_S < started_s < begun_s + 1.5 + FILLER_S + 0.5
    assert lines(call) == [PHRASES[0], NOON]


async def test_a_filler_that_cannot_be_spoken_does_no_harm_to_the_answer() -> None:
    # livekit reports the error and leaves the task it ended to the garbage collector's complaint
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    engine = FakeSynthesiser(errors=[EngineError("the voice is gone") for _ in range(4)])
    mouth = fake_tts(engine)
    async with conversation(brain=responder.LLM(), mouth=mouth, fillers=fillers()) as call:
        await ask(call, Clock(takes_s=20.0))
        record = await call.record(1)
    assert engine.errors == []
    assert call.spoken() == [NOON]
    assert (record.outcome, record.heard_chars, record.faults) == ("answered", len(NOON), [])


@pytest.mark.parametrize("tts_s", [0.07, 2.0])
async def test_an_agent_that_announces_its_tool_itself_needs_no_filler(tts_s: float) -> None:
    mouth = simulated.TTS(delay_s=tts_s)
    async with conversation(brain=AnnouncingLLM(), mouth=mouth, fillers=fillers()) as call:
        await ask(call, Clock(takes_s=8.0))
        record = await call.record(1)
    assert lines(call) == [AnnouncingLLM.ANNOUNCEMENT, NOON]
    assert record.outcome == "answered"


class AnnouncingLLM(llm.LLM[Never]):
    """Says that it is going to look, calls get_time, and repeats what that said."""

    ANNOUNCEMENT = "I will check the clock."

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        return _AnnouncingStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class _AnnouncingStream(llm.LLMStream):
    async def _run(self) -> None:
        last = self._chat_ctx.items[-1]
        if isinstance(last, llm.FunctionCallOutput):
            delta = llm.ChoiceDelta(role="assistant", content=last.output)
        else:
            call = llm.FunctionToolCall(name="get_time", arguments="{}", call_id="call_1")
            delta = llm.ChoiceDelta(
                role="assistant", content=AnnouncingLLM.ANNOUNCEMENT, tool_calls=[call]
            )
        self._event_ch.send_nowait(llm.ChatChunk(id="announced", delta=delta))
