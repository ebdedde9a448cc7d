"""What an operator sees when a worker is started against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.stack.processes import KEYS, LiveKit, running_worker


def test_a_wrong_secret_is_told_at_once(livekit: LiveKit, tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}
    wrong = {"LIVEKIT_API_SECRET": "not-the-secret-of-this-key-but-long"}
    ports = {"AGENT_HEALTH_PORT": "0", "AGENT_METRICS_PORT": "0"}
    finished = subprocess.run(
        [sys.executable, "-m", "agent", "start"],
        cwd=tmp_path,
        env={**clean, **livekit.environment, **wrong, **ports},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 2
    assert "refuses the key" in " ".join(finished.stderr.split())
    assert wrong["LIVEKIT_API_SECRET"] not in finished.stderr + finished.stdout


def test_a_worker_ends_with_status_0_and_leaves_no_process(livekit: LiveKit) -> None:
    with running_worker(livekit.environment | {"AGENT_PROFILE": "simulated"}, "start") as worker:
        log = worker.log
        assert KEYS.api_secret not in log.read_text()
    assert worker.status == 0
