from __future__ import annotations

import asyncio
import time
from pathlib import Path

from prometheus_client import REGISTRY

from agent.vitals import Vitals, resident_bytes


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_step_that_keeps_the_loop_is_counted_as_late() -> None:
    vitals = Vitals()
    late_before = value("parley_event_loop_lag_seconds_count") - value(
        "parley_event_loop_lag_seconds_bucket", le="0.05"
    )
    vitals.begin()
    await asyncio.sleep(0.15)
    time.sleep(0.3)  # noqa: ASYNC251
    await asyncio.sleep(0.15)
    vitals.end()
    late = value("parley_event_loop_lag_seconds_count") - value(
        "parley_event_loop_lag_seconds_bucket", le="0.05"
    )
    assert late >= late_before + 1


async def test_a_call_and_its_memory_count_until_it_ends_and_then_its_length() -> None:
    calls, ended = value("parley_calls"), value("parley_call_duration_seconds_count")
    vitals = Vitals()
    vitals.begin()
    assert value("parley_calls") == calls + 1
    assert value("parley_calls_resident_memory_bytes") > 10e6
    assert value("parley_call_resident_memory_max_bytes") > 10e6
    vitals.end()
    vitals.end()
    assert value("parley_calls") == calls
    assert value("parley_calls_resident_memory_bytes") == 0
    assert value("parley_call_resident_memory_max_bytes") == 0
    assert value("parley_call_duration_seconds_count") == ended + 1


def test_memory_that_the_system_does_not_tell_is_none(tmp_path: Path) -> None:
    assert resident_bytes() > 10e6
    assert resident_bytes(tmp_path / "missing") == 0
