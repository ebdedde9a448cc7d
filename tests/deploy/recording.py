"""Ten minutes of every metric there is, taken from the real metric objects, for Prometheus to read.

`python -m tests.deploy.recording FILE END` in a process of its own: it fills the objects of the agent
(shared between processes, as in a worker), of livekit-agents and of the model server, and reads them
out every 15 s of an invented clock that ends at END (seconds since 1970).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

STEP_S = 15
STEPS = 40
JOBS = ("parley-worker", "parley-modelserver", "livekit")
LABELS = {
    "outcome": ("answered", "interrupted", "ignored", "failed"),
    "result": ("adopted", "dropped"),
    "conversation": ("kept", "lost"),
    "reason": ("session",),
}
"""Values that the queries ask for; any other label has its own name as its value."""

Sample = tuple[str, dict[str, str], float, int]


def record(end_s: int) -> list[Sample]:
    """Samples of a worker, of a model server and of `up`, all times of a series in order."""
    from livekit.agents.telemetry import metrics as of_livekit
    from livekit.plugins.modelserver.metrics import ServerMetrics
    from prometheus_client import CollectorRegistry, multiprocess

    from agent import metrics as of_agent

    server = ServerMetrics()
    worker = CollectorRegistry()
    multiprocess.MultiProcessCollector(worker)  # type: ignore[no-untyped-call]
    samples: list[Sample] = []
    for step in range(STEPS):
        for owner in (of_agent, of_livekit, server):
            for metric in vars(owner).values():
                _fill(metric)
        at_s = end_s - (STEPS - 1 - step) * STEP_S
        of_worker = _read(worker, "parley-worker", at_s)
        samples += (s for s in of_worker if not s[0].startswith("parley_modelserver"))
        samples += _read(server.registry, "parley-modelserver", at_s)
        samples += (("up", {"job": job, "instance": "a"}, 1, at_s) for job in JOBS)
    return sorted(samples, key=lambda sample: (sample[0], sorted(sample[1].items()), sample[3]))


def _fill(metric: object) -> None:
    """Moves every child of `metric`; other objects are left alone."""
    from prometheus_client import Counter, Gauge, Histogram

    if not isinstance(metric, Counter | Gauge | Histogram):
        return
    for child in _children(metric):
        match child:
            case Counter():
                child.inc()
            case Gauge():
                child.set(1)
            case Histogram():
                child.observe(0.3)


def _children(metric: object) -> Iterator[object]:
    names: tuple[str, ...] = metric._labelnames  # type: ignore[attr-defined]
    choices: list[tuple[str, ...]] = [()]
    for name in names:
        choices = [(*chosen, value) for chosen in choices for value in LABELS.get(name, (name,))]
    for chosen in choices:
        yield metric.labels(*chosen) if chosen else metric  # type: ignore[attr-defined]


def _read(registry: object, job: str, at_s: int) -> Iterator[Sample]:
    for family in registry.collect():  # type: ignore[attr-defined]
        for sample in family.samples:
            labels = {**sample.labels, "job": job, "instance": "a"}
            yield sample.name, labels, sample.value, at_s


def openmetrics(samples: Iterable[Sample]) -> str:
    """The text that `promtool tsdb create-blocks-from openmetrics` reads."""
    lines = []
    for name, labels, value, at_s in samples:
        pairs = ",".join(f'{key}="{text}"' for key, text in sorted(labels.items()))
        lines.append(f"{name}{{{pairs}}} {value} {at_s}")
    return "\n".join([*lines, "# EOF", ""])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        Path(sys.argv[1]).write_text(openmetrics(record(int(sys.argv[2]))))
