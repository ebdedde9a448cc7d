"""Keeps what is said in a call out of the log."""

from __future__ import annotations

import logging

_CONTENT = "lk.pii."
"""How livekit and Parley name the fields of a record that hold what people said, or who they are."""

_QUOTES = "error running user callback for %s: %s"
"""livekit's client logs the whole event in which a handler failed: names, attributes, texts."""

_FLOOD = ("ignoring text stream", "ignoring byte stream")
"""A line for each stream on a topic that nobody listens to: whoever is in the room could fill the log."""


class ContentFilter(logging.Filter):
    """For handlers. At debug level content stays, in its own fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not logging.getLogger().isEnabledFor(logging.DEBUG):
            for name in [name for name in record.__dict__ if name.startswith(_CONTENT)]:
                delattr(record, name)
        if record.name != "root":  # where livekit's client logs
            return True
        message = str(record.msg)
        if message == _QUOTES and isinstance(record.args, tuple):
            record.args = (record.args[0], "…")
        return not message.startswith(_FLOOD)


def keep_content_out() -> None:
    """Of all that the root's handlers write; to be called when they are there. Twice is fine."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, ContentFilter) for one in handler.filters):
            handler.addFilter(ContentFilter())
