"""What is slow to make, lent out to one session each and kept for the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from .errors import EngineBusy, EngineError


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


class Lender(Generic[T]):
    """Thread-safe; of those that wait for one, one at a time makes it. Survives `fork()`."""

    def __init__(self, make: Callable[[], T], *, most: int, engine: str, things: str) -> None:
        """`make` blocks. `most` are out at once. `engine` and `things`: their names in messages.

        Raises EngineError for a `most` below 1.
        """
        if most < 1:
            raise EngineError(f"{engine} needs max_sessions of at least 1")
        self._make = make
        self._most = most
        self._engine = engine
        self._things = things
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._idle: list[T] = []
        self._lent = 0
        self._closed = False

    def load(self) -> None:
        """Makes the first one, if there is none, so that the next is lent at once. Blocks."""
        with self._making:
            with self._lock:
                if self._idle or self._lent or self._closed:
                    return
                self._lent += 1
            try:
                one = self._make()
            except BaseException:
                self._free()
                raise
            self.take_back(one)

    def lend(self) -> T:
        """An idle one, waiting for one that is being made; else a new one.

        Raises EngineBusy when all are out, EngineError when it is closed.
        """
        with self._lock:
            if self._closed:
                raise EngineError(f"this {self._engine} engine is closed")
            if self._lent >= self._most:
                raise EngineBusy(f"all {self._most} {self._engine} {self._things} are in use")
            self._lent += 1
        try:
            with self._making:
                with self._lock:
                    if self._idle:
                        return self._idle.pop()
                return self._make()
        except BaseException:
            self._free()
            raise

    def take_back(self, one: T) -> None:
        """It is kept for the next, or closed where there will be none."""
        with self._lock:
            self._lent -= 1
            if not self._closed:
                self._idle.append(one)
                return
        one.close()

    def close(self) -> None:
        """Closes the idle ones at once, the others when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for one in idle:
            one.close()

    def _free(self) -> None:
        with self._lock:
            self._lent -= 1
