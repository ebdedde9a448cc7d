"""What can be told of a realtime model's turns without a running session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from livekit.agents import UserStateChangedEvent
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.speech_handle import InputDetails

from agent.realtime.recorder import RealtimeRecorder
from agent.turn_record import TurnRecord
from tests.fakes.recorded_session import RecordedSession


class Call(RecordedSession[RealtimeRecorder]):
    def __init__(self) -> None:
        super().__init__(RealtimeRecorder)

    def caller_begins(self) -> None:
        self.session.emit(
            "user_state_changed",
            UserStateChangedEvent(old_state="listening", new_state="speaking"),
        )

    def model_speaks(self) -> None:
        self.begin_speech(SpeechHandle.create(input_details=InputDetails(modality="audio")))

    def turns(self) -> list[TurnRecord]:
        self.recorder.close()
        return self.records


@pytest.fixture
async def call() -> AsyncIterator[Call]:
    call = Call()
    yield call
    await call.aclose()


async def test_an_answer_after_the_caller_paused_is_a_turn_from_their_last_sound(
    call: Call,
) -> None:
    call.caller_begins()
    call.recorder.heard(2.0, 0.1, is_new=True)
    call.model_speaks()
    (record,) = call.turns()
    assert record.speech_start_s == pytest.approx(-2.0)
    assert record.eot_s == pytest.approx(0.1)


async def test_a_model_that_answers_before_the_pause_is_found_answers_a_turn_all_the_same(
    call: Call,
) -> None:
    call.caller_begins()
    call.model_speaks()
    call.now_s += 0.2
    call.recorder.heard(2.0, 0.3, is_new=True)
    call.now_s += 1.0
    call.model_speaks()  # of its own accord: nobody has spoken since
    (record,) = call.turns()
    assert record.turn == 1
    assert record.speech_start_s == pytest.approx(-2.0)
    assert record.eot_s == pytest.approx(0.1)


async def test_what_the_model_says_of_its_own_accord_is_no_turn(call: Call) -> None:
    call.model_speaks()
    assert call.turns() == []
