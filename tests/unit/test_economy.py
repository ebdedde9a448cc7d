"""Cheaper engines for calls whose answers are late."""

from __future__ import annotations

import pytest

from agent.turn_record import TurnRecord
from agent.turns.economy import WINDOW, Economy, Stage, Step, waits

ALL: list[Stage] = ["stt", "llm", "tts"]


def turn(stt_s: float = 0.05, llm_s: float = 0.1, tts_s: float = 0.1) -> TurnRecord:
    eot_s = 0.3
    return TurnRecord(
        call="a",
        turn=1,
        speech_start_s=-2.0,
        eot_s=eot_s,
        stt_final_s=eot_s + stt_s,
        clause_s=eot_s + stt_s + llm_s,
        playout_s=eot_s + stt_s + llm_s + tts_s,
    )


def after(economy: Economy, *turns: TurnRecord) -> list[Step]:
    steps = (economy.finished(each, ALL) for each in turns)
    return [step for step in steps if step is not None]


def down(stage: Stage) -> Step:
    return Step(stage=stage, is_down=True)


def up(stage: Stage) -> Step:
    return Step(stage=stage, is_down=False)


def test_each_stage_answers_for_its_own_wait() -> None:
    assert waits(turn(0.1, 0.2, 0.3)) == pytest.approx({"stt": 0.1, "llm": 0.2, "tts": 0.3})


def test_what_was_done_before_the_turn_was_over_is_no_wait() -> None:
    record = TurnRecord(
        call="a", turn=1, speech_start_s=-1.0, eot_s=0.5, stt_final_s=0.2, clause_s=0.1,
        playout_s=0.6,
    )  # fmt: skip
    assert waits(record) == pytest.approx({"stt": 0.0, "llm": 0.0, "tts": 0.1})


def test_a_long_pause_before_the_end_of_the_turn_is_nobodys_fault() -> None:
    record = TurnRecord(
        call="a", turn=1, speech_start_s=-1.0, eot_s=2.4, stt_final_s=2.4, clause_s=2.4,
        playout_s=2.5,
    )  # fmt: skip
    assert not after(Economy(1.0), *[record] * 20)


def test_typed_and_unanswered_turns_count_for_nothing() -> None:
    typed = TurnRecord(call="a", turn=1, eot_s=0.0, playout_s=9.0)
    unanswered = TurnRecord(call="a", turn=1, speech_start_s=-1.0, eot_s=0.3)
    assert waits(typed) is None
    assert waits(unanswered) is None
    assert not after(Economy(1.0), *[typed, unanswered] * 20)


def test_one_late_answer_changes_nothing() -> None:
    calm = [turn()] * (WINDOW - 1)
    assert not after(Economy(1.0), turn(llm_s=5.0), *calm, turn(llm_s=5.0), *calm)


def test_two_late_answers_step_down_where_the_time_goes() -> None:
    assert after(Economy(1.0), turn(llm_s=2.0), turn(), turn(llm_s=2.0)) == [down("llm")]


def test_a_stage_with_nothing_cheaper_is_left_and_the_next_slowest_steps() -> None:
    economy = Economy(1.0)
    slow = turn(stt_s=0.4, llm_s=2.0, tts_s=0.2)
    steps = [economy.finished(slow, ["stt", "tts"]) for _ in range(6)]
    assert [step for step in steps if step] == [down("stt"), down("tts")]


def test_answers_in_time_for_long_take_the_step_back() -> None:
    late = [turn(llm_s=2.0)] * 2
    economy = Economy(1.0)
    assert after(economy, *late, *[turn()] * WINDOW) == [down("llm"), up("llm")]


def test_in_time_but_not_well_so_does_not() -> None:
    economy = Economy(1.0)
    assert after(economy, *[turn(llm_s=2.0)] * 2, *[turn(llm_s=0.6)] * 40) == [down("llm")]


def test_a_step_taken_back_in_vain_is_held_for_twice_as_long() -> None:
    economy = Economy(1.0)
    late, calm = [turn(llm_s=2.0)] * 2, turn()
    assert after(economy, *late, *[calm] * WINDOW, *late) == [down("llm"), up("llm"), down("llm")]
    assert after(economy, *[calm] * (2 * WINDOW - 1)) == []
    assert after(economy, calm) == [up("llm")]


def test_without_a_budget_nothing_ever_happens() -> None:
    assert not after(Economy(0.0), *[turn(llm_s=9.0)] * 20)
