from __future__ import annotations

import logging
from dataclasses import dataclass

from agent.call_ids import CallIds, of_job


@dataclass
class Counted:
    """Turns that a test counts."""

    number: int = 0

    def current_turn(self) -> int:
        return self.number

    def next_turn(self) -> int:
        return self.number + 1


def record(**extra: object) -> logging.LogRecord:
    return logging.getLogger("any").makeRecord(
        "any", logging.INFO, "", 0, "hi", (), None, extra=extra
    )


def test_outside_a_call_nothing_is_put_on_a_line() -> None:
    assert of_job() is None
    ids = CallIds()
    line = record()
    assert ids.filter(line)
    assert ids.fields() == {}
    assert not hasattr(line, "call")


def test_each_line_of_a_call_has_its_call_room_and_turn() -> None:
    ids = CallIds(lambda: ("AJ_1", "blue"))
    assert ids.fields() == {"call": "AJ_1", "room": "blue", "turn": 0}
    ids.turns = Counted(3)
    line = record()
    ids.filter(line)
    assert (line.call, line.room, line.turn) == ("AJ_1", "blue", 3)  # type: ignore[attr-defined]


def test_a_line_that_speaks_of_another_room_keeps_it() -> None:
    line = record(room="green")
    CallIds(lambda: ("AJ_1", "blue")).filter(line)
    assert line.room == "green"  # type: ignore[attr-defined]


def test_the_call_is_known_on_also_where_the_job_is_not() -> None:
    found = [("AJ_1", "blue")]
    ids = CallIds(lambda: found.pop() if found else None)
    assert ids.fields()["call"] == "AJ_1"
    assert ids.fields()["call"] == "AJ_1"
