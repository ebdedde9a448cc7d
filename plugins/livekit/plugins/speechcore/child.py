"""A process of an engine's own that ends when its input does, as it does when we end."""

from __future__ import annotations

import contextlib
import subprocess  # nosec B404 # nothing is started here


def end_child(process: subprocess.Popen[bytes], *, timeout_s: float) -> None:
    """Closes its input, waits for its end, and kills it after `timeout_s`; twice is fine.

    Both its input and its output are pipes of ours.
    """
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
