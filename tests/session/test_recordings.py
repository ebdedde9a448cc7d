"""A recogniser that only takes recordings, as openai:whisper-1, in a session: its words are answered."""

from __future__ import annotations

import asyncio
from typing import Never

import pytest
from livekit.agents import NOT_GIVEN, APIConnectOptions, LanguageCode, NotGivenOr, stt
from livekit.agents.utils import AudioBuffer
from livekit.plugins import simulated

from agent.chained import Chains
from agent.engine_spec import EngineSpec
from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time

WORDS = "What time is it?"
TAKES_S = 2.0
"""As a busy server may: it is waited for."""


class Recordings(stt.STT[Never]):
    """Hears the same words in each."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self.lengths_s: list[float] = []

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        parts = buffer if isinstance(buffer, list) else [buffer]
        self.lengths_s.append(sum(part.duration for part in parts))
        await asyncio.sleep(TAKES_S)
        heard = [stt.SpeechData(language=LanguageCode("en"), text=WORDS)]
        return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=heard)


async def test_each_turn_is_one_recording_and_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARLEY_BREAKERS", raising=False)
    engine = Recordings()
    ears = Chains(None).stt([(EngineSpec(name="openai", model="whisper-1"), engine)])
    async with conversation(brain=simulated.LLM(0.15), ears=ears) as call:
        for number in (1, 2):
            call.say("what time is it")
            record = await call.record(number)
            assert record.outcome == "answered"
            assert record.eot_s is not None and record.eot_s < 1.0 + TAKES_S + 0.1
            await asyncio.sleep(1.0)
        assert call.spoken("user") == [WORDS] * 2
    assert len(engine.lengths_s) == 2
    assert all(1.2 < length_s < 2.5 for length_s in engine.lengths_s)
