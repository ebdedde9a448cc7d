"""The threads of an engine, and the queue before them.

From the event loop to a step and back are two hops between threads (0.05 to 0.2 ms together on an
idle machine), however many sessions there are; nothing is copied.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from .scheduler import Job, JobKind, JobQueue


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a step."""

    job: Job
    result: Any = None
    error: Exception | None = None
    waited_s: float = 0.0
    ran_s: float = 0.0
    """Of the whole batch."""
    batch_size: int = 1


class Lane:
    """`threads` threads make the steps of a queue. Thread-safe.

    `on_outcomes` is called on the thread that made the step (or the batch of steps), and the next
    one is chosen when it returns. A step that has outlived its deadline keeps its thread, as no
    native call can be ended; when all threads are kept so, the lane `is_stuck`.
    """

    def __init__(
        self,
        name: str,
        queue: JobQueue,
        *,
        threads: int,
        on_outcomes: Callable[[list[Outcome]], None],
    ) -> None:
        self.name = name
        self.thread_count = threads
        self._queue = queue
        self._on_outcomes = on_outcomes
        self._news = threading.Condition()
        self._is_closed = False
        self._making: dict[int, Job] = {}
        """What each thread is at."""
        self._mean_run_s = 0.0
        # Daemons: a step that never ends must not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> Job | None:
        """Returns the waiting step that this one replaces. Raises QueueFull."""
        with self._news:
            replaced = self._queue.put(job, time.monotonic())
            self._news.notify()
        return replaced

    def cancel(self, key: Hashable) -> Job | None:
        """The session's waiting step, which will not run; a running one runs to its end."""
        with self._news:
            return self._queue.cancel(key)

    def stuck_s(self) -> float:
        """For how long every thread has been at a step that outlived its deadline; 0 if one is free."""
        now_s = time.monotonic()
        with self._news:
            if len(self._making) < self.thread_count:
                return 0.0
            late_s = (
                now_s - (job.started_s or now_s) - job.timeout_s for job in self._making.values()
            )
            return max(0.0, min(late_s))

    @property
    def is_stuck(self) -> bool:
        return self.stuck_s() > 0

    def depths(self) -> Counter[JobKind]:
        """How many steps wait, by kind."""
        with self._news:
            return self._queue.depths()

    def expected_wait_s(self) -> float:
        """How long a step that is due now would wait, by the steps before it and their mean time."""
        with self._news:
            ahead = self._queue.ahead_of(time.monotonic())
        return ahead * self._mean_run_s / self.thread_count

    def close(self, *, timeout_s: float) -> bool:
        """Ends the threads after their steps and all clean-up; what else waits is dropped.

        Returns whether all have ended.
        """
        with self._news:
            self._is_closed = True
            self._queue.drop_all_but_closing()
            self._news.notify_all()
        end_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while jobs := self._next_jobs():
            self._on_outcomes(self._make(jobs))

    def _next_jobs(self) -> list[Job]:
        with self._news:
            while not (jobs := self._queue.take(time.monotonic())) and not self._is_closed:
                self._news.wait()
            if jobs:
                self._making[threading.get_ident()] = jobs[0]
            return jobs

    def _make(self, jobs: list[Job]) -> list[Outcome]:
        begun_s = time.monotonic()
        made = self._run(jobs)
        ran_s = time.monotonic() - begun_s
        with self._news:
            self._queue.done(jobs)
            del self._making[threading.get_ident()]
            self._mean_run_s += 0.1 * (ran_s / len(jobs) - self._mean_run_s)
        return [
            Outcome(job, result, error, begun_s - job.arrived_s, ran_s, len(jobs))
            for job, (result, error) in zip(jobs, made, strict=True)
        ]

    @staticmethod
    def _run(jobs: list[Job]) -> list[tuple[Any, Exception | None]]:
        if len(jobs) > 1 and (batch := jobs[0].batch):
            # One bad session must not fail the others: what fails together is made one by one.
            with contextlib.suppress(Exception):
                results = batch.run([job.batch.item for job in jobs if job.batch])
                if len(results) == len(jobs):
                    return [(result, None) for result in results]
        return [_run_one(job) for job in jobs]


def _run_one(job: Job) -> tuple[Any, Exception | None]:
    try:
        return job.run(), None
    except Exception as e:  # whatever a library raises is its session's affair
        return None, e
