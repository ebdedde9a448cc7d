"""One demo per checkout: a locked file that says who holds it."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import TextIO

from .options import DemoError

__all__ = ["DemoLock"]


class DemoLock:
    """Held while a demo runs. The kernel drops it with the process, so none is ever stale."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> "DemoLock":
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read()
            file.close()
            raise DemoError(_already_running(holder)) from None
        self._file = file
        self.note(url=None)
        return self

    def note(self, *, url: str | None) -> None:
        """Leaves word for a second start: which process this is and where its page is."""
        if self._file is not None:
            self._rewrite(json.dumps({"pid": os.getpid(), "url": url}))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The file stays: deleting it would let two starts lock two different files.
        if self._file is not None:
            self._rewrite("")
            self._file.close()
            self._file = None

    def _rewrite(self, text: str) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()


def _already_running(holder: str) -> str:
    try:
        note = json.loads(holder)
        pid, url = int(note["pid"]), note["url"]
    except (ValueError, KeyError, TypeError):
        return "A demo is already running in this checkout: stop it with Ctrl-C in its terminal."
    where = f" at {url}" if url else ", still starting"
    return (
        f"A demo is already running in this checkout{where} (process {pid}): "
        f"stop it with Ctrl-C in its terminal, or `kill {pid}`."
    )
