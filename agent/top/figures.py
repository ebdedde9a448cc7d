"""What two readings of a `/metrics` page tell. Pure."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

WINDOW_S = 60.0

Buckets = Mapping[float, float]
"""How many were as long or shorter, by seconds; the longest is infinity."""


@dataclass(frozen=True)
class Reading:
    """One page: of each series its name, its labels and its value."""

    samples: Mapping[str, list[tuple[Mapping[str, str], float]]]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the series that have these labels; 0 for none."""
        return math.fsum(
            value
            for found, value in self.samples.get(name, ())
            if all(found.get(label) == wanted for label, wanted in labels.items())
        )

    def by(self, name: str, label: str) -> dict[str, float]:
        """The sums by the values of a label, in their order."""
        sums: defaultdict[str, float] = defaultdict(float)
        for labels, value in self.samples.get(name, ()):
            sums[labels.get(label, "")] += value
        return dict(sorted(sums.items()))

    def buckets(self, histogram: str) -> dict[float, float]:
        """Of all its series together."""
        return {
            float(bound): count
            for bound, count in sorted(
                self.by(f"{histogram}_bucket", "le").items(), key=lambda item: float(item[0])
            )
        }


def parse(text: str) -> Reading:
    """Reads what Prometheus reads. Raises ValueError for anything else."""
    samples: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return Reading(samples)


@dataclass
class Window:
    """The readings of the last minute."""

    length_s: float = WINDOW_S
    _readings: deque[tuple[float, Reading]] = field(default_factory=deque)

    def add(self, reading: Reading, now_s: float) -> Reading | None:
        """The reading to compare this one with: the oldest of the window. None for the first, or when
        its process was started anew since."""
        while self._readings and now_s - self._readings[0][0] > self.length_s:
            self._readings.popleft()
        if self._readings and _start_s(self._readings[-1][1]) != _start_s(reading):
            self._readings.clear()
        self._readings.append((now_s, reading))
        return self._readings[0][1] if len(self._readings) > 1 else None


def _start_s(reading: Reading) -> float:
    return reading.total("process_start_time_seconds")


def grown(newest: Reading, oldest: Reading | None, histogram: str) -> dict[float, float]:
    """The buckets of what came between two readings; of everything without an oldest."""
    before = oldest.buckets(histogram) if oldest else {}
    return {
        bound: count - before.get(bound, 0.0) for bound, count in newest.buckets(histogram).items()
    }


def quantile(share: float, buckets: Buckets) -> float | None:
    """Interpolated within a bucket, as Prometheus' `histogram_quantile` does it; None for no values.

    What is longer than the last bound counts as that bound.
    """
    count = buckets.get(math.inf, 0.0)
    if not count:
        return None
    rank = share * count
    low_s, below = 0.0, 0.0
    for high_s, cumulative in buckets.items():
        if cumulative >= rank and cumulative > below:
            if math.isinf(high_s):
                return low_s
            return low_s + (high_s - low_s) * (rank - below) / (cumulative - below)
        low_s, below = high_s, cumulative
    return low_s


@dataclass(frozen=True, kw_only=True)
class WorkerFigures:
    calls: int
    is_full: bool
    turns: Mapping[str, int]
    """Since the worker's start, by how they ended."""
    answers: int
    """Spoken answers whose times these are."""
    response_p50_s: float | None
    response_p95_s: float | None
    faults: Mapping[str, int]
    """Since the start, by stage."""
    open_breakers: list[str]
    gaps: int
    """Silences in the midst of the agent's speech, since the start."""
    lag_p99_s: float | None
    worker_bytes: int
    calls_bytes: int
    largest_bytes: int


def worker_figures(newest: Reading, oldest: Reading | None) -> WorkerFigures:
    """Times are those between the readings, or since the start without an oldest."""
    responses = grown(newest, oldest, "parley_turn_response_seconds")
    return WorkerFigures(
        calls=int(newest.total("parley_calls")),
        is_full=newest.total("parley_worker_full") > 0,
        turns=_whole(newest.by("parley_turns_total", "outcome")),
        answers=int(responses.get(math.inf, 0)),
        response_p50_s=quantile(0.5, responses),
        response_p95_s=quantile(0.95, responses),
        faults=_whole(newest.by("parley_engine_faults_total", "stage")),
        open_breakers=[
            engine for engine, value in newest.by("parley_breaker_open", "engine").items() if value
        ],
        gaps=int(newest.total("parley_audio_gap_seconds_count")),
        lag_p99_s=quantile(0.99, grown(newest, oldest, "parley_event_loop_lag_seconds")),
        worker_bytes=int(newest.total("process_resident_memory_bytes")),
        calls_bytes=int(newest.total("parley_calls_resident_memory_bytes")),
        largest_bytes=int(newest.total("parley_call_resident_memory_max_bytes")),
    )


@dataclass(frozen=True, kw_only=True)
class EngineFigures:
    sessions: int
    capacity: int
    wait_p95_s: float | None
    """Of its steps, from request to begin."""


@dataclass(frozen=True, kw_only=True)
class ServerFigures:
    engines: Mapping[str, EngineFigures]
    waiting: int
    """Steps, now."""
    refused: int
    """Since the start."""
    resident_bytes: int


def server_figures(newest: Reading, oldest: Reading | None) -> ServerFigures:
    capacities = newest.by("parley_modelserver_capacity", "engine")
    return ServerFigures(
        engines={
            engine: EngineFigures(
                sessions=int(newest.total("parley_modelserver_sessions", engine=engine)),
                capacity=int(capacity),
                wait_p95_s=quantile(
                    0.95,
                    grown(
                        _of(newest, engine),
                        _of(oldest, engine) if oldest else None,
                        "parley_modelserver_wait_seconds",
                    ),
                ),
            )
            for engine, capacity in capacities.items()
        },
        waiting=int(newest.total("parley_modelserver_queue")),
        refused=int(newest.total("parley_modelserver_refused_total")),
        resident_bytes=int(newest.total("process_resident_memory_bytes")),
    )


def _of(reading: Reading, engine: str) -> Reading:
    """The series of one engine."""
    return Reading(
        {
            name: [sample for sample in samples if sample[0].get("engine") == engine]
            for name, samples in reading.samples.items()
        }
    )


def _whole(values: Mapping[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in values.items()}
