"""Traces of calls, by OpenTelemetry, to a collector that the settings name."""

from __future__ import annotations

import os
import threading
from multiprocessing.util import Finalize

from livekit.agents.telemetry import set_tracer_provider, tracer
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from agent import __version__
from agent.call_ids import CallIds
from agent.turn_record import TurnRecord

_LAST_SPANS_S = 3.0
"""How long the end of a process waits for a collector."""

_OF_CALLER = ("user_turn", "user_speaking")
"""livekit's spans that begin with the caller's speech: the turn that is to come."""

_EVENTS = {
    "words_final_s": "words_final",
    "eot_s": "end_of_turn",
    "stt_final_s": "stt_final",
    "llm_first_s": "llm_first_token",
    "clause_s": "first_clause",
    "tts_first_s": "tts_first_audio",
    "playout_s": "playout",
}
"""Fields of a TurnRecord, and what its span calls them."""


def start_tracing(endpoint: str, ids: CallIds) -> None:
    """Sends livekit's spans and ours, of this process and from now on, to a collector at `endpoint`.

    OTLP over HTTP; OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME and the like are the exporter's own.
    What callers and agents say is left out.
    """
    provider = tracer_provider(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces"), ids)
    set_tracer_provider(provider, allow_pii=False)
    # atexit is not for processes that multiprocessing has started.
    Finalize(None, _end, args=(provider,), exitpriority=1)


def tracer_provider(exporter: SpanExporter, ids: CallIds) -> TracerProvider:
    """Gives each span the ids of its call; a thread of its own exports them."""
    service = os.environ.get("OTEL_SERVICE_NAME", "parley-worker")
    resource = Resource.create({SERVICE_NAME: service, SERVICE_VERSION: __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(_WithIds(ids))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def trace_turn(record: TurnRecord, zero_s: float, parent: Context) -> None:
    """A span of the turn, with an event for each of its times. `zero_s`: the record's zero, seconds
    since 1970."""
    times = [(name, getattr(record, field)) for field, name in _EVENTS.items()]
    known = {name: at_s for name, at_s in times if at_s is not None}
    first_s = min([record.speech_start_s or 0.0, *known.values()])
    span = tracer.start_span(
        "turn",
        context=parent,
        start_time=_nanoseconds(zero_s + first_s),
        attributes={
            "parley.turn": record.turn,
            "parley.outcome": record.outcome or "failed",
            "parley.speculated": record.speculated or "none",
            "parley.heard_chars": record.heard_chars or 0,
            "parley.faults": record.faults,
            **{f"parley.engine.{stage}": name for stage, name in record.engines.items()},
        },
    )
    for name, at_s in known.items():
        span.add_event(name, timestamp=_nanoseconds(zero_s + at_s))
    span.end()


class _WithIds(SpanProcessor):
    """`parley.call`, `parley.room` and `parley.turn` of each span, as on the log lines."""

    def __init__(self, ids: CallIds) -> None:
        self._ids = ids

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        ids = {f"parley.{name}": value for name, value in self._ids.fields().items()}
        if self._ids.turns is not None and span.name in _OF_CALLER:
            ids["parley.turn"] = self._ids.turns.next_turn()
        span.set_attributes(ids | dict(span.attributes or {}))


def _end(provider: TracerProvider) -> None:
    """Exports what is left; a collector that does not answer must not keep the process."""
    ending = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
    ending.start()
    ending.join(_LAST_SPANS_S)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
