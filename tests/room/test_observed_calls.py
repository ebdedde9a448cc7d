"""A call seen from outside: its trace at a collector, its log lines, its figures in a terminal."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.collector import Collector, attributes, collector
from tests.room.conftest import Join
from tests.stack.caller import Caller
from tests.stack.processes import KEYS, LiveKit, Worker, running_worker
from tests.stack.speech import speech

SAID = "zanzibar"
"""A word that is nowhere but in what the caller says."""


@pytest.fixture(scope="module")
def taken() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.fixture(scope="module")
def observed(livekit: LiveKit, taken: Collector) -> Iterator[Worker]:
    own = {
        "AGENT_PROFILE": "simulated",
        "AGENT_NAME": "observed",
        "AGENT_LOG_FORMAT": "json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": taken.endpoint,
    }
    with running_worker(livekit.environment | own) as worker:
        yield worker


async def talk(caller: Caller) -> None:
    """A turn that is answered."""
    await asyncio.sleep(1.0)
    packet = json.dumps({"words": [["what", 0.0, 0.2], [SAID, 0.3, 0.9]]})
    await caller.room.local_participant.publish_data(
        packet, reliable=True, topic="parley.sim.words"
    )
    end_s = await caller.say(speech("What is the weather going to be like tomorrow?"))
    await caller.wait_for_answer(end_s)
    await caller.wait_for(lambda: caller.turns, "turn record")
    await caller.wait_for(lambda: SAID in caller.said("caller"), "the caller's words")


def log_lines(worker: Worker) -> list[dict[str, Any]]:
    return [json.loads(line) for line in worker.log.read_text().splitlines() if line[:1] == "{"]


async def test_a_call_can_be_followed_by_its_ids(
    observed: Worker, taken: Collector, join: Join
) -> None:
    caller = await join("observed", room="observed-room")
    await talk(caller)
    during = observed.metrics()
    assert "parley_calls 1.0" in during
    top = [sys.executable, "-m", "agent", "top", "--once", "--worker"]
    shown = await asyncio.to_thread(
        subprocess.run,
        [*top, f"127.0.0.1:{observed.metrics_port}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    assert "answered 1" in shown.stdout
    (row,) = [line.split() for line in shown.stdout.splitlines() if "observed-room" in line]
    assert row[3] == "1", "its one turn"
    assert row[-1] == "MB" and row[-3] in ("ms", "s")
    await caller.leave()
    await caller.wait_for(lambda: taken.spans("job_entrypoint"), "end of the trace", 30)

    lines = log_lines(observed)
    of_call = [line for line in lines if line.get("room") == "observed-room" and "turn" in line]
    (call,) = {line["call"] for line in of_call}
    assert call.startswith("AJ_")
    assert {line["turn"] for line in of_call} >= {0, 1}
    _check_log(observed, lines)
    _check_trace(taken, call)
    _check_metrics(observed.metrics())


def _check_log(worker: Worker, lines: list[dict[str, Any]]) -> None:
    assert not any(SAID in line["message"] for line in lines)
    assert not any(SAID in str(line) for line in lines if line["level"] != "debug")
    assert KEYS.api_secret not in worker.log.read_text()


def _check_trace(taken: Collector, call: str) -> None:
    spans = taken.spans()
    facts = [attributes(span) for span in spans]
    assert {fact["parley.call"] for fact in facts} == {call}
    assert {fact["parley.room"] for fact in facts} == {"observed-room"}
    assert len({span.trace_id for span in spans}) == 1
    for name in ("turn", "user_turn", "agent_turn", "llm_node", "tts_node"):
        turns = {attributes(span)["parley.turn"] for span in taken.spans(name)}
        assert 1 in turns, name
    (turn,) = taken.spans("turn")
    (job,) = taken.spans("job_entrypoint")
    assert turn.parent_span_id == job.span_id
    events = [event.name for event in turn.events]
    assert {"end_of_turn", "llm_first_token", "tts_first_audio", "playout"} <= set(events)
    assert attributes(turn)["parley.outcome"] == "answered"
    assert SAID not in str(spans)


def _check_metrics(figures: str) -> None:
    for series in (
        "parley_calls 0.0",
        "parley_calls_resident_memory_bytes 0.0",
        "parley_call_duration_seconds_count 1.0",
        'parley_turns_total{outcome="answered"} 1.0',
        'parley_worker_transitions_total{to="full"} 0.0',
        "lk_agents_worker_load",
        "process_resident_memory_bytes",
    ):
        assert series in figures
    (beats,) = [line for line in figures.splitlines() if "loop_lag_seconds_count" in line]
    assert float(beats.split()[-1]) > 10
