"""What grew while calls came and went. Pure.

Of memory counts the slope of a line through the samples after the first fifth, when everything has been used
once; of files, processes and rooms also what was there before the first call and after the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.load.trend import Line, fit_line

WARM_UP_SHARE = 0.2
MB_PER_HOUR = 5.0
"""What is grown by less, at least, is flat."""
FILES = 2
"""So many more may be open after the last call."""

SERIES = (
    "worker_rss_mb",
    "lasting_rss_mb",
    "family_mb",
    "worker_fds",
    "processes",
    "server_rss_mb",
    "server_fds",
    "rooms",
)

OURS = ("worker_rss_mb", "lasting_rss_mb")
"""Whose slope is judged: what is there from the first call to the last. LiveKit's server is told of only."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """At one moment."""

    at_s: float
    calls: int
    """That the callers had going."""
    worker_rss_mb: float
    """Of the worker's own process."""
    lasting_rss_mb: float
    """Of all its processes that were there from the first sample to the last: no call's own."""
    family_mb: float
    """Of all its processes, calls included; what they share counts once."""
    worker_fds: int
    """Open files of the worker's own process."""
    processes: int
    server_rss_mb: float
    """Of the LiveKit server."""
    server_fds: int
    rooms: int


def slopes(samples: Sequence[Sample]) -> dict[str, Line]:
    """By hour, of every series that can have one."""
    if not samples:
        return {}
    begin_s = samples[0].at_s + WARM_UP_SHARE * (samples[-1].at_s - samples[0].at_s)
    kept = [sample for sample in samples if sample.at_s >= begin_s]
    hours = [sample.at_s / 3600 for sample in kept]
    lines = {name: fit_line(hours, [getattr(one, name) for one in kept]) for name in SERIES}
    return {name: line for name, line in lines.items() if line}


def grown(lines: Mapping[str, Line], before: Sample, after: Sample) -> list[str]:
    """A sentence for each thing that is not flat; `before` and `after`: without any call."""
    problems = [
        f"{name} grows by {line.slope:.1f} ± {line.slope_error or 0:.1f} MB in an hour"
        for name, line in lines.items()
        if name in OURS and line.surely_above > MB_PER_HOUR
    ]
    for name, slack in (
        ("worker_fds", FILES),
        ("processes", 0),
        ("server_fds", FILES),
        ("rooms", 0),
    ):
        was, now = getattr(before, name), getattr(after, name)
        if now > was + slack:
            problems.append(f"{name}: {was} before the first call, {now} after the last")
    return problems


def with_lasting(
    snapshots: Sequence[tuple[Sample, Mapping[int, float]]],
) -> list[Sample]:
    """Adds the memory of the processes that are in all snapshots, of which each has that of all."""
    if not snapshots:
        return []
    lasting = set.intersection(*(set(rss_mb) for _, rss_mb in snapshots))
    return [
        Sample(**asdict(sample) | {"lasting_rss_mb": round(sum(rss_mb[pid] for pid in lasting), 1)})
        for sample, rss_mb in snapshots
    ]


def to_rows(samples: Sequence[Sample]) -> dict[str, list[Any]]:
    """A list for each field: a fraction of the room that a dict for each sample takes."""
    rows = [asdict(sample) for sample in samples]
    return {name: [row[name] for row in rows] for name in Sample.__dataclass_fields__}
