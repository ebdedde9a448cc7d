"""`parley dev` starts its worker again when the code changes, and takes it along when it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

RUN = """
import sys
from pathlib import Path
from agent.worker import run_with_reload
folder = Path(sys.argv[1])
note = "import os, time; open('starts', 'a').write(f'{os.getpid()}\\\\n'); time.sleep(60)"
os_cwd = __import__("os").chdir(folder.parent)
try:
    run_with_reload(["-c", note], folder)
except KeyboardInterrupt:
    pass
"""


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_a_changed_file_starts_the_worker_again_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    starts = tmp_path / "starts"

    def pids() -> list[int]:
        return [int(line) for line in starts.read_text().split()] if starts.exists() else []

    process = subprocess.Popen([sys.executable, "-c", RUN, str(watched)])
    try:
        wait_for(lambda: len(pids()) == 1)
        time.sleep(0.5)  # the watcher begins after the worker
        (watched / "notes.txt").write_text("not a source")
        (watched / "changed.py").write_text("x = 1\n")
        wait_for(lambda: len(pids()) == 2)
        assert not psutil.pid_exists(pids()[0])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=15)
    assert len(pids()) == 2
    assert not psutil.pid_exists(pids()[1])
