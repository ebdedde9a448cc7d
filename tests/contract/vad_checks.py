"""The contract of a VAD. A check raises AssertionError when it is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import vad

from tests.contract.common_checks import check_close_is_prompt, check_loop_is_free, metrics_of
from tests.fakes.audio import BED_DBFS, frames, noise, speech_like, to_samples
from tests.stack.caller import RATE_HZ, resample
from tests.stack.speech import speech

RATES_HZ = (8_000, 16_000, 24_000, 48_000)
EventType = vad.VADEventType

BEFORE_S = 0.8
AFTER_S = 0.8
LEAST_MIN_SILENCE_S = 0.25
"""With less livekit refuses to start with a turn detector."""

_EDGE_S = 0.12
"""How exactly a VAD must know where speech began and ended."""

_FRAME_MS = 10


@dataclass(frozen=True)
class Voice:
    """One utterance that a VAD is to notice."""

    pcm: Callable[[int], bytes]
    """Mono PCM at the rate asked for, without quiet around it."""


@cache
def _flite(rate_hz: int) -> bytes:
    pcm: bytes = resample(speech("what time is it now"), RATE_HZ, rate_hz).tobytes()
    return pcm


SPOKEN = Voice(_flite)
LOUD = Voice(lambda rate_hz: speech_like(0.9, ((0.0, 0.9),), rate_hz))


def duration_s(pcm: bytes, rate_hz: int) -> float:
    return len(pcm) / 2 / rate_hz


def sentence(voice: Voice, rate_hz: int, *, after_s: float = AFTER_S) -> bytes:
    """The utterance in a quiet room."""
    words = np.frombuffer(voice.pcm(rate_hz), dtype=np.int16).astype(np.int32)
    room = noise(BEFORE_S + len(words) / rate_hz + after_s, BED_DBFS, rate_hz)
    samples = np.frombuffer(room, dtype=np.int16).astype(np.int32)
    begin = round(BEFORE_S * rate_hz)
    samples[begin : begin + len(words)] += words
    pcm: bytes = np.clip(samples, -32768, 32767).astype(np.int16).tobytes()
    return pcm


def push(stream: vad.VADStream, pcm: bytes, rate_hz: int, num_channels: int = 1) -> None:
    for frame in frames(pcm, rate_hz, num_channels=num_channels, frame_ms=_FRAME_MS):
        stream.push_frame(frame)


async def rest(stream: vad.VADStream) -> list[vad.VADEvent]:
    """Ends the input and waits for what is still to come."""
    stream.end_input()
    try:
        async with asyncio.timeout(10):
            return [event async for event in stream]
    finally:
        await stream.aclose()


async def hear(
    detector: vad.VAD, pcm: bytes, rate_hz: int = 24_000, num_channels: int = 1
) -> list[vad.VADEvent]:
    stream = detector.stream()
    push(stream, pcm, rate_hz, num_channels)
    return await rest(stream)


def of(events: list[vad.VADEvent], *kinds: vad.VADEventType) -> list[vad.VADEvent]:
    return [event for event in events if event.type in kinds]


def edges(events: list[vad.VADEvent]) -> list[vad.VADEvent]:
    return of(events, EventType.START_OF_SPEECH, EventType.END_OF_SPEECH)


def check_identity(detector: vad.VAD) -> None:
    """Model and provider label metrics; a turn detector wants to know the least silence."""
    for name in (detector.model, detector.provider):
        assert name and name != "unknown", f"{type(detector)} does not say who it is"
    assert 0.005 <= detector.capabilities.update_interval <= 0.1
    least_s = getattr(detector, "min_silence_duration", 0.0)
    assert least_s >= LEAST_MIN_SILENCE_S, f"a silence of {least_s} s ends speech"


async def check_windows(detector: vad.VAD, rate_hz: int, num_channels: int, voice: Voice) -> None:
    """An INFERENCE_DONE for each window, at the promised pace, that holds the sound of it."""
    pcm = sentence(voice, rate_hz)
    windows = of(await hear(detector, pcm, rate_hz, num_channels), EventType.INFERENCE_DONE)
    window_s = detector.capabilities.update_interval
    expected = duration_s(pcm, rate_hz) / window_s
    assert expected - 2 <= len(windows) <= expected, f"{len(windows)} windows, not {expected:.0f}"
    assert all(0 <= event.probability <= 1 for event in windows), "a probability out of 0..1"
    assert all(0 <= event.inference_duration < 0.5 for event in windows)
    times_s = [event.timestamp for event in windows]
    assert times_s == pytest.approx([window_s * (i + 1) for i in range(len(windows))], abs=1e-3)
    heard = [frame for event in windows for frame in event.frames]
    assert {(frame.sample_rate, frame.num_channels) for frame in heard} == {(rate_hz, 1)}
    samples = to_samples(heard)
    assert (samples == np.frombuffer(pcm, dtype=np.int16)[: len(samples)]).all(), "another sound"


async def check_speech(detector: vad.VAD, voice: Voice, rate_hz: int = 24_000) -> None:
    """One utterance starts and ends once, and the durations say when, counted from now."""
    pcm = sentence(voice, rate_hz)
    events = await hear(detector, pcm, rate_hz)
    kinds = [event.type for event in edges(events)]
    assert kinds == [EventType.START_OF_SPEECH, EventType.END_OF_SPEECH], f"told {kinds}"
    start, end = edges(events)
    began_s, ended_s = BEFORE_S, BEFORE_S + duration_s(voice.pcm(rate_hz), rate_hz)
    _check_near("speech began", start.timestamp - start.speech_duration, began_s)
    _check_near("speech ended", end.timestamp - end.silence_duration, ended_s)
    _check_near("speech lasted", end.speech_duration, ended_s - began_s)
    _check_states(events)
    _check_speech_frames(end, pcm, rate_hz, began_s, ended_s)


def _check_near(what: str, found_s: float, true_s: float) -> None:
    # A word may begin and end softly, and some models smooth: twice as much in one direction.
    assert -_EDGE_S < found_s - true_s < 2 * _EDGE_S, f"{what}: {found_s:.2f} s, not {true_s:.2f}"


def _check_states(events: list[vad.VADEvent]) -> None:
    """`speaking` between START and END only; what interrupts, and what asks the turn detector."""
    start, end = edges(events)
    longest_speech_s = longest_silence_s = 0.0
    for event in of(events, EventType.INFERENCE_DONE):
        if event.timestamp != start.timestamp and event.timestamp != end.timestamp:
            is_between = start.timestamp < event.timestamp < end.timestamp
            assert event.speaking == is_between, f"speaking at {event.timestamp:.2f} s"
        assert not (event.raw_accumulated_speech and event.raw_accumulated_silence)
        if event.speaking:
            longest_speech_s = max(longest_speech_s, event.speech_duration)
            longest_silence_s = max(longest_silence_s, event.raw_accumulated_silence)
        elif event.timestamp < start.timestamp:
            assert event.speech_duration == 0, "a duration of speech in silence"
    assert longest_speech_s >= 0.5, "no interruption would be noticed"
    assert longest_silence_s >= 0.2, "no turn detector would be asked"
    last = of(events, EventType.INFERENCE_DONE)[-1]
    told_s = end.silence_duration + last.timestamp - end.timestamp
    assert last.silence_duration == pytest.approx(told_s, abs=0.05), "silence does not go on"


def _check_speech_frames(
    end: vad.VADEvent, pcm: bytes, rate_hz: int, began_s: float, ended_s: float
) -> None:
    """END_OF_SPEECH has the whole utterance and what led up to it, at the rate it came in."""
    samples = to_samples(end.frames)
    assert {frame.sample_rate for frame in end.frames} == {rate_hz}, "resampled speech"
    until = round(end.timestamp * rate_hz)
    first = until - len(samples)
    assert first <= (began_s - 0.1) * rate_hz, "the beginning is cut off"
    assert until >= ended_s * rate_hz, "the end is cut off"
    whole = np.frombuffer(pcm, dtype=np.int16)[first:until]
    assert len(whole) == len(samples) and (whole == samples).all(), "another sound"


async def check_flush(detector: vad.VAD, voice: Voice) -> None:
    """A flush in the midst of speech forgets it: no END, and what follows is speech of its own."""
    rate_hz = 24_000
    pcm = sentence(voice, rate_hz)
    half = round((BEFORE_S + 0.5) * rate_hz) * 2
    stream = detector.stream()
    push(stream, pcm[:half], rate_hz)
    stream.flush()
    push(stream, pcm, rate_hz)
    events = await rest(stream)
    kinds = [event.type for event in edges(events)]
    start, end = EventType.START_OF_SPEECH, EventType.END_OF_SPEECH
    assert kinds == [start, start, end], f"told {kinds}"
    second, last = edges(events)[1:]
    assert second.speech_duration < 0.3, "speech goes on over a flush"
    longest_s = duration_s(pcm, rate_hz)
    assert sum(frame.duration for frame in last.frames) < longest_s, "sound from before the flush"


async def check_nothing_said(detector: vad.VAD) -> None:
    """No audio, digital silence and the noise of a room are no speech, and end without an error."""
    assert await hear(detector, b"") == []
    for level_dbfs in (float("-inf"), BED_DBFS):
        events = await hear(detector, noise(3.0, level_dbfs, 24_000))
        assert not edges(events), f"speech in noise of {level_dbfs} dBFS"
        assert not any(event.speaking for event in events)
        silences_s = [event.silence_duration for event in events]
        assert silences_s == sorted(silences_s), "silence does not grow"


async def check_streams_are_apart(detector: vad.VAD, voice: Voice) -> None:
    """Two callers at once: what one says is not heard of the other."""
    rate_hz = 24_000
    pcm = sentence(voice, rate_hz)
    talking, silent = detector.stream(), detector.stream()
    room = list(frames(noise(duration_s(pcm, rate_hz), BED_DBFS, rate_hz), rate_hz, frame_ms=10))
    for spoken, quiet in zip(frames(pcm, rate_hz, frame_ms=10), room, strict=False):
        talking.push_frame(spoken)
        silent.push_frame(quiet)
    heard, unheard = await asyncio.gather(rest(talking), rest(silent))
    assert len(edges(heard)) == 2
    assert not edges(unheard), "one caller's speech is heard of another"


async def check_metrics(detector: vad.VAD, voice: Voice) -> None:
    """VADMetrics about once a second."""
    metrics = await metrics_of(detector, lambda: hear(detector, sentence(voice, 24_000) * 2))
    assert metrics, "no metrics"
    assert sum(metric.inference_count for metric in metrics) > 0
    assert {metric.metadata.model_name for metric in metrics} == {detector.model}
    assert {metric.metadata.model_provider for metric in metrics} == {detector.provider}


async def check_loop_stays_free(detector: vad.VAD, voice: Voice) -> None:
    """Nor do ten seconds of sound that come at once keep the event loop."""
    pcm = (sentence(voice, 48_000) * 10)[: 10 * 48_000 * 2]
    await hear(detector, sentence(voice, 48_000), 48_000)  # what is loaded on first use is another

    async def all_at_once() -> None:
        stream = detector.stream()
        stream.push_frame(rtc.AudioFrame(pcm, 48_000, 1, len(pcm) // 2))
        await rest(stream)

    await check_loop_is_free(all_at_once())


async def check_close(detector: vad.VAD, voice: Voice) -> None:
    stream = detector.stream()
    push(stream, sentence(voice, 24_000), 24_000)
    await asyncio.sleep(0.01)
    await check_close_is_prompt(stream)


async def check_failure_is_no_speech(failing: vad.VAD) -> None:
    """For a VAD whose model raises at each window: detection goes on, and takes it for silence."""
    pcm = noise(1.0, BED_DBFS, 24_000)
    stream = failing.stream()
    push(stream, pcm, 24_000)
    try:
        events = await rest(stream)
    except Exception as e:
        raise AssertionError(f"{type(e).__name__} ends detection for the rest of the call") from e
    windows = of(events, EventType.INFERENCE_DONE)
    assert len(windows) >= 1.0 / failing.capabilities.update_interval - 2, "windows are missing"
    assert not any(event.probability or event.speaking for event in windows)
