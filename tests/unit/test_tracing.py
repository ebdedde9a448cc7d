from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest
from livekit.agents.telemetry import set_tracer_provider, tracer
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent.call_ids import CallIds
from agent.ports import free_port
from agent.tracing import start_tracing, trace_turn, tracer_provider
from agent.turn_record import TurnRecord
from tests.fakes.collector import attributes, collector
from tests.unit.test_call_ids import Counted

ZERO_S = 1_700_000_000.0
RECORD = TurnRecord(
    call="blue", turn=2, outcome="answered", speech_start_s=-1.5, eot_s=0.3, words_final_s=-0.1, stt_final_s=0.1, speculated="adopted",
    llm_first_s=0.2, clause_s=0.25, tts_first_s=0.3, playout_s=0.35, heard_chars=17, engines={"stt": "ears"}, faults=["llm"],
)  # fmt: skip


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Gets the spans that livekit's tracer makes, when its provider ends."""
    exporter = InMemorySpanExporter()
    ids = CallIds(lambda: ("AJ_1", "blue"))
    ids.turns = Counted(1)
    provider = tracer_provider(exporter, ids)
    set_tracer_provider(provider, allow_pii=False)
    yield exporter
    provider.shutdown()
    tracer.set_provider(trace.NoOpTracerProvider())


def finished(exporter: InMemorySpanExporter) -> dict[str, dict[str, object]]:
    """The attributes of the spans, by their names."""
    tracer._tracer_provider.force_flush()  # type: ignore[attr-defined]
    return {span.name: dict(span.attributes or {}) for span in exporter.get_finished_spans()}


def test_every_span_has_the_ids_of_its_call_and_speech_those_of_the_turn_to_come(
    exporter: InMemorySpanExporter,
) -> None:
    for name in ("llm_node", "user_turn"):
        tracer.start_span(name).end()
    spans = finished(exporter)
    assert spans["llm_node"] == {"parley.call": "AJ_1", "parley.room": "blue", "parley.turn": 1}
    assert spans["user_turn"]["parley.turn"] == 2


def test_what_is_said_is_not_exported(exporter: InMemorySpanExporter) -> None:
    said = {"lk.pii.user_transcript": "my number is 7", "gen_ai.input.messages": "my number is 7"}
    tracer.start_span("user_turn", attributes={**said, "lk.interrupted": True}).end()
    span = finished(exporter)["user_turn"]
    assert "number" not in str(span)
    assert span["lk.interrupted"] is True


def test_a_turn_is_a_span_with_an_event_for_each_of_its_times(
    exporter: InMemorySpanExporter,
) -> None:
    trace_turn(RECORD, ZERO_S, Context())
    spans = finished(exporter)
    assert spans["turn"]["parley.turn"] == 2
    assert spans["turn"]["parley.outcome"] == "answered"
    assert spans["turn"]["parley.engine.stt"] == "ears"
    assert spans["turn"]["parley.faults"] == ("llm",)
    (span,) = exporter.get_finished_spans()
    assert span.start_time == int((ZERO_S - 1.5) * 1e9)
    times = {event.name: event.timestamp / 1e9 - ZERO_S for event in span.events}
    assert times["words_final"] == pytest.approx(-0.1, abs=1e-5)
    assert times["playout"] == pytest.approx(0.35, abs=1e-5)
    assert len(times) == 7


def test_times_that_are_not_known_are_no_events(exporter: InMemorySpanExporter) -> None:
    trace_turn(TurnRecord(call="blue", turn=1, outcome="failed", eot_s=0.0), ZERO_S, Context())
    finished(exporter)
    (span,) = exporter.get_finished_spans()
    assert [event.name for event in span.events] == ["end_of_turn"]


def _job(endpoint: str) -> None:
    """What a job's process does."""
    ids = CallIds(lambda: ("AJ_1", "blue"))
    start_tracing(endpoint, ids)
    tracer.start_span("job_entrypoint", attributes={"lk.pii.room_name": "blue"}).end()


def run_job(endpoint: str) -> int | None:
    process = multiprocessing.get_context("spawn").Process(target=_job, args=(endpoint,))
    process.start()
    process.join(60)
    return process.exitcode


@pytest.mark.timeout(90)
def test_the_spans_of_a_process_are_at_the_collector_when_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    with collector() as taken:
        assert run_job(taken.endpoint + "/") == 0
    (span,) = taken.spans()
    assert span.name == "job_entrypoint"
    assert attributes(span) == {"parley.call": "AJ_1", "parley.room": "blue", "parley.turn": 0}
    assert {key.lower(): value for key, value in taken.headers[0].items()}[
        "authorization"
    ] == "Bearer abc"
    (resource,) = taken.requests[0].resource_spans
    named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert named["service.name"] == "parley-worker"


@pytest.mark.timeout(90)
def test_a_collector_that_is_not_there_keeps_no_process_from_ending() -> None:
    assert run_job(f"http://127.0.0.1:{free_port()}") == 0
