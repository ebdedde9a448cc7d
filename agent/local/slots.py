"""Which call holds which slot of a llama.cpp server, across the job processes of a machine.

A slot keeps the conversation of the call that used it last, so a call stays on one. The hold is a
lock on a file: the kernel lets go of it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def is_any_held(folder: Path, count: int) -> bool:
    """Whether a call holds a slot now."""
    for slot in range(count):
        try:
            file = os.open(folder / f"slot-{slot}", os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
    return False


class SlotLock:
    """A slot of `count`, held until `release()` or the end of the process."""

    def __init__(self, folder: Path, count: int) -> None:
        """`folder` is shared by all processes that use the server; made when missing."""
        self._folder = folder
        self._count = count
        self._file: int | None = None
        self.slot: int | None = None
        """None when no slot is held: the server then chooses one for each request."""

    def take(self) -> int | None:
        """The lowest free slot, or None when other calls hold them all; harmless when repeated."""
        if self.slot is not None:
            return self.slot
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for slot in range(self._count):
            file = os.open(self._folder / f"slot-{slot}", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue
            self._file, self.slot = file, slot
            return slot
        return None

    def release(self) -> None:
        """Harmless when nothing is held."""
        if self._file is not None:
            os.close(self._file)
        self._file = self.slot = None
