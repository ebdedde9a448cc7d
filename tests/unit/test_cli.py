"""The command as a person types it: a mistake is answered with a sentence and a status."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__

SENSIBLE = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-that-is-long-enough-for-tests",
    "AGENT_PROFILE": "simulated",
    "AGENT_HEALTH_PORT": "0",
    "AGENT_METRICS_PORT": "0",
}

DRAFT = {
    "AGENT_LLM": "llama_cpp:.",
    "AGENT_LLM_DRAFT": "qwen2.5-0.5b-instruct",
    "AGENT_CACHE_DIR": "nothing-here",
}


def parley(
    *arguments: str, cwd: Path, timeout_s: float = 60, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


def test_the_version_is_told(tmp_path: Path) -> None:
    assert parley("--version", cwd=tmp_path).stdout == f"parley {__version__}\n"


@pytest.mark.parametrize(
    "command",
    ["demo", "start", "dev", "web", "doctor", "console", "top", "models", "download", "bench"],
)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    finished = parley(command, "--help", cwd=tmp_path)
    assert finished.returncode == 0
    assert "Usage" in finished.stdout


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET not set"),
        (SENSIBLE | {"AGENT_PROFILE": "cloud"}, "There is no profile 'cloud'"),
        (SENSIBLE | {"AGENT_STT": "ears"}, "AGENT_STT: there is no engine 'ears'"),
        (SENSIBLE | {"AGENT_SKILLS": "nowhere.yaml"}, "AGENT_SKILLS: there is no file"),
        (SENSIBLE | {"AGENT_WEB_PORT": "x", "LIVEKIT_URL": "y"}, "AGENT_WEB_PORT"),
        (SENSIBLE | {"AGENT_TTS": "simulated:soon"}, "soon"),
        (SENSIBLE | {"AGENT_TTS": "espeak", "AGENT_VOICE": "donald"}, "donald"),
        (SENSIBLE | DRAFT, "parley download llama_cpp:qwen2.5-0.5b-instruct"),
    ],
)
def test_a_worker_that_cannot_work_says_why_at_once(
    environment: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    finished = parley("start", cwd=tmp_path, **environment)
    assert finished.returncode == 2
    assert sentence in " ".join(finished.stderr.split())
    assert "Traceback" not in finished.stderr + finished.stdout


def test_a_taken_port_is_named_with_the_setting(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        finished = parley("start", cwd=tmp_path, **SENSIBLE | {"AGENT_HEALTH_PORT": port})
    assert finished.returncode == 2
    assert f"port {port} is in use" in finished.stderr
    assert "Traceback" not in finished.stderr + finished.stdout


def test_an_unknown_variable_is_reported(tmp_path: Path) -> None:
    finished = parley("start", cwd=tmp_path, AGENT_PROFIL="embedded")
    assert "did you mean AGENT_PROFILE?" in " ".join(finished.stderr.split())


def test_the_doctor_fails_with_a_remedy_and_passes_without_a_fault(tmp_path: Path) -> None:
    failed = parley("doctor", cwd=tmp_path, **SENSIBLE)
    assert failed.returncode == 1
    assert "FAIL" in failed.stdout
    assert "check LIVEKIT_URL" in " ".join(failed.stdout.split())
    passed = parley("doctor", cwd=tmp_path, AGENT_PROFILE="simulated")
    assert passed.returncode == 0, passed.stdout
