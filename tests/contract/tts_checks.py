"""The contract of a TTS. A check raises AssertionError when it is broken."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from livekit.agents import APIConnectOptions, APITimeoutError, tokenize, tts

from tests.contract.common_checks import (
    check_close_is_prompt,
    check_deadline,
    check_failure,
    check_loop_is_free,
    metrics_of,
)
from tests.fakes.audio import to_samples

TEXT = "Hello, this is a sentence. It is followed by another one, which is a little longer."
LONG_TEXT = " ".join(f"This is sentence number {number} of many." for number in range(40))
UNPRONOUNCEABLE = ("…", "🙂", "", "   ", "—")

_ONCE = APIConnectOptions(max_retry=0, timeout=10.0)
_EDGE = 1000
"""About -30 dBFS: a louder first or last sample is heard as a click."""
_LONGEST_SILENCE_S = 0.5


async def say(
    engine: tts.TTS[Any], text: str, conn_options: APIConnectOptions = _ONCE
) -> list[tts.SynthesizedAudio]:
    async with engine.synthesize(text, conn_options=conn_options) as stream:
        return [audio async for audio in stream]


async def say_streamed(
    engine: tts.TTS[Any], text: str, conn_options: APIConnectOptions = _ONCE
) -> list[tts.SynthesizedAudio]:
    """As a session does it: word by word, through an adapter where the engine needs one."""
    adapter = None if engine.capabilities.streaming else _adapter(engine)
    speaker = adapter or engine
    try:
        async with speaker.stream(conn_options=conn_options) as stream:
            for word in text.split(" "):
                stream.push_text(word + " ")
                await asyncio.sleep(0)
            stream.flush()
            stream.end_input()
            return [audio async for audio in stream]
    finally:
        if adapter is not None:
            await adapter.aclose()


def _adapter(engine: tts.TTS[Any]) -> tts.StreamAdapter:
    return tts.StreamAdapter(
        tts=engine, sentence_tokenizer=tokenize.blingfire.SentenceTokenizer(retain_format=True)
    )


async def check_speaks(engine: tts.TTS[Any]) -> None:
    """24 kHz mono int16 at the level of speech, in one segment, with clean edges."""
    for audio in (await say(engine, TEXT), await say_streamed(engine, TEXT)):
        _check_format(audio)
        _check_one_segment(audio)
        _check_sound(audio)


def _check_format(audio: list[tts.SynthesizedAudio]) -> None:
    assert audio, "no audio came"
    for piece in audio:
        assert piece.frame.sample_rate == 24_000
        assert piece.frame.num_channels == 1
        assert len(bytes(piece.frame.data)) == 2 * piece.frame.samples_per_channel


def _check_one_segment(audio: list[tts.SynthesizedAudio]) -> None:
    assert len({(piece.request_id, piece.segment_id) for piece in audio}) == 1
    assert audio[0].request_id
    assert [piece.is_final for piece in audio] == [False] * (len(audio) - 1) + [True]


def _check_sound(audio: list[tts.SynthesizedAudio]) -> None:
    samples = to_samples([piece.frame for piece in audio]).astype(float)
    assert len(samples) > 24_000, "less than a second of audio"
    level_dbfs = 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768)
    assert -35 < level_dbfs < -10, f"the level is {level_dbfs:.0f} dBFS"
    assert np.mean(np.abs(samples) >= 32767) < 1e-4, "the audio is clipped"
    first, last = abs(samples[0]), abs(samples[-1])
    assert max(first, last) < _EDGE, f"the audio begins at {first:.0f} and ends at {last:.0f}"
    _check_borders(audio, samples)


def _check_borders(audio: list[tts.SynthesizedAudio], samples: np.ndarray[Any, Any]) -> None:
    """Where frames meet there is no step that the sound itself does not have."""
    steps = np.abs(np.diff(samples))
    assert steps.max() < 20_000, "the audio has a click"
    ends = np.cumsum([piece.frame.samples_per_channel for piece in audio])[:-1]
    is_border = np.zeros(len(steps), dtype=bool)
    is_border[ends - 1] = True
    loudest = np.abs(samples).max()
    assert steps[is_border].max(initial=0) <= max(steps[~is_border].max(), loudest / 4)


async def check_unpronounceable_is_silence(engine: tts.TTS[Any]) -> None:
    errors: list[object] = []
    engine.on("error", errors.append)
    for text in UNPRONOUNCEABLE:
        for audio in (await say(engine, text), await say_streamed(engine, text)):
            samples = to_samples([piece.frame for piece in audio])
            assert len(samples) / 24_000 < _LONGEST_SILENCE_S, f"{text!r} lasts too long"
            assert not len(samples) or np.abs(samples.astype(int)).max() < 50, f"{text!r} is heard"
    engine.off("error", errors.append)
    assert not errors


async def check_metrics(engine: tts.TTS[Any]) -> None:
    """One TTSMetrics a request, with the time to the first audio and the lengths of both sides."""
    metrics = await metrics_of(engine, lambda: say(engine, TEXT))
    assert len(metrics) == 1, f"{len(metrics)} metrics"
    assert 0 <= metrics[0].ttfb <= metrics[0].duration
    assert metrics[0].characters_count == len(TEXT)
    assert metrics[0].audio_duration > 1
    assert metrics[0].metadata.model_name == engine.model
    assert metrics[0].metadata.model_provider == engine.provider
    streamed = await metrics_of(engine, lambda: say_streamed(engine, TEXT))
    assert streamed, "no metrics of a stream"
    assert all(metric.ttfb >= 0 for metric in streamed)
    assert sum(metric.audio_duration for metric in streamed) > 1


async def check_interruption(engine: tts.TTS[Any]) -> None:
    """Closing in the midst of a long text returns at once, and the engine is free again."""
    stream = engine.synthesize(LONG_TEXT, conn_options=_ONCE)
    await stream.__anext__()
    await check_close_is_prompt(stream)
    async with asyncio.timeout(2.0):
        _check_format(await say(engine, "Next."))


async def check_loop_stays_free(engine: tts.TTS[Any]) -> None:
    await say(engine, "Once.")  # what is loaded on first use is another matter
    await check_loop_is_free(say(engine, LONG_TEXT))
    await check_loop_is_free(say_streamed(engine, TEXT))


async def check_deadline_is_kept(slow_engine: tts.TTS[Any]) -> None:
    """For an engine that takes seconds to its first audio."""
    options = APIConnectOptions(max_retry=0, timeout=0.2)
    await check_deadline(say(slow_engine, TEXT, options), 0.2, APITimeoutError)


async def check_failure_is_reported(failing_engine: tts.TTS[Any]) -> None:
    """For an engine that raises at its next text, and only then."""
    await check_failure(failing_engine, say(failing_engine, TEXT))
    _check_format(await say(failing_engine, TEXT))


async def check_retry(failing_engine: tts.TTS[Any]) -> None:
    """For an engine that raises at its next text, and only then: the second attempt is heard."""
    options = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=5.0)
    _check_sound(await say(failing_engine, TEXT, options))
