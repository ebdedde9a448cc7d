"""A caller who says nothing costs nothing, and is still heard afterwards."""

import gc
import math

import psutil  # type: ignore[import-untyped]  # comes with livekit-agents
import pytest
from livekit import rtc
from livekit.agents import inference, stt, vad
from livekit.plugins import simulated

from agent.turns.detector import NoiseBedTurnDetector
from tests.fakes.audio import BED_DBFS
from tests.fakes.audio_io import Microphone
from tests.fakes.leaks import running_tasks
from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time

HOUR_S = 3600.0
SETTLING_S = 60.0
MAX_GROWTH_BYTES = 30_000_000
"""A sixth of the audio of an hour; livekit itself keeps every usage event for its report."""
PASSING = (rtc.AudioFrame, stt.SpeechEvent, vad.VADEvent)
"""What goes through a call and must not stay."""


def memory_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def count_kept() -> int:
    gc.collect()
    return sum(type(kept) in PASSING for kept in gc.get_objects())


@pytest.mark.timeout(120)
async def test_an_hour_of_silence_starts_nothing_and_keeps_nothing() -> None:
    microphone = Microphone(frame_s=0.25)  # an hour in seconds; a real one gives 20 ms
    async with conversation(brain=simulated.LLM(), microphone=microphone) as call:
        await call.until(SETTLING_S)
        tasks, kept, memory = running_tasks(), count_kept(), memory_bytes()
        await call.until(SETTLING_S + HOUR_S)
        assert len(running_tasks()) <= len(tasks)
        assert count_kept() - kept < 20
        assert memory_bytes() - memory < MAX_GROWTH_BYTES
        assert call.records == []
        assert call.loudspeaker.played == []
        assert call.spoken("user") == []
        call.say("are you still there")
        record = await call.record(1)
    assert (record.turn, record.outcome, record.faults) == (1, "answered", [])
    assert record.heard_chars == len(simulated.reply_text(1))


@pytest.mark.parametrize("bed_dbfs", [-math.inf, BED_DBFS])
async def test_the_voice_detector_takes_no_background_for_speech(bed_dbfs: float) -> None:
    async with conversation(
        brain=simulated.LLM(),
        activity=inference.VAD(),
        turn_detector=NoiseBedTurnDetector(),
        microphone=Microphone(bed_dbfs=bed_dbfs),
    ) as call:
        states: list[str] = []
        call.session.on("user_state_changed", lambda event: states.append(event.new_state))
        await call.until(20.0)
    assert "speaking" not in states
    assert call.records == []
    assert call.loudspeaker.played == []
