from __future__ import annotations

import json
import subprocess
import sys

LOGGING = """
import logging, sys
from agent.logs import log_to_stdout

log_to_stdout("INFO", sys.argv[1])
logging.getLogger("agent.call").info("listening", extra={"room": "blue", "lk.pii.identity": "Ann"})
logging.getLogger("agent.call").debug("not shown")
"""


def lines(style: str) -> list[str]:
    command = [sys.executable, "-c", LOGGING, style]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_json_line_is_an_object_with_the_fields_of_the_model_servers() -> None:
    (line,) = map(json.loads, lines("json"))
    assert line["level"] == "info"
    assert line["logger"] == "agent.call"
    assert line["message"] == "listening"
    assert line["room"] == "blue"
    assert "Ann" not in str(line)
    assert line["time"].endswith("+00:00")


def test_text_is_for_people() -> None:
    (line,) = lines("text")
    assert "listening" in line
    assert "blue" in line
    assert not line.startswith("{")
