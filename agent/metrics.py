"""The agent's Prometheus metrics, all in one place.

Import this only after `PROMETHEUS_MULTIPROC_DIR` is set: the client library decides at import
whether job processes share their counts with the worker's `/metrics`. docs/metrics.md is made from
here by scripts/metrics_doc.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from agent.realtime.reports import REASONS
from agent.turn_record import Outcome, TurnRecord
from agent.turns.economy import Stage
from agent.turns.overlap import Move
from agent.turns.watchdog import Apology, State

LATENCY_BUCKETS_S = (
    0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0,
)  # fmt: skip
"""Fine where a pause begins to be felt (0.2–1 s)."""

_DURATION_BUCKETS_S = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_FLOOR_BUCKETS_DBFS = (-70, -65, -60, -55, -50, -45, -40, -35, -30, -25)
_GAP_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
_LAG_BUCKETS_S = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Of a loop that is well: below 10 ms. From 50 ms on the agent's sound may break."""

STAGES = {
    "end_of_turn": ("eot_s", "turn"),
    "stt_final": ("stt_final_s", "stt"),
    "llm_first_token": ("llm_first_s", "llm"),
    "first_clause": ("clause_s", "llm"),
    "tts_first_audio": ("tts_first_s", "tts"),
}
"""Values of the label `stage` of `STAGE`: the field of a TurnRecord, and whose engine it is."""

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
TAKEOVERS = Counter(
    "parley_realtime_takeovers_total",
    "Calls in which the cascade took over from a realtime model, by what the model did.",
    ["reason"],
)
STEPS = Counter(
    "parley_steps_total",
    "Steps to something cheaper because answers were late, and back.",
    ["stage", "direction"],
)
CALLS = Gauge("parley_calls", "Calls in progress.", multiprocess_mode="livesum")
DURATION = Histogram(
    "parley_call_duration_seconds",
    "From a call's beginning to its end.",
    buckets=_DURATION_BUCKETS_S,
)
MEMORY = Gauge(
    "parley_calls_resident_memory_bytes",
    "Resident memory of all processes with a call; what they share counts in each of them.",
    multiprocess_mode="livesum",
)
LARGEST = Gauge(
    "parley_call_resident_memory_max_bytes",
    "Resident memory of the largest process with a call.",
    multiprocess_mode="livemax",
)
LOOP_LAG = Histogram(
    "parley_event_loop_lag_seconds",
    "How late the event loop of a call ran a timer; there is one every 0.1 s.",
    buckets=_LAG_BUCKETS_S,
)
AUDIO_GAPS = Histogram(
    "parley_audio_gap_seconds",
    "Silences of 20 ms or more in the midst of the agent's speech, because its sound came too late.",
    buckets=_GAP_BUCKETS_S,
)
NOISE_FLOOR = Histogram(
    "parley_noise_floor_dbfs",
    "Levels of the noise at callers' microphones, estimated every 2 s where AGENT_NOISE is not off.",
    buckets=_FLOOR_BUCKETS_DBFS,
)
NOISE_FILTERED = Gauge(
    "parley_noise_filtered_calls",
    "Calls whose noise filter is on.",
    multiprocess_mode="livesum",
)
NOISE_SWITCHES = Counter(
    "parley_noise_switches_total", "Times AGENT_NOISE=auto switched the filter in a call.", ["to"]
)
FULL = Gauge(
    "parley_worker_full",
    "1 while the worker takes no further calls.",
    multiprocess_mode="livemax",
)
TRANSITIONS = Counter(
    "parley_worker_transitions_total", "Times the worker became full, or available again.", ["to"]
)


def _begin_at_zero(counter: Counter, *values: Iterable[str]) -> None:
    """Series that are there before the first event: `increase()` does not see a series' first value."""
    combinations: list[tuple[str, ...]] = [()]
    for of_label in values:
        combinations = [(*chosen, value) for chosen in combinations for value in of_label]
    for chosen in combinations:
        counter.labels(*chosen)


_begin_at_zero(TURNS, get_args(Outcome))
_begin_at_zero(SPECULATION, ("adopted", "dropped"))
_begin_at_zero(OVERLAPS, (Move.YIELD.value, Move.IGNORE.value, Move.RELEASE.value))
_begin_at_zero(FAULTS, (*get_args(Stage), "realtime"))
_begin_at_zero(TAKEOVERS, REASONS)
_begin_at_zero(STUCK, (state.value for state in State if state not in (State.IDLE, State.CALLER)))
_begin_at_zero(APOLOGIES, (kind.value for kind in Apology))
_begin_at_zero(RETURNS, ("kept", "lost"))
_begin_at_zero(STEPS, get_args(Stage), ("down", "up"))
_begin_at_zero(TRANSITIONS, ("full", "available"))
_begin_at_zero(NOISE_SWITCHES, ("on", "off"))


def observe_response(record: TurnRecord, profile: str) -> None:
    """Counts the latencies of a spoken turn; called when its first audio plays."""
    if record.speech_start_s is None:
        return
    for stage, (field, engine) in STAGES.items():
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


def observe_memory(resident_bytes: int) -> None:
    """Of this process, which has a call; 0 when it has none any more."""
    MEMORY.set(resident_bytes)
    LARGEST.set(resident_bytes)


def observe_full(*, is_full: bool) -> None:
    """Whether the worker takes no further calls; told as often as one likes, a change counts once."""
    (family,) = FULL.collect()
    if is_full != (family.samples[0].value == 1):
        TRANSITIONS.labels("full" if is_full else "available").inc()
    FULL.set(is_full)
