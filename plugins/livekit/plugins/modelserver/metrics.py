"""The model server's Prometheus metrics. The process is its own: they are in a registry of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from .messages import FaultKind

Refused = Literal["connection", "session"]
"""What a caller did not get."""

DropReason = Literal["frame", "protocol", "silent", "slow"]
"""Why a connection was cut."""

_BUCKETS_S = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
"""From what a message costs (some ms) to a deadline (some s)."""


class ServerMetrics:
    """One set of them; label `engine` is the engine's name, `kind` what a step was for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        engine = ["engine"]
        kinds = ["engine", "kind"]
        self.queue = self._gauge("queue", "Steps that wait.", ["lane", "kind"])
        self.wait = self._histogram("wait_seconds", "From a step's request to its begin.", kinds)
        self.run = self._histogram("run_seconds", "How long a step ran.", kinds)
        self.batch = Histogram(
            "parley_modelserver_batch_size",
            "Steps made together.",
            engine,
            buckets=(1, 2, 4, 8, 16),
            registry=self.registry,
        )
        self.connections = self._gauge("connections", "Callers' processes connected.", [])
        self.sessions = self._gauge(
            "sessions", "Recogniser sessions and texts in progress.", engine
        )
        self.capacity = self._gauge("capacity", "Callers at the same time.", engine)
        self.rtf = self._gauge("rtf", "Seconds of work for a second of sound.", engine)
        self.stuck = self._gauge("stuck", "1 when every thread hangs.", ["lane"])
        self.skipped = self._counter("partials_skipped", "Interims overtaken by newer.", engine)
        self.cancelled = self._counter("cancelled", "Texts and sessions given up early.", engine)
        self.refused = self._counter("refused", "What there was no room for.", ["reason"])
        self.faults = self._counter("faults", "Sessions ended by an error.", kinds)
        self.dropped = self._counter("connections_dropped", "Connections cut.", ["reason"])
        _begin_at_zero(self.refused, get_args(Refused))
        _begin_at_zero(self.dropped, get_args(DropReason))

    def serve(self, engine: str) -> None:
        """This engine's counts are there, at 0, before the first event."""
        self.skipped.labels(engine)
        self.cancelled.labels(engine)
        for kind in FaultKind:
            self.faults.labels(engine, kind)

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        return Gauge(f"parley_modelserver_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(f"parley_modelserver_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: list[str]) -> Histogram:
        return Histogram(
            f"parley_modelserver_{name}", text, labels, buckets=_BUCKETS_S, registry=self.registry
        )


def _begin_at_zero(counter: Counter, values: Iterable[str]) -> None:
    for value in values:
        counter.labels(value)
