"""The model server's log, and the worker's: one JSON object a line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_KNOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """What a record says, and its `extra`; what is under `lk.pii.` only at debug level."""

    def format(self, record: logging.LogRecord) -> str:
        is_open = record.levelno <= logging.DEBUG
        extra = {
            name: value
            for name, value in record.__dict__.items()
            if name not in _KNOWN and (is_open or not name.startswith("lk.pii."))
        }
        exception = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        message = record.getMessage()
        if exception and message.endswith(exception):  # as it comes from a job's process
            message = message.removesuffix(exception).rstrip()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **extra,
        }
        if exception:
            line["exception"] = exception
        return json.dumps(line, default=str)


def log_to_stderr(level: int = logging.INFO) -> None:
    """For a process of the model server's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
