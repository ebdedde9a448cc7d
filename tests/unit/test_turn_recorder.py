"""What can be told without a running session; the rest is in tests/session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

import pytest
from livekit import rtc
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    FlushSentinel,
    LanguageCode,
    llm,
    stt,
)
from livekit.agents.voice import SpeechHandle

from agent.turn_recorder import TurnRecorder
from tests.fakes.recorded_session import WALL_OFFSET_S, RecordedSession

T = TypeVar("T")


class Call(RecordedSession[TurnRecorder]):
    def __init__(self) -> None:
        super().__init__(TurnRecorder)

    def commit(self, text: str, **metrics: Any) -> None:
        message = llm.ChatMessage(role="user", content=[text], metrics=metrics)
        self.session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))

    def hear(self, kind: stt.SpeechEventType, text: str) -> None:
        data = stt.SpeechData(language=LanguageCode("en"), text=text)
        self.recorder.stt_event(stt.SpeechEvent(kind, alternatives=[data]))


@pytest.fixture
async def call() -> AsyncIterator[Call]:
    call = Call()
    yield call
    await call.aclose()


async def each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


async def test_a_turn_without_an_answer_is_published_as_failed_at_the_end(call: Call) -> None:
    call.commit("hello")
    assert call.records == []
    call.recorder.close()
    call.recorder.close()
    (record,) = call.records
    assert (record.turn, record.outcome, record.heard_chars) == (1, "failed", None)


async def test_livekits_wall_times_come_onto_the_monotonic_clock(call: Call) -> None:
    call.now_s = 97.0
    call.hear(stt.SpeechEventType.INTERIM_TRANSCRIPT, "what")
    call.now_s = 98.2
    call.hear(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, "what time")
    call.now_s = 98.5
    call.hear(stt.SpeechEventType.FINAL_TRANSCRIPT, "what time")
    call.now_s = 100.0
    call.commit(
        "what time",
        started_speaking_at=96.0 + WALL_OFFSET_S,
        stopped_speaking_at=98.0 + WALL_OFFSET_S,
        end_of_turn_delay=0.7,
    )
    call.recorder.close()
    (record,) = call.records
    assert record.speech_start_s == pytest.approx(-2.0)
    assert record.words_final_s == pytest.approx(0.2)
    assert record.stt_final_s == pytest.approx(0.5)
    assert record.eot_s == pytest.approx(0.7)


async def test_words_of_one_turn_are_not_told_with_the_next(call: Call) -> None:
    call.hear(stt.SpeechEventType.FINAL_TRANSCRIPT, "what time")
    call.commit("what time", stopped_speaking_at=99.0 + WALL_OFFSET_S)
    call.now_s = 110.0
    call.commit("hello", stopped_speaking_at=109.0 + WALL_OFFSET_S)
    call.recorder.close()
    first, second = call.records
    assert first.stt_final_s is not None
    assert second.stt_final_s is None
    assert [first.turn, second.turn] == [1, 2]


async def test_a_typed_turn_counts_from_its_arrival(call: Call) -> None:
    call.commit("hello")
    call.recorder.close()
    (record,) = call.records
    assert (record.eot_s, record.speech_start_s, record.stt_final_s) == (0.0, None, None)


async def test_an_answer_begins_with_its_first_sound_however_late_the_session_says_so(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = SpeechHandle.create()
    monkeypatch.setattr(AgentSession, "current_speech", handle)
    message = llm.ChatMessage(role="user", content=["what time"])
    call.begin_speech(handle)
    chat_ctx = llm.ChatContext([message])
    assert [chunk async for chunk in call.recorder.watch_llm(chat_ctx, each(["noon"]))] == ["noon"]
    call.session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))
    call.output.on_playback_started(created_at=call.now_s + WALL_OFFSET_S + 0.2)
    late_s = call.now_s + WALL_OFFSET_S + 0.35
    call.session.emit(
        "agent_state_changed",
        AgentStateChangedEvent(old_state="thinking", new_state="speaking", created_at=late_s),
    )
    call.recorder.close()
    assert call.records[0].playout_s == pytest.approx(0.2)


async def test_the_agents_own_messages_are_no_turns(call: Call) -> None:
    message = llm.ChatMessage(role="assistant", content=["Hello!"])
    call.session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))
    call.recorder.close()
    assert call.records == []


async def test_an_event_without_words_is_no_trouble(call: Call) -> None:
    usage = stt.RecognitionUsage(audio_duration=5.0)
    kind = stt.SpeechEventType.RECOGNITION_USAGE
    call.recorder.stt_event(stt.SpeechEvent(kind, recognition_usage=usage))
    call.commit("hello", stopped_speaking_at=99.0 + WALL_OFFSET_S)
    call.recorder.close()
    assert call.records[0].words_final_s is None


async def test_what_the_engines_give_passes_through_unchanged(call: Call) -> None:
    chunks: list[llm.ChatChunk | str | FlushSentinel] = [
        "",
        "Hello",
        llm.ChatChunk(id="1", delta=llm.ChoiceDelta(content=" there")),
    ]
    context = llm.ChatContext.empty()
    watched = call.recorder.watch_llm(context, each(chunks))
    assert [chunk async for chunk in watched] == chunks
    frames = [rtc.AudioFrame(bytes(480), 24_000, 1, 240) for _ in range(3)]
    assert [frame async for frame in call.recorder.watch_tts(each(frames))] == frames


async def test_words_without_speech_for_the_vad_count_from_when_they_were_known(call: Call) -> None:
    call.now_s = 97.0
    call.hear(stt.SpeechEventType.INTERIM_TRANSCRIPT, "what time")
    call.now_s = 97.4
    call.hear(stt.SpeechEventType.FINAL_TRANSCRIPT, "what time")
    call.now_s = 97.9
    call.commit("what time")
    call.recorder.close()
    (record,) = call.records
    assert record.speech_start_s is None
    assert record.words_final_s == 0.0
    assert record.stt_final_s == pytest.approx(0.4)
    assert record.eot_s == pytest.approx(0.9)
