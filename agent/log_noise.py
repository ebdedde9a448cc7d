"""Keeps lines out of a job process's log that say nothing, or what the worker has said already."""

from __future__ import annotations

import logging


def keep_noise_out() -> None:
    """Twice is fine."""
    logging.getLogger("livekit").addFilter(_is_worth_a_line)
    logging.getLogger("livekit.plugins.ten_vad").setLevel(logging.ERROR)  # its licence


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """livekit's client calls it an error that a room's data channels close when the room does."""
    return "publisher data channel" not in record.getMessage()
