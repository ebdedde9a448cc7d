"""Pages of metrics as a worker and a model server write them, by prometheus_client itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from agent.metrics import LATENCY_BUCKETS_S


def worker_page(
    *,
    start_s: float = 1.0,
    calls: int = 0,
    responses_s: tuple[float, ...] = (),
    failed: int = 0,
    open_breaker: str = "",
    is_full: bool = False,
) -> str:
    registry = CollectorRegistry()
    Gauge("process_start_time_seconds", "", registry=registry).set(start_s)
    Gauge("process_resident_memory_bytes", "", registry=registry).set(200e6)
    Gauge("parley_calls_resident_memory_bytes", "", registry=registry).set(400e6 * calls)
    Gauge("parley_calls", "", registry=registry).set(calls)
    Gauge("parley_worker_full", "", registry=registry).set(is_full)
    turns = Counter("parley_turns_total", "", ["outcome"], registry=registry)
    turns.labels("answered").inc(len(responses_s))
    turns.labels("failed").inc(failed)
    faults = Counter("parley_engine_faults_total", "", ["stage"], registry=registry)
    faults.labels("llm").inc(failed)
    faults.labels("stt")
    response = Histogram(
        "parley_turn_response_seconds",
        "",
        ["profile"],
        buckets=LATENCY_BUCKETS_S,
        registry=registry,
    )
    for response_s in responses_s:
        response.labels("local").observe(response_s)
    if open_breaker:
        breakers = Gauge("parley_breaker_open", "", ["engine"], registry=registry)
        breakers.labels(open_breaker).set(1)
        breakers.labels("llm:well").set(0)
    return generate_latest(registry).decode()
