import asyncio
import threading
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, Plugin
from livekit.agents.metrics import TTSMetrics
from livekit.plugins import espeak
from livekit.plugins.speechcore import EngineError

SENTENCE = "It is a quarter past seven, and the weather is fine."
LONG = "This sentence is one of very many that follow each other. " * 60
ONCE = APIConnectOptions(max_retry=0, timeout=5)


@pytest.fixture
async def tts() -> AsyncIterator[espeak.TTS]:
    tts = espeak.TTS()
    yield tts
    await tts.aclose()


async def speak(tts: espeak.TTS, text: str) -> np.ndarray:
    async with tts.synthesize(text, conn_options=ONCE) as stream:
        pcm = b"".join([bytes(event.frame.data) async for event in stream])
    return np.frombuffer(pcm, dtype=np.int16).astype(np.int32)


async def test_it_says_who_it_is(tts: espeak.TTS) -> None:
    assert (tts.provider, tts.model) == ("espeak", "espeak-ng")
    assert (tts.sample_rate, tts.num_channels) == (24_000, 1)
    assert "livekit.plugins.espeak" in [plugin.package for plugin in Plugin.registered_plugins]


async def test_a_sentence_is_speech_with_clean_edges(tts: espeak.TTS) -> None:
    samples = await speak(tts, SENTENCE)
    assert 2.5 < len(samples) / 24_000 < 5
    assert abs(samples[0]) < 50 and abs(samples[-1]) < 50
    assert np.abs(samples[: 24 * 20]).max() > 104, "sound within 20 ms"
    assert np.abs(samples).max() < 32767


async def test_there_is_no_click_at_the_borders_of_frames(tts: espeak.TTS) -> None:
    async with tts.synthesize(SENTENCE, conn_options=ONCE) as stream:
        frames = [np.frombuffer(e.frame.data, np.int16).astype(np.int32) async for e in stream]
    inside = max(int(np.abs(np.diff(frame)).max()) for frame in frames if len(frame) > 1)
    borders = [abs(int(b[0]) - int(a[-1])) for a, b in zip(frames, frames[1:], strict=False)]
    assert max(borders) <= inside


async def test_first_audio_comes_at_once(tts: espeak.TTS) -> None:
    await speak(tts, "Hello.")
    metrics: list[TTSMetrics] = []
    tts.on("metrics_collected", metrics.append)
    await speak(tts, SENTENCE)
    assert 0 < metrics[0].ttfb < 0.5
    assert metrics[0].characters_count == len(SENTENCE)


@pytest.mark.parametrize("text", ["…", "\U0001f600"])
async def test_text_without_sound_is_a_short_silence(tts: espeak.TTS, text: str) -> None:
    samples = await speak(tts, text)
    assert 0 < len(samples) <= 2400
    assert not samples.any()


async def test_three_sentences_at_once_are_all_whole(tts: espeak.TTS) -> None:
    alone = len(await speak(tts, SENTENCE))
    together = await asyncio.gather(*(speak(tts, SENTENCE) for _ in range(3)))
    assert [len(samples) for samples in together] == [pytest.approx(alone, rel=0.02)] * 3


async def test_an_interruption_stops_the_reading_at_once(tts: espeak.TTS) -> None:
    stream = tts.synthesize(LONG, conn_options=ONCE)
    await anext(stream)
    started_s = time.perf_counter()
    await stream.aclose()
    assert time.perf_counter() - started_s < 0.2
    assert len(await speak(tts, "Hello.")) > 4800
    names = [thread.name for thread in threading.enumerate()]
    assert "espeak-reading" not in names


async def test_the_loop_is_never_held_up(tts: espeak.TTS) -> None:
    await speak(tts, "Hello.")
    reading = asyncio.create_task(speak(tts, SENTENCE))
    longest_s = 0.0
    while not reading.done():
        before_s = time.perf_counter()
        await asyncio.sleep(0.001)
        longest_s = max(longest_s, time.perf_counter() - before_s)
    await reading
    assert longest_s < 0.05


async def test_a_new_voice_holds_for_the_next_text(tts: espeak.TTS) -> None:
    tts.update_options(voice="de")
    assert tts.options.voice == "de"
    german = len(await speak(tts, "21"))
    tts.update_options(espeak.EspeakOptions(rate_wpm=300))
    assert (tts.options.voice, tts.options.rate_wpm) == ("en-us", 300)
    assert len(await speak(tts, "21")) < german


async def test_an_unknown_voice_is_refused_and_the_old_one_kept(tts: espeak.TTS) -> None:
    with pytest.raises(EngineError, match="no voice 'klingonese'"):
        tts.update_options(voice="klingonese")
    assert tts.options.voice == "en-us"
    with pytest.raises(EngineError, match="no voice"):
        espeak.TTS(voice="klingonese")


async def test_an_engine_error_becomes_an_api_error(tts: espeak.TTS) -> None:
    tts.update_options(voice="fo")
    with pytest.raises(APIConnectionError, match="mute"):
        await speak(tts, "hello")


async def test_closing_twice_is_fine_and_leaves_no_thread() -> None:
    tts = espeak.TTS(voice="en-gb")
    await speak(tts, "Hello.")
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("espeak-tts")]
    await tts.aclose()
    await tts.aclose()
    for thread in mine:
        thread.join(2)
    assert not any(thread.is_alive() for thread in mine)
