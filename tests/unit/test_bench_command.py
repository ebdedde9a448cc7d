"""`parley bench`: starts a checkout's evals, and nothing where there are none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.bench import CHECKOUT, open_report, run_evals, what_is_missing
from agent.config import ConfigError

EVALS = """
import pathlib, sys, time
pathlib.Path("arguments").write_text(" ".join(sys.argv[1:]))
try:
    time.sleep(30 if pathlib.Path("slow").exists() else 0)
except KeyboardInterrupt:
    pathlib.Path("stopped").touch()
    sys.exit(130)
sys.exit(7)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with evals of its own, and all they need on the PATH."""
    commands = tmp_path / "bin"
    for name in ("flite", "livekit-server"):
        commands.mkdir(exist_ok=True)
        (commands / name).write_text("#!/bin/sh\n")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(commands))
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "plans.py").write_text(EVALS)
    return tmp_path


@pytest.mark.parametrize(
    ("full", "resume", "arguments"),
    [(False, False, "quick"), (True, False, "full"), (True, True, "full --resume")],
)
def test_the_evals_get_what_was_asked_for_and_their_status_is_ours(
    checkout: Path, full: bool, resume: bool, arguments: str
) -> None:
    python = checkout / ".venv-evals" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert run_evals(checkout, checkout, full=full, resume=resume) == 7
    assert (checkout / "arguments").read_text() == arguments


def test_ctrl_c_ends_the_evals_in_good_order(checkout: Path) -> None:
    (checkout / "slow").touch()
    ours = (
        "import pathlib, sys; from agent.bench import run_evals; "
        "here = pathlib.Path.cwd(); sys.exit(run_evals(here, here, full=False, resume=False))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", ours],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        start_new_session=True,
    )
    end_s = time.monotonic() + 15
    while not (checkout / "arguments").exists():
        assert time.monotonic() < end_s
        time.sleep(0.05)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(10) == 130
    assert (checkout / "stopped").exists()


def test_without_a_checkout_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a checkout"):
        run_evals(tmp_path, tmp_path, full=False, resume=False)


def test_what_is_missing_is_told_all_at_once_with_the_remedy(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert what_is_missing(checkout, checkout, full=False) == []
    [sentence] = what_is_missing(checkout, checkout, full=True)
    assert ".venv-evals, is missing: `make evals` installs it" in sentence
    monkeypatch.setenv("PATH", "")
    assert len(what_is_missing(checkout, checkout / "cache", full=True)) == 3


def test_a_livekit_server_in_the_tool_cache_will_do(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "bin" / "livekit-server").rename(checkout / "elsewhere")
    assert len(what_is_missing(checkout, checkout / "cache", full=False)) == 1
    cached = checkout / "cache" / "bin" / "livekit-server"
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert what_is_missing(checkout, checkout / "cache", full=False) == []


def test_the_report_of_the_last_run_is_shown(checkout: Path) -> None:
    shown: list[str] = []

    def show(address: str) -> bool:
        shown.append(address)
        return True

    assert not open_report(checkout, show)
    report = checkout / "evals" / "results" / "report.html"
    report.parent.mkdir()
    report.touch()
    assert open_report(checkout, show)
    assert shown == [report.as_uri()]


def test_without_a_browser_the_place_of_the_report_is_told(checkout: Path) -> None:
    report = checkout / "evals" / "results" / "report.html"
    report.parent.mkdir()
    report.touch()
    with pytest.raises(ConfigError, match=r"report\.html"):
        open_report(checkout, lambda _: False)


def test_this_checkout_has_what_the_command_starts() -> None:
    assert (CHECKOUT / "evals" / "plans.py").exists()
