from __future__ import annotations

import signal
import subprocess
import sys

from livekit.plugins.speechcore import end_child


def child(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_a_child_that_reads_its_input_to_the_end_ends_by_itself() -> None:
    process = child("import sys; sys.stdin.read()")
    end_child(process, timeout_s=30)
    assert process.returncode == 0


def test_a_child_that_does_not_end_is_killed() -> None:
    process = child("import time; time.sleep(600)")
    end_child(process, timeout_s=0)
    assert process.returncode == -signal.SIGKILL


def test_a_child_that_has_ended_with_input_unread_is_ended_again_without_harm() -> None:
    process = child("")
    process.wait(30)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"for nobody")  # stays in the buffer: closing fails
    end_child(process, timeout_s=0)
    end_child(process, timeout_s=0)
    assert process.returncode == 0
    assert process.stdout.closed
