"""What the worker's log lines look like."""

from __future__ import annotations

import logging

from livekit.agents.cli.log import setup_logging
from livekit.plugins.modelserver.logs import JsonFormatter

from agent.config import LogFormat


def log_to_stdout(level: str, style: LogFormat) -> None:
    """The worker's own lines and, through it, those of its job processes.

    `json` is an object a line, with the same fields as in the model server's log; `text` is coloured.
    """
    setup_logging(level, devmode=style == "text", console=False)
    if style == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())
