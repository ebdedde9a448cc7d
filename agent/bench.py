"""Starts the evals of a checkout, which are no part of the package, and shows their report."""

from __future__ import annotations

import shutil
import signal
import subprocess  # nosec B404 # runs the evals
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

from agent.config import ConfigError

CHECKOUT = Path(__file__).parents[1]


def open_report(checkout: Path, show: Callable[[str], bool] = webbrowser.open) -> bool:
    """Shows the report in the browser; False when nothing has been measured yet.

    Raises ConfigError where there is no browser to be opened.
    """
    report = _report(checkout)
    if not report.exists():
        return False
    if not show(report.as_uri()):
        raise ConfigError([f"No browser could be started; the report is {report}"])
    return True


def run_evals(checkout: Path, cache_dir: Path, *, full: bool, resume: bool) -> int:
    """Measures, and blocks until that is done; what it tells goes to our own output.

    Returns its exit status. Ctrl-C reaches it and ends it in good order; what was measured is
    kept. Raises ConfigError for what is missing.
    """
    if missing := what_is_missing(checkout, cache_dir, full=full):
        raise ConfigError(missing)
    command = [sys.executable, "-m", "evals.plans", "full" if full else "quick"]
    command += ["--resume"] if resume else []
    process = subprocess.Popen(command, cwd=checkout)  # nosec B603 # our own command
    # The terminal sends Ctrl-C to both of us: it is for the evals, we only wait for their end.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def what_is_missing(checkout: Path, cache_dir: Path, *, full: bool) -> list[str]:
    """A sentence for each thing without which nothing can be measured."""
    if not (checkout / "evals" / "plans.py").exists():
        return [
            "`parley bench` needs a checkout of the repository: the evals are no part of the package."
        ]
    wanted = {
        "flite, which speaks the test sentences,": shutil.which("flite"),
        "livekit-server": shutil.which("livekit-server")
        or _existing(cache_dir / "bin/livekit-server"),
    }
    if full:
        python = checkout / ".venv-evals" / "bin" / "python"
        wanted["the environment of the baselines, .venv-evals,"] = _existing(python)
    return [
        f"{name} is missing: `make evals` installs it." for name, at in wanted.items() if not at
    ]


def _existing(path: Path) -> str | None:
    return str(path) if path.exists() else None


def _report(checkout: Path) -> Path:
    return checkout / "evals" / "results" / "report.html"
