"""An event loop whose clock jumps to the next timer whenever there is nothing to do.

An hour of a call passes in seconds, and every delay is exact. While the loop runs, `time.time`,
`time.perf_counter` and `time.monotonic` follow its clock. While a thread pool has work, time does
not jump: it stands still, or goes by in real time when the work outlasts the next timer, so that
deadlines on stuck work still end. Work on bare threads and sockets is not seen; the clock jumps
over it.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

T = TypeVar("T")

_CLOCKS = ("time", "perf_counter", "monotonic")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Use as a loop factory: `asyncio.Runner(loop_factory=VirtualTimeLoop)`."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        """Virtual seconds since the loop was made."""
        self.pool_work = PoolWork(self)
        self._started_at = {name: getattr(time, name)() for name in _CLOCKS}
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.elapsed_s

    def run_forever(self) -> None:
        with self.pool_work.watched(), self._clocks_followed():
            super().run_forever()

    @contextlib.contextmanager
    def _clocks_followed(self) -> Iterator[None]:
        _let_default_times_follow()
        real = {name: getattr(time, name) for name in _CLOCKS}
        for name, started_at in self._started_at.items():
            setattr(time, name, lambda started_at=started_at: started_at + self.elapsed_s)
        try:
            yield
        finally:
            for name, clock in real.items():
                setattr(time, name, clock)


class PoolWork:
    """The work that thread pools have not finished, including what its end sets off."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: set[Future[Any]] = set()

    def __bool__(self) -> bool:
        return bool(self._running)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        submit = ThreadPoolExecutor.submit

        def watched_submit(
            pool: ThreadPoolExecutor, step: Callable[..., Any], /, *args: Any, **kwargs: Any
        ) -> Future[Any]:
            is_watched = threading.Event()

            def run_step() -> Any:
                is_watched.wait()  # else it might end before anybody watches
                return step(*args, **kwargs)

            future = submit(pool, run_step)
            self._watch(future)
            is_watched.set()
            return future

        ThreadPoolExecutor.submit = watched_submit  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]

    def _watch(self, future: Future[Any]) -> None:
        # A done callback would be too early: the one that hands the result to the loop comes later.
        for name in ("set_result", "set_exception", "cancel"):
            setattr(future, name, self._ending(future, getattr(future, name)))
        self._running.add(future)

    def _ending(self, future: Future[Any], end: Callable[..., Any]) -> Callable[..., Any]:
        def end_and_wake(*args: Any) -> Any:
            result = end(*args)
            if future.done():
                self._running.discard(future)
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(lambda: None)
            return result

        return end_and_wake


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, clock: VirtualTimeLoop) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        is_working = bool(self._clock.pool_work)  # asked first: what ends now is among the events
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or is_working:
            events = super().select(timeout)
        if not events and timeout is not None:
            self._clock.elapsed_s += timeout
        return events


def _let_default_times_follow() -> None:
    """livekit's pydantic models have bound `time.time` itself as the default of their times."""
    for model in _livekit_models(BaseModel):
        fields = [f for f in model.model_fields.values() if f.default_factory is _REAL_TIME]
        for field in fields:
            field.default_factory = lambda: time.time()
        if fields:
            model.model_rebuild(force=True)


_REAL_TIME = time.time


def _livekit_models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith("livekit.agents"):
            yield model
        yield from _livekit_models(model)


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on a loop of its own with virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """For the hook `pytest_asyncio_loop_factories`: the marker `virtual_time` picks this loop."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual_time": VirtualTimeLoop}
    return {"real_time": asyncio.new_event_loop}
