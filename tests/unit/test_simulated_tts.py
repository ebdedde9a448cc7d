import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APITimeoutError, tts
from livekit.plugins.simulated import TTS, reply_text
from livekit.plugins.simulated.reply import split_tokens

from tests.fakes.audio import to_samples
from tests.fakes.virtual_time import run_virtual

RATE_HZ = 24_000
# The steepest step of the highest tone (860 Hz at -20 dBFS), and a little more.
LARGEST_STEP = 1200


@dataclass
class Speech:
    frames: list[rtc.AudioFrame] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    @property
    def duration_s(self) -> float:
        return sum(frame.duration for frame in self.frames)

    @property
    def tone_hz(self) -> float:
        samples = to_samples(self.frames).astype(float)
        spectrum = np.abs(np.fft.rfft(samples, n=RATE_HZ * 4))
        return float(np.argmax(spectrum) / 4)


async def _collect(stream: AsyncIterator[tts.SynthesizedAudio]) -> Speech:
    loop, speech = asyncio.get_running_loop(), Speech()
    begun_s = loop.time()
    async for audio in stream:
        speech.frames.append(audio.frame)
        speech.times_s.append(loop.time() - begun_s)
    return speech


def say(engine: TTS, text: str) -> Speech:
    async def main() -> Speech:
        async with engine.synthesize(text) as stream:
            return await _collect(stream)

    return run_virtual(main())


def stream(
    engine: TTS, tokens: Sequence[str], *, gap_s: float = 0.02, timeout_s: float = 10
) -> Speech:
    async def main() -> Speech:
        options = APIConnectOptions(max_retry=0, timeout=timeout_s)
        async with engine.stream(conn_options=options) as speech, asyncio.TaskGroup() as tasks:

            async def push() -> None:
                for token in tokens:
                    speech.push_text(token)
                    await asyncio.sleep(gap_s)
                speech.end_input()

            tasks.create_task(push())
            return await _collect(speech)

    try:
        return run_virtual(main())
    except* Exception as group:
        raise group.exceptions[0] from None


@pytest.mark.parametrize("number", [0, 3, 7, 8, 13])
def test_the_tone_tells_the_reply(number: int) -> None:
    expected_hz = 440 + 60 * (number % 8)
    assert say(TTS(), reply_text(number)).tone_hz == pytest.approx(expected_hz, abs=1)
    assert stream(TTS(), split_tokens(reply_text(number))).tone_hz == pytest.approx(
        expected_hz, abs=1
    )


@pytest.mark.parametrize("reply_s", [1.8, 9.0])
def test_a_whole_reply_lasts_as_long_as_set_however_it_is_cut(reply_s: float) -> None:
    text = reply_text(2)
    sentences = [sentence.strip() + "." for sentence in text.rstrip(".").split(".")]
    assert say(TTS(reply_s=reply_s), text).duration_s == pytest.approx(reply_s, abs=0.001)
    assert stream(TTS(reply_s=reply_s), split_tokens(text)).duration_s == pytest.approx(
        reply_s, abs=0.001
    )
    engine = TTS(reply_s=reply_s)
    clauses_s = [say(engine, sentence).duration_s for sentence in sentences]
    assert sum(clauses_s) == pytest.approx(reply_s, abs=0.001)
    shares = [len(sentence.replace(" ", "")) for sentence in sentences]
    expected_s = [reply_s * share / sum(shares) for share in shares]
    assert clauses_s == pytest.approx(expected_s, abs=0.001)


def test_first_audio_comes_the_delay_after_the_first_text() -> None:
    assert say(TTS(delay_s=0.07), reply_text(1)).times_s[0] == pytest.approx(0.07)
    speech = stream(TTS(delay_s=0.07), split_tokens(reply_text(1)))
    assert speech.times_s[0] == pytest.approx(0.07)


def test_audio_is_made_faster_than_it_is_played() -> None:
    speech = stream(TTS(reply_s=9.0), split_tokens(reply_text(1)))
    played_s = 0.0
    for frame, time_s in zip(speech.frames, speech.times_s, strict=True):
        assert time_s <= 0.07 + played_s + 1e-6
        played_s += frame.duration


def test_a_greeting_is_spoken_at_fifteen_characters_a_second() -> None:
    speech = say(TTS(), "Hello, how are you today?")
    assert speech.duration_s == pytest.approx(21 / 15, abs=0.001)
    assert speech.tone_hz == pytest.approx(440, abs=1)


@pytest.mark.parametrize("text", ["…", "🙂", "", "   "])
def test_text_without_a_sound_is_a_moment_of_silence(text: str) -> None:
    speech = say(TTS(), text)
    assert speech.duration_s == pytest.approx(0.02)
    assert not to_samples(speech.frames).any()


def test_a_stream_without_text_ends_without_audio() -> None:
    assert stream(TTS(), []).frames == []
    assert not to_samples(stream(TTS(), ["…"]).frames).any()


def test_a_tone_has_clean_edges_and_no_steps() -> None:
    for speech in (say(TTS(), reply_text(7)), stream(TTS(), split_tokens(reply_text(7)))):
        samples = to_samples(speech.frames).astype(int)
        assert abs(samples[0]) < 100 and abs(samples[-1]) < 100
        assert np.max(np.abs(np.diff(samples))) < LARGEST_STEP


def test_text_slower_than_speech_leaves_clean_gaps() -> None:
    speech = stream(TTS(), split_tokens(reply_text(7)), gap_s=0.5)
    samples = to_samples(speech.frames).astype(int)
    assert np.max(np.abs(np.diff(samples))) < LARGEST_STEP
    assert speech.duration_s == pytest.approx(1.8, abs=0.011)
    ends = [abs(int(to_samples([frame])[-1])) for frame in speech.frames]
    gaps = [
        end
        for end, before_s, after_s in zip(ends, speech.times_s, speech.times_s[1:], strict=False)
        if after_s - before_s > 0.3
    ]
    assert gaps and max(gaps) < 100


def test_a_delay_over_the_deadline_is_a_time_out() -> None:
    with pytest.raises(APITimeoutError):
        stream(TTS(delay_s=5), ["Hello."], timeout_s=0.1)
