"""Turns that end well, by the virtual clock: every time in a record is known beforehand."""

import pytest
from livekit.plugins import simulated
from prometheus_client import REGISTRY

from agent.turn_taking import MAX_SPECULATIONS
from agent.turns.endpointing import ClassicPolicy, EndpointingPolicy, HazardPolicy, VadPolicy
from tests.fakes.repeating_llm import RepeatingLLM
from tests.session.conversation import ENGINES, conversation

pytestmark = pytest.mark.virtual_time

STT_S, LLM_S, TTS_S = 0.08, 0.15, 0.07
QUIET_S = 0.12
"""The simulated STT's: then comes the PREFLIGHT, `STT_S` later the FINAL."""
END_OF_TURN_S = 0.3
"""The hazard policy's for words that are complete, in its steps of 20 ms."""


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def close_to(value_s: float) -> object:
    return pytest.approx(value_s, abs=0.002)


async def test_a_turn_has_one_record_with_every_stage_at_its_time() -> None:
    async with conversation(brain=simulated.LLM(LLM_S)) as call:
        speech_end_s = call.say("what a nice day")
        record = await call.record(1)
        await call.until(speech_end_s + 10)
    assert call.records == [record]
    assert (record.call, record.turn, record.outcome) == ("room", 1, "answered")
    assert record.speech_start_s == close_to(-1.2)
    assert record.words_final_s == close_to(STT_S)
    assert record.stt_final_s == close_to(QUIET_S + STT_S)
    assert record.eot_s == close_to(END_OF_TURN_S)
    assert record.llm_first_s == close_to(STT_S + LLM_S)
    assert record.clause_s == close_to(STT_S + LLM_S)
    assert record.tts_first_s == close_to(STT_S + LLM_S + TTS_S)
    assert record.playout_s == close_to(STT_S + LLM_S + TTS_S)
    assert record.speculated == "adopted"
    assert record.heard_chars == len(simulated.reply_text(1))
    assert (record.engines, record.faults) == (ENGINES, [])
    played = call.loudspeaker.played[0]
    assert played.started_s == close_to(speech_end_s + STT_S + LLM_S + TTS_S)
    assert played.duration_s == pytest.approx(1.8, abs=0.03)
    assert played.is_whole


async def test_an_answer_that_is_ready_early_waits_for_the_end_of_the_turn() -> None:
    async with conversation(
        brain=simulated.LLM(delay_s=0.05), mouth=simulated.TTS(delay_s=0.05)
    ) as call:
        call.say("what a nice day")
        record = await call.record(1)
    assert record.tts_first_s == close_to(STT_S + 0.1)
    assert record.playout_s == close_to(END_OF_TURN_S)


async def test_a_turn_is_counted_when_its_first_audio_plays_and_when_it_ends() -> None:
    def stages() -> dict[str, float]:
        return {
            stage: counted("parley_turn_stage_seconds_sum", stage=stage, engine=engine)
            for stage, engine in (("end_of_turn", "settled"), ("stt_final", "ears"),
                                  ("llm_first_token", "brain"), ("first_clause", "brain"),
                                  ("tts_first_audio", "mouth"))
        }  # fmt: skip

    before, turns_before = stages(), counted("parley_turns_total", outcome="answered")
    responses_before = counted("parley_turn_response_seconds_sum", profile="tested")
    adopted_before = counted("parley_speculations_total", result="adopted")
    async with conversation(brain=simulated.LLM(LLM_S)) as call:
        call.say("what a nice day")
        await call.until_agent_speaks()
        after = stages()
        response_s = counted("parley_turn_response_seconds_sum", profile="tested")
        assert counted("parley_turns_total", outcome="answered") == turns_before
        await call.record(1)
    assert {stage: after[stage] - before[stage] for stage in after} == {
        "end_of_turn": close_to(END_OF_TURN_S),
        "stt_final": close_to(0.2),
        "llm_first_token": close_to(0.23),
        "first_clause": close_to(0.23),
        "tts_first_audio": close_to(0.3),
    }
    assert response_s - responses_before == close_to(0.3)
    assert counted("parley_turns_total", outcome="answered") == turns_before + 1
    assert counted("parley_speculations_total", result="adopted") == adopted_before + 1


async def test_a_speculation_on_half_a_sentence_is_never_heard() -> None:
    brain = RepeatingLLM()
    async with conversation(brain=brain) as call:
        # 0.16 s of quiet: enough for a PREFLIGHT, too little for a FINAL
        call.say("set a timer … for my tea", pause_s=0.16)
        record = await call.record(1)
    assert [text for _, text in brain.asked] == ["set a timer", "set a timer for my tea"]
    assert (record.speculated, record.turn) == ("adopted", 1)
    assert call.spoken() == ["You have just said to me: set a timer for my tea."]
    assert call.subtitles.text == call.spoken()[0] + "\n"
    assert len(call.loudspeaker.played) == 1


async def test_a_turn_whose_speculations_were_all_in_vain_says_dropped() -> None:
    brain = RepeatingLLM()
    before = counted("parley_speculations_total", result="dropped")
    wasted_before = counted("parley_speculations_dropped_total")
    async with conversation(brain=brain) as call:
        call.say("please " * (MAX_SPECULATIONS + 3))
        record = await call.record(1)
    asked = [len(text.split()) for _, text in brain.asked]
    assert asked == [*range(1, MAX_SPECULATIONS + 1), MAX_SPECULATIONS + 3]
    assert record.speculated == "dropped"
    assert record.eot_s is not None
    assert record.llm_first_s == close_to(record.eot_s + LLM_S)
    assert counted("parley_speculations_total", result="dropped") == before + 1
    assert counted("parley_speculations_dropped_total") == wasted_before + MAX_SPECULATIONS


LONG = "and then we walked on " * 45
"""67 s: too long for speculation."""


@pytest.mark.parametrize(
    ("policy", "eot_s"),
    [(VadPolicy(), 0.5), (ClassicPolicy(), STT_S + 0.5)],
    ids=["vad", "classic"],
)
async def test_the_simple_rules_end_a_turn_half_a_second_into_the_silence(
    policy: EndpointingPolicy, eot_s: float
) -> None:
    async with conversation(brain=simulated.LLM(LLM_S), policy=policy) as call:
        call.say("what a nice day")
        record = await call.record(1)
    assert record.eot_s == pytest.approx(eot_s, abs=0.04)
    assert record.playout_s == pytest.approx(eot_s, abs=0.04)


@pytest.mark.parametrize(
    ("policy", "turns"),
    [
        (HazardPolicy(), ["set a timer for ten minutes"]),
        (ClassicPolicy(), ["set a timer for", "ten minutes"]),
        (VadPolicy(), ["set a timer for", "ten minutes"]),
    ],
    ids=["hazard", "classic", "vad"],
)
async def test_words_that_must_go_on_hold_a_turn_open_where_silence_alone_ends_it(
    policy: EndpointingPolicy, turns: list[str]
) -> None:
    async with conversation(brain=simulated.LLM(LLM_S), policy=policy) as call:
        speech_end_s = call.say("set a timer for … ten minutes", pause_s=0.9)
        await call.record(len(turns))
        await call.until(speech_end_s + 10)
    assert call.spoken("user") == turns


async def test_a_turn_too_long_for_speculation_says_none() -> None:
    brain = RepeatingLLM()
    async with conversation(brain=brain) as call:
        speech_end_s = call.say("walk " + LONG)
        await call.until(speech_end_s - 5)
        brain.asked.clear()
        record = await call.record(1)
    assert (record.outcome, len(brain.asked)) == ("answered", 1)
    assert record.eot_s is not None
    assert record.llm_first_s == close_to(record.eot_s + LLM_S)
    assert record.speech_start_s == close_to(-0.3 * len(("walk " + LONG).split()))


async def test_a_typed_turn_has_no_speech_in_its_record() -> None:
    before = counted("parley_turn_response_seconds_count", profile="tested")
    async with conversation(brain=simulated.LLM(LLM_S)) as call:
        call.session.generate_reply(user_input="hello there", input_modality="text")
        record = await call.record(1)
    assert record.speech_start_s is record.words_final_s is record.stt_final_s is None
    assert record.eot_s == 0.0
    assert record.llm_first_s == close_to(LLM_S)
    assert record.playout_s == close_to(LLM_S + TTS_S)
    assert (record.turn, record.outcome) == (1, "answered")
    assert record.heard_chars == len(simulated.reply_text(1))
    assert counted("parley_turn_response_seconds_count", profile="tested") == before


async def test_a_greeting_is_no_turn() -> None:
    async with conversation(brain=simulated.LLM(LLM_S)) as call:
        await call.session.say("Hello, how can I help you?")
        assert call.loudspeaker.played
        assert call.records == []
        call.say("what a nice day")
        record = await call.record(1)
    assert (record.turn, record.outcome) == (1, "answered")
    assert call.spoken()[0] == "Hello, how can I help you?"


async def test_an_answer_to_no_question_is_no_turn() -> None:
    async with conversation(brain=RepeatingLLM()) as call:
        call.say("what a nice day")
        await call.record(1)
        await call.session.generate_reply(instructions="Ask whether there is anything else.")
        assert len(call.spoken()) == 2
    assert len(call.records) == 1


async def test_a_turn_that_begins_before_the_last_was_answered_gets_its_own_record() -> None:
    brain = RepeatingLLM(delay_s=1.5)
    async with conversation(brain=brain) as call:
        speech_end_s = call.say("what time is it")
        await call.until(speech_end_s + 0.6)
        call.say("no wait")
        second = await call.record(2)
        await call.until(speech_end_s + 20)
    assert [record.turn for record in call.records] == [1, 2]
    first = call.records[0]
    assert (first.outcome, first.heard_chars, first.playout_s) == ("interrupted", 0, None)
    assert (second.outcome, second.turn) == ("answered", 2)
    assert call.spoken() == ["You have just said to me: no wait."]
    assert call.spoken("user") == ["what time is it", "no wait"]


async def test_turns_one_after_the_other_are_numbered_and_each_is_answered() -> None:
    async with conversation(brain=simulated.LLM(LLM_S)) as call:
        for number in range(1, 6):
            call.say("go on please")
            record = await call.record(number)
            assert (record.turn, record.outcome) == (number, "answered")
            assert record.playout_s == pytest.approx(STT_S + LLM_S + TTS_S, abs=0.03)
    assert len(call.records) == 5
    assert call.spoken() == [simulated.reply_text(number) for number in range(1, 6)]
