"""agent.log_privacy: what is said in a call is not in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from agent.log_privacy import ContentFilter, keep_content_out


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was found afterwards."""
    logger = logging.getLogger()
    level, handlers = logger.level, list(logger.handlers)
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


def filtered(message: str, *arguments: object, name: str = "agent.call", **fields: object) -> str:
    """The record as it would be written; empty when it would not."""
    record = logging.LogRecord(name, logging.INFO, "file", 1, message, arguments, None)
    record.__dict__.update(fields)
    if not ContentFilter().filter(record):
        return ""
    kept = {key: value for key, value in record.__dict__.items() if key in fields}
    return f"{record.getMessage()} {kept}"


def test_content_is_taken_out_and_the_rest_stays(root: logging.Logger) -> None:
    root.setLevel(logging.INFO)
    written = filtered("turn", room="blue", **{"lk.pii.text": "my number is 7"})
    assert "number" not in written
    assert "blue" in written


def test_for_debugging_content_stays_in_its_field(root: logging.Logger) -> None:
    root.setLevel(logging.DEBUG)
    assert "number" in filtered("turn", **{"lk.pii.text": "my number is 7"})


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_an_event_that_a_handler_failed_at_is_named_and_not_quoted(
    root: logging.Logger, level: int
) -> None:
    root.setLevel(level)
    event = "transcription_received { text: my number is 7 }"
    message = "error running user callback for %s: %s"
    written = filtered(message, "transcription_received", event, name="root")
    assert "transcription_received" in written
    assert "number" not in written


def test_streams_that_nobody_takes_fill_no_log(root: logging.Logger) -> None:
    message = "ignoring text stream with topic '%s', no callback attached"
    assert filtered(message, "x" * 100, name="root") == ""
    assert filtered("ignoring text stream of ours", name="agent.call")


def test_every_handler_of_the_root_has_it_once(root: logging.Logger) -> None:
    handlers = [logging.NullHandler(), logging.NullHandler()]
    root.handlers[:] = handlers
    keep_content_out()
    keep_content_out()
    assert [len(handler.filters) for handler in handlers] == [1, 1]
