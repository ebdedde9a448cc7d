"""When a realtime model is too late with an answer, or with the rest of one."""

from __future__ import annotations

import pytest

from agent.realtime.deadline import AnswerDeadline


@pytest.fixture
def deadline() -> AnswerDeadline:
    return AnswerDeadline(first_s=3.0, gap_s=2.0, longest_s=240.0)


def test_nothing_is_due_while_nothing_was_asked(deadline: AnswerDeadline) -> None:
    assert deadline.due_s is None and deadline.overdue(1e9) is None
    deadline.came(1.0, 0.5)  # what nobody waits for
    assert deadline.due_s is None


def test_the_first_piece_has_to_come_in_time(deadline: AnswerDeadline) -> None:
    deadline.asked(10.0)
    assert deadline.due_s == 13.0
    assert deadline.overdue(12.9) is None
    assert deadline.overdue(13.0) == "late"


def test_words_are_a_piece_too(deadline: AnswerDeadline) -> None:
    deadline.asked(10.0)
    deadline.came(12.0)
    assert deadline.overdue(13.5) is None
    assert deadline.overdue(14.0) == "stalled"


def test_sound_that_came_early_is_waited_for_until_it_is_played(deadline: AnswerDeadline) -> None:
    deadline.asked(10.0)
    for at in range(10):
        deadline.came(11.0 + at / 100, 1.0)
    assert deadline.due_s == pytest.approx(11.0 + 10.0 + 2.0)
    assert deadline.overdue(22.9) is None
    assert deadline.overdue(23.1) == "stalled"


def test_the_model_is_not_to_blame_while_nobody_takes_its_sound(deadline: AnswerDeadline) -> None:
    deadline.asked(10.0)
    deadline.came(11.0, 0.1)
    deadline.held_up()
    assert deadline.overdue(1e9) is None
    deadline.taken(50.0)
    assert deadline.due_s == 52.0


def test_an_answer_without_end_is_overdue_however_quick(deadline: AnswerDeadline) -> None:
    deadline.asked(10.0)
    deadline.came(11.0, 240.0)
    assert deadline.overdue(12.0) is None
    deadline.came(12.0, 0.1)
    assert deadline.overdue(12.0) == "endless"


def test_an_answer_that_has_ended_is_not_waited_for(deadline: AnswerDeadline) -> None:
    deadline.asked(10.0)
    deadline.came(11.0, 1.0)
    deadline.ended()
    assert deadline.due_s is None
    deadline.asked(20.0)  # the next one
    assert deadline.due_s == 23.0
