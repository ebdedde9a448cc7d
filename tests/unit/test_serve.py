"""`parley serve`, as far as it needs no weights."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("level, is_told", [("INFO", True), ("ERROR", False)])
def test_its_log_begins_at_the_level_that_is_set(level: str, is_told: bool) -> None:
    code = (
        "import logging; from agent.config import Settings; from agent.serve import start_log;"
        f"start_log(Settings.model_validate({{'agent_log_level': {level!r}}}));"
        "logging.getLogger('modelserver').info('draining')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=True)
    assert ("draining" in done.stderr) is is_told
