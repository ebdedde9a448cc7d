"""What a recogniser session and a text to speak have in common, on the server."""

from __future__ import annotations

import logging
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any

from livekit.plugins.speechcore import Timer

from .lane import Outcome
from .messages import Fault, FaultKind
from .protocol import Kind
from .scheduler import Job, JobKind, QueueFull
from .served import ServedEngine, fault_of
from .wire import Wire

logger = logging.getLogger(__package__)


class Session(ABC):
    """Has one step at a time made by its engine, each with a deadline. Lives on the event loop.

    However it ends (done, failed, cancelled, its caller gone), a step in progress runs to its end,
    no other follows, and `_free` runs on the engine's thread after it.
    """

    def __init__(
        self,
        number: int,
        engine: ServedEngine,
        wire: Wire,
        *,
        caller: Hashable,
        timeout_s: float,
    ) -> None:
        """`caller`: admitted by the engine; released at the end."""
        self.number = number
        self._engine = engine
        self._wire = wire
        self._caller = caller
        self._timeout_s = timeout_s
        self._job: Job | None = None
        self._timer = Timer()
        self._is_ended = False

    @abstractmethod
    def proceed(self) -> None:
        """Has the next step made, if there is one to make now."""

    @abstractmethod
    def _take(self, job: Job, result: Any) -> None:
        """Uses what a step has returned. Raises ValueError for numbers that are none."""

    @abstractmethod
    def _free(self) -> None:
        """Frees what the engine holds for this session; runs on an engine's thread."""

    def cancel(self) -> None:
        """The caller wants no more."""
        if not self._is_ended:
            self._engine.metrics.cancelled.labels(self._engine.name).inc()
            self._end()

    def fail(self, fault: Fault) -> None:
        """Ends it with an error."""
        if self._is_ended:
            return
        self._engine.metrics.faults.labels(self._engine.name, fault.kind).inc()
        self._wire.send(Kind.ERROR, self.number, fault.to_payload())
        self._end()

    def on_outcome(self, outcome: Outcome) -> None:
        """A step of this session was made."""
        self._engine.account(outcome)
        if outcome.job is self._job:
            self._job = None
            self._timer.cancel()
        if outcome.error is not None:
            self._log(outcome.error, outcome.job)
            self.fail(fault_of(outcome.error))
        elif not self._is_ended:
            try:
                self._take(outcome.job, outcome.result)
            except ValueError:
                self.fail(Fault(FaultKind.ENGINE, "the engine gave sound or times that are none"))

    def _submit(self, kind: JobKind, run: Callable[[], Any], **options: Any) -> Job | None:
        """Has `run` made on the engine's thread; returns the waiting step that it replaces."""
        job = Job(kind, self, run, timeout_s=self._timeout_s, **options)
        try:
            replaced = self._engine.lane.submit(job)
        except QueueFull:
            self.fail(Fault(FaultKind.BUSY, f"too much waits for {self._engine.name}"))
            return None
        self._job = job
        self._arm(self._timeout_s)
        return replaced

    def _end(self) -> None:
        self._is_ended = True
        self._timer.cancel()
        self._engine.release(self._caller)
        self._wire.ended(self.number)
        self._engine.lane.cancel(self)
        self._engine.lane.submit(Job(JobKind.CLOSE, self, self._free, timeout_s=self._timeout_s))

    def _arm(self, delay_s: float) -> None:
        self._timer.after(delay_s, self._on_late)

    def _on_late(self) -> None:
        """An interim may wait for long, but not run for long; everything else may do neither."""
        job = self._job
        if job is None:
            return
        if job.kind is JobKind.PARTIAL:
            begun_s = job.started_s if job.started_s is not None else time.monotonic()
            left_s = begun_s + self._timeout_s - time.monotonic()
            if left_s > 0:
                self._arm(left_s)
                return
        self.fail(Fault(FaultKind.TIMEOUT, f"no answer within {self._timeout_s:g} s"))

    def _log(self, error: Exception, job: Job) -> None:
        # Not the message: a library's may quote what is to be spoken.
        places = traceback.extract_tb(error.__traceback__)
        where = [f"{place.filename}:{place.lineno} {place.name}" for place in places[-3:]]
        logger.warning(
            "a step failed",
            extra={
                "engine": self._engine.name,
                "step": job.kind,
                "error": type(error).__name__,
                "where": where,
            },
        )
