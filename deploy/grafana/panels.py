"""What the dashboard shows: rows of panels, each with its queries. Data only; make.py draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WORKERS = '{job="parley-worker"}'
WINDOW = "$__rate_interval"


@dataclass(frozen=True)
class Query:
    """An expression of PromQL and the name of what it gives."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One chart, or one number."""

    title: str
    unit: str
    """In Grafana's words: s, percentunit, short, reqps."""
    queries: tuple[Query, ...]
    kind: Literal["lines", "stack", "number"] = "lines"
    description: str = ""
    warn_above: float | None = None
    """A number beyond it is red."""


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


def quantile(share: float, histogram: str, by: str = "") -> str:
    """The quantile of a histogram over the window; `by`: further labels to keep, with commas."""
    labels = f"le, {by}" if by else "le"
    rate = f"rate({histogram}_bucket[{WINDOW}])"
    return f"histogram_quantile({share}, sum by ({labels}) ({rate}))"


def rate(counter: str, by: str) -> Query:
    """How often a second, by `by`."""
    return Query(f"sum by ({by}) (rate({counter}[{WINDOW}]))", f"{{{{{by}}}}}")


def share(part: str, whole: str, legend: str = "") -> Query:
    """Of two counters over the window; nothing while the whole does not move."""
    parts, wholes = (f"sum(increase({counter}[{WINDOW}]))" for counter in (part, whole))
    return Query(f"{parts} / ({wholes} > 0)", legend)


def one(title: str, unit: str, expr: str, warn_above: float | None = None) -> Panel:
    return Panel(title, unit, (Query(expr),), "number", warn_above=warn_above)


RESPONSE = "parley_turn_response_seconds"
STAGE = "parley_turn_stage_seconds"
WAIT = "parley_modelserver_wait_seconds"
RUN = "parley_modelserver_run_seconds"
LOAD = f"max by (instance) (lk_agents_worker_load{WORKERS})"

ROWS = (
    Row(
        "Now",
        (
            one("Calls", "short", "sum(parley_calls)"),
            one("Workers", "short", f"sum(up{WORKERS})"),
            one("Load of the fullest worker", "percentunit", f"max({LOAD})", warn_above=0.7),
            one("Response, p50", "s", quantile(0.5, RESPONSE)),
            one("Response, p95", "s", quantile(0.95, RESPONSE), warn_above=1.5),
            Panel(
                "Turns without an answer",
                "percentunit",
                (
                    share(
                        'parley_turns_total{outcome="failed"}',
                        'parley_turns_total{outcome!="ignored"}',
                    ),
                ),
                "number",
                warn_above=0.02,
            ),
        ),
    ),
    Row(
        "Calls and answers",
        (
            Panel("Calls by worker", "short", (Query("parley_calls", "{{instance}}"),), "stack"),
            Panel("Load by worker", "percentunit", (Query(LOAD, "{{instance}}"),), description="A worker is full at 70 %."),
            Panel("Workers that are full", "short", (Query("max by (instance) (parley_worker_full)", "{{instance}}"),)),
            Panel("Became full, or available again", "reqps", (rate("parley_worker_transitions_total", "to"),)),
            Panel("Length of calls", "s", tuple(Query(quantile(q, "parley_call_duration_seconds"), f"p{q * 100:g}") for q in (0.5, 0.95))),
            Panel(
                "Response time",
                "s",
                tuple(Query(quantile(q, RESPONSE), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
                description="From the end of the caller's speech to the agent's first audio.",
            ),
            Panel("Response time by profile, p95", "s", (Query(quantile(0.95, RESPONSE, "profile"), "{{profile}}"),)),
            Panel("Turns by outcome", "reqps", (rate("parley_turns_total", "outcome"),), "stack"),
            Panel("The caller over the agent, by decision", "reqps", (rate("parley_overlaps_total", "decision"),), "stack"),
        ),
    ),
    Row(
        "Stages",
        (
            Panel(
                "Stages, p50",
                "s",
                (Query(quantile(0.5, STAGE, "stage"), "{{stage}}"),),
                description="From the end of the caller's speech; what was ready before counts as 0.",
            ),
            Panel("Stages, p95", "s", (Query(quantile(0.95, STAGE, "stage"), "{{stage}}"),)),
            Panel("Stages by engine, p95", "s", (Query(quantile(0.95, STAGE, "stage, engine"), "{{stage}} {{engine}}"),)),
            Panel(
                "Answers begun early that were used",
                "percentunit",
                (share('parley_speculations_total{result="adopted"}', "parley_speculations_total", "used"),),
            ),
            Panel("Answers begun early and thrown away", "reqps", (Query(f"sum(rate(parley_speculations_dropped_total[{WINDOW}]))", "thrown away"),)),
        ),
    ),
    Row(
        "Faults",
        (
            Panel("Engine failures by stage", "reqps", (rate("parley_engine_faults_total", "stage"),)),
            Panel("Breakers open", "short", (Query("max by (engine) (parley_breaker_open)", "{{engine}}"),)),
            Panel(
                "Engines that another one followed",
                "reqps",
                (Query(f"sum by (stage, source, to) (rate(parley_engine_switches_total[{WINDOW}]))", "{{stage}}: {{source}} → {{to}}"),),
            ),
            Panel("Two engines asked, by the quicker", "reqps", (rate("parley_hedges_total", "winner"),)),
            Panel("Tokens of the slower, thrown away", "short", (Query(f"sum(rate(parley_hedge_wasted_tokens_total[{WINDOW}]))", "a second"),)),
            Panel("Steps to something cheaper, and back", "reqps", (rate("parley_steps_total", "direction"),)),
            Panel("Apologies", "reqps", (rate("parley_apologies_total", "kind"),)),
            Panel("Stuck states ended", "reqps", (rate("parley_stuck_total", "state"),)),
            Panel("Cascades that took over from a realtime model", "reqps", (rate("parley_realtime_takeovers_total", "reason"),)),
            Panel("Agents that came back", "reqps", (rate("parley_returns_total", "conversation"),)),
        ),
    ),
    Row(
        "Model server",
        (
            Panel(
                "Callers, of the capacity",
                "percentunit",
                (Query("max by (instance, engine) (parley_modelserver_sessions / (parley_modelserver_capacity > 0))", "{{engine}} {{instance}}"),),
            ),
            Panel("Refused", "reqps", (rate("parley_modelserver_refused_total", "reason"),)),
            Panel("Wait for a step, p95", "s", (Query(quantile(0.95, WAIT, "engine, kind"), "{{engine}} {{kind}}"),)),
            Panel("A step, p95", "s", (Query(quantile(0.95, RUN, "engine, kind"), "{{engine}} {{kind}}"),)),
            Panel("Steps that wait", "short", (Query("sum by (lane, kind) (parley_modelserver_queue)", "{{lane}} {{kind}}"),)),
            Panel(
                "Steps made together, mean",
                "short",
                (
                    Query(
                        f"sum by (engine) (rate(parley_modelserver_batch_size_sum[{WINDOW}]))"
                        f" / sum by (engine) (rate(parley_modelserver_batch_size_count[{WINDOW}]))",
                        "{{engine}}",
                    ),
                ),
            ),
            Panel("Work for a second of sound", "s", (Query("max by (instance, engine) (parley_modelserver_rtf)", "{{engine}} {{instance}}"),)),
            Panel(
                "Interims overtaken, texts given up",
                "reqps",
                (
                    Query(f"sum by (engine) (rate(parley_modelserver_partials_skipped_total[{WINDOW}]))", "overtaken, {{engine}}"),
                    Query(f"sum by (engine) (rate(parley_modelserver_cancelled_total[{WINDOW}]))", "given up, {{engine}}"),
                ),
            ),
            Panel("Lanes that hang", "short", (Query("max by (instance, lane) (parley_modelserver_stuck)", "{{lane}} {{instance}}"),)),
            Panel("Sessions ended by an error", "reqps", (rate("parley_modelserver_faults_total", "engine"),)),
            Panel("Connections dropped", "reqps", (rate("parley_modelserver_connections_dropped_total", "reason"),)),
            Panel("Connections", "short", (Query("sum by (instance) (parley_modelserver_connections)", "{{instance}}"),)),
        ),
    ),
    Row(
        "Sound, event loops, memory",
        (
            Panel(
                "Gaps in the agent's speech",
                "reqps",
                (Query(f"sum by (instance) (rate(parley_audio_gap_seconds_count[{WINDOW}]))", "{{instance}}"),),
                description="Silences of 20 ms or more in its midst: the sound came too late.",
            ),
            Panel("Their length, p95", "s", (Query(quantile(0.95, "parley_audio_gap_seconds", "instance"), "{{instance}}"),)),
            Panel(
                "Lateness of event loops, p99",
                "s",
                (Query(quantile(0.99, "parley_event_loop_lag_seconds", "instance"), "{{instance}}"),),
                description="Of the calls of a worker. From 0.05 s on their sound may break.",
            ),
            Panel(
                "Microphones in noise",
                "percentunit",
                (
                    Query(
                        f'1 - sum(increase(parley_noise_floor_dbfs_bucket{{le="-45.0"}}[{WINDOW}]))'
                        f" / (sum(increase(parley_noise_floor_dbfs_count[{WINDOW}])) > 0)",
                        "over -45 dBFS",
                    ),
                ),
                description="Of the estimates, those of a noise over -45 dBFS. Only where AGENT_NOISE is not off.",
            ),
            Panel(
                "Noise filters that are on",
                "short",
                (Query("sum by (instance) (parley_noise_filtered_calls)", "{{instance}}"),),
            ),
            Panel("Noise filters switched", "reqps", (rate("parley_noise_switches_total", "to"),)),
            Panel("Memory of all calls", "bytes", (Query("sum by (instance) (parley_calls_resident_memory_bytes)", "{{instance}}"),)),
            Panel(
                "Memory of a call, mean",
                "bytes",
                (Query("sum(parley_calls_resident_memory_bytes) / (sum(parley_calls) > 0)", "mean"),),
                description="What processes share, such as a model, counts in each of them.",
            ),
            Panel("Memory of the largest call", "bytes", (Query("max by (instance) (parley_call_resident_memory_max_bytes)", "{{instance}}"),)),
        ),
    ),
    Row(
        "Processes and rooms",
        (
            Panel("Processes by worker", "short", (Query(f"max by (instance) (lk_agents_child_process_count{WORKERS})", "{{instance}}"),)),
            Panel("Making a process ready, p95", "s", (Query(quantile(0.95, "lk_agents_proc_initialize_duration_seconds"), "p95"),)),
            Panel("Rooms by LiveKit node", "short", (Query('sum by (instance) (livekit_room_total{job="livekit"})', "{{instance}}"),)),
            Panel("Participants by LiveKit node", "short", (Query('sum by (instance) (livekit_participant_total{job="livekit"})', "{{instance}}"),)),
        ),
    ),
)  # fmt: skip
