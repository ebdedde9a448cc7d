"""The STT over a fake engine, where timing matters, and over the real one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APITimeoutError, stt
from livekit.plugins.pocketsphinx import STT
from livekit.plugins.speechcore import EngineBusy, EngineError, Transcript
from livekit.plugins.speechio import EngineRecognizeStream

from tests.fakes.audio import frames, noise, speech_like
from tests.fakes.engines import FakeRecogniser, FakeSession
from tests.stack.speech import speech

EventType = stt.SpeechEventType
ONCE = APIConnectOptions(max_retry=0, timeout=5.0)
RATE_HZ = 16_000


async def heard(
    engine: FakeRecogniser | None, pcm: bytes, rate_hz: int = RATE_HZ, *, flushes: int = 0
) -> list[stt.SpeechEvent]:
    """All events for a recording that is pushed at once."""
    recogniser = STT(engine=engine)
    stream = recogniser.stream(conn_options=ONCE)
    push(stream, pcm, rate_hz)
    for _ in range(flushes):
        stream.flush()
    stream.end_input()
    events = [event async for event in stream]
    await stream.aclose()
    await recogniser.aclose()
    return events


def push(
    stream: EngineRecognizeStream, pcm: bytes, rate_hz: int = RATE_HZ, channels: int = 1
) -> None:
    for frame in frames(pcm, rate_hz, num_channels=channels):
        stream.push_frame(frame)


def wait_until(is_true: Callable[[], bool]) -> None:
    """For what happens in another thread; the test's time-out is the deadline."""
    while not is_true():
        time.sleep(0.001)


def texts(events: list[stt.SpeechEvent], kind: stt.SpeechEventType) -> list[str]:
    return [event.alternatives[0].text for event in events if event.type == kind]


@pytest.fixture
async def fake() -> AsyncIterator[FakeRecogniser]:
    engine = FakeRecogniser()
    yield engine
    engine.released.set()


async def test_it_says_what_it_is_and_can(fake: FakeRecogniser) -> None:
    recogniser = STT(engine=fake)
    assert (recogniser.model, recogniser.provider) == ("fake-ear", "pocketsphinx")
    can = recogniser.capabilities
    assert can.streaming and can.interim_results and can.manual_flush and can.offline_recognize
    assert can.aligned_transcript == "word"


async def test_an_engine_that_was_given_is_not_closed(fake: FakeRecogniser) -> None:
    recogniser = STT(engine=fake)
    await recogniser.aclose()
    await recogniser.aclose()
    assert not fake.is_closed


async def test_flushing_twice_gives_one_final(fake: FakeRecogniser) -> None:
    events = await heard(fake, speech_like(2.0, [(0.5, 1.0)], RATE_HZ), flushes=3)
    assert texts(events, EventType.FINAL_TRANSCRIPT) == ["sound"]


async def test_a_flush_after_silence_answers_with_an_empty_final(fake: FakeRecogniser) -> None:
    events = await heard(fake, noise(1.0, -60.0, RATE_HZ), flushes=1)
    assert texts(events, EventType.FINAL_TRANSCRIPT) == [""]


async def test_without_any_audio_there_is_no_event(fake: FakeRecogniser) -> None:
    assert await heard(fake, b"", flushes=1) == []


async def test_words_that_nobody_flushes_become_final_in_the_quiet(fake: FakeRecogniser) -> None:
    events = await heard(fake, speech_like(12.0, [(0.5, 1.0)], RATE_HZ))
    finals = [event for event in events if event.type == EventType.FINAL_TRANSCRIPT]
    assert texts(finals, EventType.FINAL_TRANSCRIPT) == ["sound", ""]
    first = events.index(finals[0])
    assert EventType.RECOGNITION_USAGE in [event.type for event in events[first:]]


async def test_usage_is_told_every_few_seconds_and_adds_up(fake: FakeRecogniser) -> None:
    events = await heard(fake, noise(17.0, -60.0, RATE_HZ))
    used_s = [e.recognition_usage.audio_duration for e in events if e.recognition_usage]
    assert len(used_s) >= 4
    assert sum(used_s) == pytest.approx(17.0, abs=0.01)


async def test_a_stereo_microphone_is_heard_in_mono(fake: FakeRecogniser) -> None:
    recogniser = STT(engine=fake)
    stream = recogniser.stream(conn_options=ONCE)
    push(stream, speech_like(2.0, [(0.5, 1.0)], 48_000), 48_000, channels=2)
    stream.end_input()
    assert texts([event async for event in stream], EventType.FINAL_TRANSCRIPT) == ["sound"]
    await stream.aclose()


async def test_a_slow_step_misses_its_deadline(fake: FakeRecogniser) -> None:
    fake.step_s = 30.0
    recogniser = STT(engine=fake)
    stream = recogniser.stream(conn_options=APIConnectOptions(max_retry=0, timeout=0.1))
    push(stream, noise(0.5, -20.0, RATE_HZ))
    with pytest.raises(APITimeoutError):
        async for _ in stream:
            pass
    await stream.aclose()


async def test_closing_in_mid_step_returns_at_once_and_closes_the_session(
    fake: FakeRecogniser,
) -> None:
    fake.step_s = 30.0
    stream = STT(engine=fake).stream(conn_options=ONCE)
    push(stream, noise(0.5, -20.0, RATE_HZ))
    await asyncio.to_thread(wait_until, lambda: fake.open_sessions == 1)
    async with asyncio.timeout(1.0):
        await stream.aclose()
    fake.released.set()
    await asyncio.to_thread(wait_until, lambda: fake.open_sessions == 0)


@pytest.mark.parametrize(
    ("error", "retryable"), [(EngineError("broken"), True), (EngineBusy("full"), False)]
)
async def test_what_the_engine_raises_becomes_an_api_error(
    fake: FakeRecogniser, error: EngineError, retryable: bool
) -> None:
    fake.errors.append(error)
    stream = STT(engine=fake).stream(conn_options=ONCE)
    push(stream, noise(0.5, -20.0, RATE_HZ))
    with pytest.raises(APIConnectionError) as raised:
        async for _ in stream:
            pass
    assert raised.value.retryable is retryable
    await stream.aclose()


async def test_other_languages_are_refused_before_anything_is_loaded(fake: FakeRecogniser) -> None:
    with pytest.raises(EngineError, match="English only"):
        STT(language="de")
    recogniser = STT(engine=fake)
    with pytest.raises(EngineError, match="English only"):
        recogniser.stream(language="fr")
    with pytest.raises(APIConnectionError, match="English only"):
        await recogniser.recognize([], language="fr", conn_options=ONCE)
    assert fake.steps_made == fake.open_sessions == 0


class FickleRecogniser(FakeRecogniser):
    """Takes its words back when it gets quiet: they were a noise."""

    def open(self, *, language: str | None = None) -> FakeSession:
        self.open_sessions += 1
        return FickleSession(self)


class FickleSession(FakeSession):
    def accept(self, pcm: bytes) -> Transcript:
        transcript = super().accept(pcm)
        return Transcript() if transcript.is_settled else transcript

    def finish(self) -> Transcript:
        super().finish()
        return Transcript()


async def test_an_interim_that_was_a_noise_is_taken_back() -> None:
    pcm = speech_like(2.0, [(0.0, 1.0)], RATE_HZ)
    events = await heard(FickleRecogniser(), pcm)
    assert texts(events, EventType.INTERIM_TRANSCRIPT) == ["sound", ""]
    assert texts(events, EventType.FINAL_TRANSCRIPT) == [""]


async def test_a_sentence_goes_from_interims_over_a_preflight_to_the_same_final() -> None:
    said = speech("what is the weather like today").tobytes()
    pcm = noise(0.5, -60.0, 48_000) + said + noise(0.5, -60.0, 48_000)
    events = await heard(None, pcm, 48_000, flushes=1)
    (final,) = texts(events, EventType.FINAL_TRANSCRIPT)
    assert texts(events, EventType.PREFLIGHT_TRANSCRIPT) == [final]
    assert len(texts(events, EventType.INTERIM_TRANSCRIPT)) >= 2
    assert {"weather", "like", "today"} <= set(final.split())
    (data,) = [e.alternatives[0] for e in events if e.type == EventType.FINAL_TRANSCRIPT]
    assert data.start_time == pytest.approx(0.5, abs=0.15)
    assert data.end_time == pytest.approx(0.5 + len(said) / 96_000, abs=0.15)
    assert data.language == "en"


async def test_a_prewarmed_engine_recognises_a_recording() -> None:
    recogniser = STT()
    recogniser.prewarm()
    pcm = noise(0.3, -60.0, 48_000) + speech("stop the timer").tobytes()
    event = await recogniser.recognize(list(frames(pcm, 48_000, num_channels=2)), conn_options=ONCE)
    assert event.alternatives[0].text == "Stop the timer"
    await recogniser.aclose()
