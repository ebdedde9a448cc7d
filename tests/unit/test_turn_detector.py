from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import LanguageCode, inference
from livekit.agents.voice.turn import _StreamingTurnDetector, _StreamingTurnDetectorStream

from agent.turns.detector import NoiseBedTurnDetector
from agent.turns.noise_bed import NoiseBed
from tests.fakes.audio import frames
from tests.stack.caller import RATE_HZ
from tests.stack.speech import speech

ENGLISH = LanguageCode("en")
FRAME_BYTES = 2 * RATE_HZ // 50
SILENCE_S = 0.3


def question(silence_s: float = SILENCE_S) -> bytes:
    """A spoken question and then digital silence, in whole frames of 20 ms."""
    silence = np.zeros(round(silence_s * RATE_HZ), dtype=np.int16)
    pcm = bytes(np.concatenate([speech("what time is it now"), silence]).tobytes())
    return pcm[len(pcm) % FRAME_BYTES :]


async def probability(detector: Any, pcm: bytes) -> float:
    stream = detector.stream()
    try:
        for frame in frames(pcm, RATE_HZ, frame_ms=20):
            stream.push_audio(frame)
        await asyncio.sleep(0.05)  # the stream takes what was pushed in a task of its own
        prediction = await asyncio.wait_for(stream.predict(), 10)
    finally:
        await stream.aclose()
    return float(prediction.end_of_turn_probability)


async def test_it_is_what_livekit_takes_for_a_streaming_turn_detector() -> None:
    detector = NoiseBedTurnDetector()
    assert isinstance(detector, _StreamingTurnDetector)
    stream = detector.stream()
    assert isinstance(stream, _StreamingTurnDetectorStream)
    await stream.aclose()


async def test_the_local_model_is_pinned_also_in_development(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("LIVEKIT_DEV_MODE", "1"),
        ("LIVEKIT_API_KEY", "key"),
        ("LIVEKIT_API_SECRET", "secret"),
    ):
        monkeypatch.setenv(name, value)
    stream = NoiseBedTurnDetector().stream()
    assert (stream.model, stream.is_fallback) == ("turn-detector-v1-mini", False)
    assert await stream.supports_language(ENGLISH)
    assert await stream.unlikely_threshold(ENGLISH) is not None
    assert await stream.backchannel_threshold(ENGLISH) is None
    assert stream.prediction_timeout > 0
    await stream.aclose()


async def test_the_model_hears_the_audio_with_the_noise_bed_under_it() -> None:
    pcm = question(silence_s=0.1)
    stock = inference.TurnDetector(version="v1-mini")
    heard = await probability(NoiseBedTurnDetector(seed=3), pcm)
    noisy = NoiseBed(np.random.default_rng(3)).add(pcm)
    assert heard == pytest.approx(await probability(stock, noisy), abs=0.02)
    assert heard != pytest.approx(await probability(stock, pcm), abs=0.02)


async def test_the_callers_own_frames_stay_as_they_are() -> None:
    stream = NoiseBedTurnDetector().stream()
    frame = rtc.AudioFrame(bytes(FRAME_BYTES), RATE_HZ, 1, FRAME_BYTES // 2)
    stream.push_audio(frame)
    assert bytes(frame.data) == bytes(FRAME_BYTES)
    await stream.aclose()


async def test_a_question_that_is_taken_back_has_no_answer() -> None:
    stream = NoiseBedTurnDetector().stream()
    stream.push_audio(next(frames(question(), RATE_HZ, frame_ms=20)))
    prediction = stream.predict()
    stream.cancel_inference()
    await asyncio.wait([prediction], timeout=10)
    assert prediction.done()
    stream.flush("test")
    stream.end_input()
    await stream.aclose()
