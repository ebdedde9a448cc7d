"""Writes docs/metrics.md from the metric objects: `python scripts/metrics_doc.py`, or `--check` to compare."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from livekit.plugins.modelserver.messages import FaultKind
from livekit.plugins.modelserver.metrics import ServerMetrics
from livekit.plugins.modelserver.scheduler import JobKind
from prometheus_client import Counter, Gauge, Histogram

from agent import metrics
from agent.config import Settings

OUTPUT = Path(__file__).parents[1] / "docs" / "metrics.md"

Family = Counter | Gauge | Histogram

_HEAD = f"""# Metrics

What a worker tells at `http://{Settings.model_fields["agent_host"].default}:\
{Settings.model_fields["agent_metrics_port"].default}/metrics` (`AGENT_HOST`, `AGENT_METRICS_PORT`) and a model server \
at port 8082 (`parley serve --health-port`), in
Prometheus' text format. This page is made from the code by `scripts/metrics_doc.py`.

A worker's counts are those of all its processes, calls that have ended included; they begin anew with the worker. Both pages have
`process_resident_memory_bytes`, `process_open_fds` and the like of the process that answers; a worker's has
LiveKit's own `lk_agents_…` as well. What a label's values are is given below: no label holds a caller, a room, a call or
anything else that grows with use. Counters whose labels are known are there, at 0, from the start.
"""

_ENGINE = "a stage and its engine as the settings name it, like `stt:deepgram`"
_BOUNDS: Mapping[str, Mapping[str, str]] = {
    "parley_turn_stage_seconds": {
        "stage": ", ".join(f"`{stage}`" for stage in metrics.STAGES),
        "engine": "the engines of a stage as the settings list them, or `none`",
    },
    "parley_turn_response_seconds": {"profile": "a profile"},
    "parley_engine_switches_total": {
        "stage": "`stt`, `llm`, `tts`",
        "source": _ENGINE,
        "to": f"{_ENGINE}, or `none`",
    },
    "parley_hedges_total": {
        "stage": "`stt`, `llm`, `tts`",
        "winner": f"{_ENGINE}, or `none` where the caller went on first",
    },
    "parley_breaker_open": {"engine": _ENGINE},
    "parley_modelserver_faults_total": {"kind": ", ".join(f"`{kind}`" for kind in FaultKind)},
}
_OF_SERVER: Mapping[str, str] = {
    "engine": "an engine that is served",
    "kind": ", ".join(f"`{kind}`" for kind in JobKind),
    "lane": "threads that engines share",
}
"""What bounds the labels whose values are not all known when a process starts."""


def page() -> str:
    """The whole page. In a process in which nothing was counted yet."""
    of_agent = [family for family in vars(metrics).values() if isinstance(family, Family)]
    of_server = [family for family in vars(ServerMetrics()).values() if isinstance(family, Family)]
    return "\n".join(
        [
            _HEAD,
            "## Worker\n",
            *_table(of_agent),
            "\n## Model server\n",
            *_table(of_server),
            "",
        ]
    )


def _table(families: Iterable[Family]) -> Iterator[str]:
    yield "| metric | type | unit | labels | what |"
    yield "|---|---|---|---|---|"
    for family in families:
        (described,) = family.describe()
        name = f"{described.name}_total" if described.type == "counter" else described.name
        labels = "; ".join(f"`{label}`: {values}" for label, values in _labels(family, name))
        unit = _unit(described.name)
        yield f"| `{name}` | {described.type} | {unit} | {labels} | {described.documentation} |"


def _unit(name: str) -> str:
    """By Prometheus' convention the name ends with it."""
    return next((unit for unit in ("seconds", "bytes") if name.endswith(f"_{unit}")), "")


def _labels(family: Family, name: str) -> Iterator[tuple[str, str]]:
    """Each label with its values: those of series that are there already, else what bounds them."""
    (collected,) = family.collect()
    for label in family._labelnames:  # there is no public way to ask
        there = dict.fromkeys(sample.labels[label] for sample in collected.samples)
        yield label, ", ".join(f"`{value}`" for value in there) or _bound(name, label)


def _bound(name: str, label: str) -> str:
    """Raises KeyError for a label that nothing is known of."""
    is_of_server = name.startswith("parley_modelserver_")
    return {**(_OF_SERVER if is_of_server else {}), **_BOUNDS.get(name, {})}[label]


def main() -> int:
    text = page()
    if sys.argv[1:] == ["--check"]:
        if not OUTPUT.is_file() or OUTPUT.read_text(encoding="utf-8") != text:
            sys.stderr.write(
                f"{OUTPUT.name} is not what the code says: run {Path(__file__).name}\n"
            )
            return 1
        return 0
    OUTPUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
