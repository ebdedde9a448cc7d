"""A worker's breakers in a small file, for calls that are processes of their own."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .breaker import Breaker, Failure
from .breakers import Table

_READ_EVERY_S = 0.25
_LOCK_WAIT_S = 0.0005


class FileStore:
    """For one worker on one host: the times are of the host's monotonic clock.

    The worker removes the file when it starts: with that a refused key is tried again. A file that
    is missing or makes no sense says that all is well; where it cannot be written, or is locked for
    too long, each process keeps to what it has seen itself.
    """

    def __init__(self, path: Path, *, patience_s: float = 0.01) -> None:
        """`patience_s`: how long the lock is waited for, on the event loop; who holds it writes a
        few hundred bytes."""
        self._path = path
        self._lock_tries = max(1, round(patience_s / _LOCK_WAIT_S))
        self._table: Table = {}
        self._stamp: tuple[int, int] | None = None
        self._read_at_s: float | None = None

    def read(self, now_s: float) -> Table:
        if self._read_at_s is None or now_s - self._read_at_s >= _READ_EVERY_S:
            self._read_at_s = now_s
            if self._stamp_now() != self._stamp:
                self._load()
        return self._table

    @contextmanager
    def changing(self) -> Iterator[Table]:
        lock = self._lock()
        try:
            if lock is not None:
                self._load()
            yield self._table
            if lock is not None:
                self._save()
        finally:
            if lock is not None:
                lock.close()  # and with it the lock

    def _lock(self) -> IO[str] | None:
        try:
            file = open(f"{self._path}.lock", "a")  # noqa: SIM115 - closed by who asked for it
        except OSError:
            return None
        for _ in range(self._lock_tries):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except OSError:
                time.sleep(_LOCK_WAIT_S)
        file.close()
        return None

    def _load(self) -> None:
        stamp = self._stamp_now()
        if stamp is None:
            if self._stamp is not None:
                self._table, self._stamp = {}, None
            return
        with suppress(OSError):
            self._table, self._stamp = _parsed(self._path.read_bytes()), stamp

    def _save(self) -> None:
        """A new file in the place of the old one: who reads meanwhile reads the one or the other."""
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            new.write_text(json.dumps({name: _row(one) for name, one in self._table.items()}))
            os.replace(new, self._path)
            self._stamp = self._stamp_now()

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns


def _row(breaker: Breaker) -> dict[str, Any]:
    return {
        "until_s": breaker.until_s,
        "failures": [[failure.at_s, failure.answers] for failure in breaker.failures],
        "open_s": breaker.open_s,
        "closed_at_s": breaker.closed_at_s,
        "skip_until_s": breaker.skip_until_s,
        "probe_until_s": breaker.probe_until_s,
        "limited_until_s": breaker.limited_until_s,
    }


def _parsed(text: bytes) -> Table:
    try:
        return {str(name): _breaker(row) for name, row in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError):
        return {}


def _breaker(row: Mapping[str, Any]) -> Breaker:
    until_s = row["until_s"]
    return Breaker(
        until_s=None if until_s is None else float(until_s),
        failures=[Failure(float(at_s), int(answers)) for at_s, answers in row["failures"]],
        open_s=float(row["open_s"]),
        closed_at_s=float(row["closed_at_s"]),
        skip_until_s=float(row["skip_until_s"]),
        probe_until_s=float(row["probe_until_s"]),
        limited_until_s=float(row["limited_until_s"]),
    )
