"""The model server's log lines."""

from __future__ import annotations

import json
import logging
from typing import Any

from livekit.plugins.modelserver.logs import JsonFormatter


def _line(level: int, **extra: Any) -> dict[str, Any]:
    logger = logging.getLogger("livekit.plugins.modelserver")
    record = logger.makeRecord(logger.name, level, "", 0, "a step failed", (), None, extra=extra)
    line: dict[str, Any] = json.loads(JsonFormatter().format(record))
    return line


def test_a_line_is_json_with_the_extra_fields() -> None:
    line = _line(logging.WARNING, engine="ear", sessions=3)
    assert line["message"] == "a step failed"
    assert line["level"] == "warning"
    assert (line["engine"], line["sessions"]) == ("ear", 3)


def test_what_callers_say_is_left_out_except_for_debugging() -> None:
    said = {"lk.pii.text": "my number is"}
    assert "lk.pii.text" not in _line(logging.INFO, **said)
    assert _line(logging.DEBUG, **said)["lk.pii.text"] == "my number is"


def test_an_exception_is_told_once_also_when_it_comes_from_another_process() -> None:
    logger = logging.getLogger("agent.call")
    trace = "Traceback (most recent call last):\nValueError: no"
    record = logger.makeRecord(logger.name, logging.ERROR, "", 0, f"it failed\n{trace}", (), None)
    record.exc_text = trace
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "it failed"
    assert line["exception"] == trace
