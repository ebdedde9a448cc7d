"""How who starts a worker learns that it takes calls."""

from __future__ import annotations

import os
from pathlib import Path

READY_FILE_VARIABLE = "PARLEY_READY_FILE"
"""The path in this variable is written once the worker is registered."""


def announce_ready(*_: object) -> None:
    """Writes that file, if one is asked for; for livekit's `worker_registered`."""
    if path := os.environ.get(READY_FILE_VARIABLE):
        Path(path).touch()
