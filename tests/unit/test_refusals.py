from __future__ import annotations

from livekit.agents import APIConnectionError, ErrorEvent, stt
from livekit.plugins.speechcore import EngineBusy, EngineError

from agent.refusals import Refusals


def failure(cause: Exception, *, is_recoverable: bool = False) -> ErrorEvent:
    """As livekit tells of an engine's error that became one of its own."""
    error = APIConnectionError("no transcript")
    error.__cause__ = cause
    told = stt.STTError(timestamp=0.0, label="ears", error=error, recoverable=is_recoverable)
    return ErrorEvent(error=told, source=None)


class Line:
    def __init__(self) -> None:
        self.times_told = 0
        self.refusals = Refusals(self.tell)

    def tell(self) -> None:
        self.times_told += 1

    def refuse(self, count: int) -> None:
        for _ in range(count):
            self.refusals.on_error(failure(EngineBusy("every line is taken")))


def test_the_fourth_refusal_in_a_row_is_one_too_many() -> None:
    line = Line()
    line.refuse(3)
    assert line.times_told == 0
    line.refuse(1)
    assert line.times_told == 1


def test_an_answer_between_them_begins_the_count_anew() -> None:
    line = Line()
    line.refuse(3)
    line.refusals.answered()
    line.refuse(3)
    assert line.times_told == 0


def test_other_failures_and_what_livekit_tries_again_do_not_count() -> None:
    line = Line()
    for _ in range(10):
        line.refusals.on_error(failure(EngineError("no memory")))
        line.refusals.on_error(failure(EngineBusy("full"), is_recoverable=True))
    assert line.times_told == 0
