"""An engine fails: the record names it, and the call lives on."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from livekit.agents import APIConnectionError, APIError, CloseEvent, CloseReason
from livekit.plugins import pocketsphinx
from livekit.plugins.speechcore import DEFAULT_VOICING, EngineError, SpeechChunk, Voicing
from prometheus_client import REGISTRY

from tests.fakes.engines import FakeRecogniser, FakeSynthesiser, fake_tts
from tests.fakes.repeating_llm import RepeatingLLM
from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time

MAX_FAILURES = 3
"""One more in a row and livekit closes the session."""


def faults(stage: str) -> float:
    return REGISTRY.get_sample_value("parley_engine_faults_total", {"stage": stage}) or 0.0


async def test_an_llm_that_fails_loses_its_turn_and_no_other() -> None:
    brain, before = RepeatingLLM(), faults("llm")
    brain.errors.append(APIError("the model is gone", retryable=False))
    async with conversation(brain=brain) as call:
        call.say("what time is it")
        failed = await call.record(1)
        call.say("are you there")
        answered = await call.record(2)
    assert (failed.turn, failed.outcome, failed.faults) == (1, "failed", ["llm"])
    assert failed.llm_first_s is failed.playout_s is None
    assert failed.heard_chars == 0
    assert (answered.turn, answered.outcome, answered.faults) == (2, "answered", [])
    assert call.spoken() == ["You have just said to me: are you there."]
    assert faults("llm") == before + 1


async def test_an_llm_that_fails_after_the_end_of_the_turn_is_named_too() -> None:
    brain = RepeatingLLM()
    async with conversation(brain=brain) as call:
        await call.until(call.say("and then we walked on " * 45) - 5)  # too long for speculation
        brain.errors.append(APIError("the model is gone", retryable=False))
        failed = await call.record(1)
    assert (failed.speculated, failed.outcome, failed.faults) == ("dropped", "failed", ["llm"])


async def test_an_llm_that_recovers_on_the_second_try_answers() -> None:
    brain = RepeatingLLM()
    brain.errors.append(APIConnectionError("try again"))
    async with conversation(brain=brain) as call:
        call.say("what time is it")
        record = await call.record(1)
    assert record.outcome == "answered"
    assert record.faults == ["llm"]
    assert call.spoken() == ["You have just said to me: what time is it."]


async def test_a_tts_that_fails_loses_its_turn_and_no_other() -> None:
    engine = FakeSynthesiser(errors=[EngineError("the voice is gone") for _ in range(4)])
    async with conversation(brain=RepeatingLLM(), mouth=fake_tts(engine)) as call:
        call.say("what time is it")
        failed = await call.record(1)
        call.say("are you there")
        answered = await call.record(2)
    assert (failed.turn, failed.outcome, failed.playout_s) == (1, "failed", None)
    assert failed.faults
    assert set(failed.faults) == {"tts"}
    assert (answered.turn, answered.outcome, answered.faults) == (2, "answered", [])


async def test_an_stt_that_fails_once_hears_the_next_utterance() -> None:
    engine, before = FakeRecogniser(errors=[EngineError("no memory")]), faults("stt")
    async with conversation(brain=RepeatingLLM(), ears=pocketsphinx.STT(engine=engine)) as call:
        await call.until(2.0)
        call.say("anything at all")
        first = await call.record(1)
        call.say("something more")
        second = await call.record(2)
    assert (first.turn, first.outcome, first.faults) == (1, "answered", ["stt"])
    assert (second.turn, second.outcome, second.faults) == (2, "answered", [])
    assert call.spoken("user") == ["sound", "sound"]
    assert faults("stt") == before + 1


async def test_the_session_closes_when_an_engine_never_recovers() -> None:
    brain, closed = RepeatingLLM(), list[CloseEvent]()
    brain.errors += [APIError("the model is gone", retryable=False) for _ in range(20)]
    async with conversation(brain=brain) as call:
        call.session.on("close", closed.append)
        for _ in range(5):
            await call.until(call.say("what time is it") + 3)
    assert [event.reason for event in closed] == [CloseReason.ERROR]
    assert [(record.outcome, record.faults) for record in call.records] == [
        ("failed", ["llm"])
    ] * MAX_FAILURES


@dataclass
class BreakingSynthesiser(FakeSynthesiser):
    """Fails in the middle of the first text it speaks."""

    def steps(self, text: str, voicing: Voicing = DEFAULT_VOICING) -> Iterator[SpeechChunk]:
        is_first = self.steps_made == 0
        for number, chunk in enumerate(super().steps(text)):
            if is_first and number == 5:
                raise EngineError("the voice broke")
            yield chunk


async def test_a_tts_that_breaks_in_mid_answer_is_named_and_the_call_lives_on() -> None:
    mouth = fake_tts(BreakingSynthesiser())
    async with conversation(brain=RepeatingLLM(), mouth=mouth) as call:
        call.say("what time is it")
        broken = await call.record(1)
        call.say("are you there")
        answered = await call.record(2)
    assert (broken.turn, broken.outcome, broken.faults) == (1, "failed", ["tts"])
    assert broken.playout_s is not None
    assert broken.heard_chars == 0
    assert call.loudspeaker.played[0].duration_s < 0.3
    assert (answered.turn, answered.outcome, answered.faults) == (2, "answered", [])
