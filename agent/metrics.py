"""The agent's Prometheus metrics, all in one place.

Import this only after `PROMETHEUS_MULTIPROC_DIR` is set: the client library decides at import
whether job processes share their counts with the worker's `/metrics`.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram, multiprocess

from agent.turn_record import TurnRecord

LATENCY_BUCKETS_S = (
    0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0,
)  # fmt: skip
"""Fine where a pause begins to be felt (0.2–1 s)."""

STAGE = Histogram(
    "parley_turn_stage_seconds",
    "From the end of the user's speech to each stage of the answer; early stages count as 0.",
    ["stage", "engine"],
    buckets=LATENCY_BUCKETS_S,
)
RESPONSE = Histogram(
    "parley_turn_response_seconds",
    "From the end of the user's speech to the agent's first audio in the room.",
    ["profile"],
    buckets=LATENCY_BUCKETS_S,
)
TURNS = Counter("parley_turns_total", "Turns by how they ended.", ["outcome"])
SPECULATION = Counter(
    "parley_speculations_total", "Answers begun before the end of the turn.", ["result"]
)
OVERLAPS = Counter(
    "parley_overlaps_total",
    "Sounds of the caller over the agent, by what was decided.",
    ["decision"],
)
SPECULATIONS_DROPPED = Counter(
    "parley_speculations_dropped_total", "Answers begun and thrown away before the turn's end."
)
FAULTS = Counter("parley_engine_faults_total", "Engine failures that a call has seen.", ["stage"])
SWITCHES = Counter(
    "parley_engine_switches_total",
    "Engines that failed in the midst of their work, and which one went on.",
    ["stage", "source", "to"],
)
HEDGES = Counter(
    "parley_hedges_total", "Requests that two engines were asked.", ["stage", "winner"]
)
HEDGED_TOKENS = Counter(
    "parley_hedge_wasted_tokens_total", "Tokens of the slower of two engines, thrown away."
)
BREAKERS = Gauge(
    "parley_breaker_open",
    "1 while an engine is left alone after its faults.",
    ["engine"],
    multiprocess_mode="mostrecent",
)
STUCK = Counter(
    "parley_stuck_total", "States without progress that the watchdog has ended.", ["state"]
)
APOLOGIES = Counter("parley_apologies_total", "Apologies to callers, by their kind.", ["kind"])
RETURNS = Counter(
    "parley_returns_total",
    "Agents that came back into a call after a fault; what was said before is kept or lost.",
    ["conversation"],
)
STEPS = Counter(
    "parley_steps_total",
    "Steps to something cheaper because answers were late, and back.",
    ["stage", "direction"],
)
CALLS = Gauge("parley_calls", "Calls in progress.", multiprocess_mode="livesum")

_STAGES = {
    "end_of_turn": ("eot_s", "turn"),
    "stt_final": ("stt_final_s", "stt"),
    "llm_first_token": ("llm_first_s", "llm"),
    "first_clause": ("clause_s", "llm"),
    "tts_first_audio": ("tts_first_s", "tts"),
}


def observe_response(record: TurnRecord, profile: str) -> None:
    """Counts the latencies of a spoken turn; called when its first audio plays."""
    if record.speech_start_s is None:
        return
    for stage, (field, engine) in _STAGES.items():
        value = getattr(record, field)
        if value is not None:
            STAGE.labels(stage, record.engines.get(engine, "none")).observe(max(0.0, value))
    if record.playout_s is not None:
        RESPONSE.labels(profile).observe(max(0.0, record.playout_s))


def observe_outcome(record: TurnRecord) -> None:
    """Counts how a turn ended; called once a turn, at its end."""
    TURNS.labels(record.outcome or "failed").inc()
    if record.speculated in ("adopted", "dropped"):
        SPECULATION.labels(record.speculated).inc()


def forget_dead_processes() -> None:
    """Stops counting the calls of processes that could not say that theirs has ended."""
    folder = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""))
    for path in folder.glob("gauge_livesum_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
