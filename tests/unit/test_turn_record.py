from __future__ import annotations

import json

import pytest

from agent.turn_record import Generation, TranscriptTimes, TurnRecord, TurnTimes


def times(**values: object) -> TurnTimes:
    base = {"turn": 1, "speech_start_s": 98.0, "speech_end_s": 100.0, "eot_s": 100.4}
    return TurnTimes(**{**base, **values})  # type: ignore[arg-type]


def test_times_are_relative_to_the_end_of_speech() -> None:
    generation = Generation(started_s=100.1, llm_first_s=100.2, clause_s=100.25, tts_first_s=100.3)
    record = times(generation=generation, playout_s=100.42).record("room", {}, "answered")
    assert record.speech_start_s == pytest.approx(-2.0)
    assert record.eot_s == pytest.approx(0.4)
    assert record.tts_first_s == pytest.approx(0.3)
    assert record.playout_s == pytest.approx(0.42)


def test_what_is_not_known_is_null() -> None:
    record = times(eot_s=None).record("room", {}, None)
    assert record.llm_first_s is record.playout_s is record.speculated is None


def test_a_typed_turn_counts_from_the_moment_the_text_came() -> None:
    typed = TurnTimes(turn=2, eot_s=50.0, playout_s=50.3, generation=Generation(started_s=50.0))
    record = typed.record("room", {}, "answered")
    assert (record.speech_start_s, record.eot_s) == (None, 0.0)
    assert record.playout_s == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("started_s", "dropped", "expected"),
    [(100.1, 0, "adopted"), (100.5, 2, "dropped"), (100.5, 0, "none")],
)
def test_speculation_is_adopted_dropped_or_none(
    started_s: float, dropped: int, expected: str
) -> None:
    turn = times(generation=Generation(started_s=started_s), dropped_attempts=dropped)
    assert turn.record("room", {}, None).speculated == expected


def test_faults_of_the_turn_and_of_its_answer_are_both_told() -> None:
    turn = times(generation=Generation(started_s=100.1, faults=["tts"]), faults=["stt"])
    assert turn.record("room", {}, "failed").faults == ["stt", "tts"]


def test_json_has_exactly_the_documented_keys() -> None:
    record = TurnRecord(call="room", turn=3, outcome="answered", playout_s=0.123456)
    content = json.loads(record.to_json())
    assert set(content) == {
        "v", "call", "turn", "outcome", "speech_start_s", "words_final_s", "eot_s", "stt_final_s",
        "speculated", "llm_first_s", "clause_s", "tts_first_s", "playout_s", "heard_chars",
        "engines", "faults",
    }  # fmt: skip
    assert content["v"] == 1
    assert content["playout_s"] == 0.1235


def test_words_are_known_when_the_final_text_was_first_heard() -> None:
    transcript = TranscriptTimes()
    transcript.heard("what", 1.0)
    transcript.heard("what time", 1.5)
    transcript.heard("what time", 1.7)
    transcript.finalised("what time", 2.0)
    assert transcript.take() == (1.5, 2.0)
    assert transcript.take() == (None, None)


def test_a_final_with_other_words_is_known_only_then() -> None:
    transcript = TranscriptTimes()
    transcript.heard("what dime", 1.0)
    transcript.finalised("what time", 2.0)
    transcript.finalised("", 3.0)
    assert transcript.take() == (2.0, 2.0)
