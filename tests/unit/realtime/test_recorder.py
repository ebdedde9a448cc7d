"""What can be told of a realtime model's turns without a running session."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from livekit.agents import AgentSession, SpeechCreatedEvent, UserStateChangedEvent
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.speech_handle import InputDetails

from agent.realtime.recorder import RealtimeRecorder
from agent.turn_record import TurnRecord


@dataclass
class Call:
    """A session that was never started, and a clock that is set by hand."""

    now_s: float = 100.0
    records: list[TurnRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = AgentSession[None](vad=None)
        self.recorder = RealtimeRecorder(
            call="room",
            profile="realtime",
            engines={},
            publish=self.records.append,
            clock=lambda: self.now_s,
            wall=lambda: self.now_s,
        )
        self.recorder.attach(self.session)

    def caller_begins(self) -> None:
        self.session.emit(
            "user_state_changed",
            UserStateChangedEvent(old_state="listening", new_state="speaking"),
        )

    def model_speaks(self) -> None:
        handle = SpeechHandle.create(input_details=InputDetails(modality="audio"))
        self.session.emit(
            "speech_created",
            SpeechCreatedEvent(user_initiated=False, source="generate_reply", speech_handle=handle),
        )

    def turns(self) -> list[TurnRecord]:
        self.recorder.close()
        return self.records


@pytest.fixture
async def call() -> Call:
    return Call()


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
