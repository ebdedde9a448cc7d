"""An engine that recognises recordings only, used as a stream."""

from __future__ import annotations

import asyncio

import pytest
from livekit.agents import APIConnectOptions, stt
from livekit.plugins.chains.stt_batch import BatchSTT

from tests.fakes.audio import frames
from tests.fakes.coded_stt import RATE_HZ, CodedSTT, Kind, quiet, spoken

pytestmark = pytest.mark.virtual_time

FLUSH = b""


async def heard(engine: CodedSTT, *parts: bytes) -> list[stt.SpeechEvent]:
    stream = BatchSTT(engine).stream(conn_options=APIConnectOptions(max_retry=0))
    stream.start_time_offset = 100.0
    for part in parts:
        if part == FLUSH:
            stream.flush()
            await asyncio.sleep(1.0)
        for frame in frames(part, RATE_HZ):
            stream.push_frame(frame)
            await asyncio.sleep(0)
    stream.end_input()
    events = [event async for event in stream]
    await stream.aclose()
    return events


def texts(events: list[stt.SpeechEvent]) -> list[str]:
    return [e.alternatives[0].text for e in events if e.type is Kind.FINAL_TRANSCRIPT]


async def test_each_flush_has_a_final_of_what_was_said_since_the_last() -> None:
    engine = CodedSTT(streams=False)
    script = [quiet(1.0), spoken([1, 2]), quiet(0.3), FLUSH, spoken([3]), quiet(0.3), FLUSH]
    assert texts(await heard(engine, *script)) == ["1 2", "3"]


async def test_where_nobody_spoke_nobody_is_asked() -> None:
    engine = CodedSTT(streams=False)
    assert texts(await heard(engine, quiet(2.0), FLUSH, FLUSH, quiet(1.0))) == ["", ""]
    assert engine.log.recordings == 0


async def test_the_quiet_around_the_speech_is_not_sent_and_times_stay_right() -> None:
    engine = CodedSTT(streams=False)
    events = await heard(engine, quiet(5.0), spoken([1]), quiet(5.0))
    usage = [e.recognition_usage for e in events if e.recognition_usage]
    assert sum(it.audio_duration for it in usage) == pytest.approx(0.4 + 0.24 + 0.3, abs=0.1)
    (word,) = [e for e in events if e.type is Kind.FINAL_TRANSCRIPT][0].alternatives[0].words or []
    assert word.start_time == pytest.approx(105.0, abs=0.03)


async def test_without_a_flush_a_pause_after_twenty_seconds_is_enough() -> None:
    engine = CodedSTT(streams=False)
    events = await heard(engine, spoken([1] * 62), quiet(0.5), spoken([2]), quiet(0.3), FLUSH)
    assert texts(events) == [" ".join(["1"] * 62), "2"]


async def test_minutes_of_quiet_cost_nothing() -> None:
    engine = CodedSTT(streams=False)
    assert texts(await heard(engine, quiet(90.0), spoken([1]), quiet(0.3), FLUSH)) == ["1"]
    assert engine.log.recordings == 1
