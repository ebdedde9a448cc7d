import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APITimeoutError, stt
from livekit.plugins.simulated import STT
from livekit.plugins.speechcore import Word

from tests.fakes.audio import frames, speech_like
from tests.fakes.virtual_time import run_virtual

RATE_HZ = 24_000
FRAME_MS = 10
WORDS = (Word("my", 0.10, 0.30), Word("name", 0.30, 0.60))
EventType = stt.SpeechEventType


@dataclass
class Noted:
    time_s: float
    event: stt.SpeechEvent

    @property
    def line(self) -> tuple[object, EventType, str]:
        time_s = pytest.approx(self.time_s, abs=0.016)
        return (time_s, self.event.type, self.event.alternatives[0].text)


class Caller:
    """Speaks into a stream in real time, as virtual as it may be."""

    def __init__(self, engine: STT, offset_s: float = 0.0) -> None:
        self.stream = engine.stream(conn_options=APIConnectOptions(max_retry=0, timeout=1.0))
        self.stream.start_time_offset = offset_s
        self.noted: list[Noted] = []
        self._begun_s = asyncio.get_running_loop().time()
        self._noting = asyncio.create_task(self._note())

    async def _note(self) -> None:
        async for event in self.stream:
            time_s = asyncio.get_running_loop().time() - self._begun_s
            self.noted.append(Noted(time_s, event))

    async def say(self, total_s: float, spans: Sequence[tuple[float, float]] = ()) -> None:
        for frame in frames(speech_like(total_s, spans, RATE_HZ), RATE_HZ, frame_ms=FRAME_MS):
            await asyncio.sleep(FRAME_MS / 1000)
            self.stream.push_frame(frame)

    async def hang_up(self) -> list[tuple[object, EventType, str]]:
        self.stream.end_input()
        await self._noting
        await self.stream.aclose()
        return [noted.line for noted in self.noted if noted.event.alternatives]

    @property
    def usage_s(self) -> list[float]:
        usages = [noted.event.recognition_usage for noted in self.noted]
        return [usage.audio_duration for usage in usages if usage is not None]


def test_a_spoken_utterance_gives_its_words_at_their_times() -> None:
    async def main() -> list[tuple[object, EventType, str]]:
        engine = STT(delay_s=0.08)
        caller = Caller(engine)
        await caller.say(1.0)
        engine.expect_words(WORDS)
        await caller.say(1.5, [(0.0, 0.5)])
        return await caller.hang_up()

    assert run_virtual(main()) == [
        (1.28, EventType.INTERIM_TRANSCRIPT, "my"),
        (1.58, EventType.INTERIM_TRANSCRIPT, "my name"),
        (1.62, EventType.PREFLIGHT_TRANSCRIPT, "my name"),
        (1.70, EventType.FINAL_TRANSCRIPT, "my name"),
        (2.58, EventType.FINAL_TRANSCRIPT, ""),  # the end of the input asks for one
    ]


def test_what_is_due_comes_also_when_the_microphone_is_muted() -> None:
    async def main() -> list[tuple[object, EventType, str]]:
        engine = STT()
        engine.expect_words(WORDS)
        caller = Caller(engine)
        await caller.say(0.63, [(0.0, 0.5)])
        await asyncio.sleep(5)
        return await caller.hang_up()

    assert (0.70, EventType.FINAL_TRANSCRIPT, "my name") in run_virtual(main())


def test_a_flush_is_answered_the_delay_later() -> None:
    async def main() -> list[tuple[object, EventType, str]]:
        engine = STT()
        engine.expect_words(WORDS)
        caller = Caller(engine)
        await caller.say(0.35, [(0.0, 0.35)])
        caller.stream.flush()
        await asyncio.sleep(1)
        return await caller.hang_up()

    assert (0.43, EventType.FINAL_TRANSCRIPT, "my") in run_virtual(main())


def test_words_carry_their_times_on_the_call_and_their_language() -> None:
    async def main() -> stt.SpeechData:
        engine = STT()
        caller = Caller(engine, offset_s=100.0)
        engine.expect_words(WORDS)
        await caller.say(1.0, [(0.2, 0.7)])
        await caller.hang_up()
        finals = [n.event for n in caller.noted if n.event.type == EventType.FINAL_TRANSCRIPT]
        return finals[0].alternatives[0]

    data = run_virtual(main())
    assert (data.language, data.text) == ("en", "my name")
    assert (data.start_time, data.end_time) == pytest.approx((100.2, 100.7), abs=0.02)
    assert [str(word) for word in data.words or []] == ["my", "name"]
    assert data.words and data.words[1].start_time == pytest.approx(100.4, abs=0.02)


def test_an_announcement_outlives_the_stream_it_was_made_in() -> None:
    async def main() -> list[tuple[object, EventType, str]]:
        engine = STT()
        engine.expect_words(WORDS)
        await Caller(engine).hang_up()
        caller = Caller(engine)
        await caller.say(1.0, [(0.0, 0.5)])
        return await caller.hang_up()

    assert "my name" in [line[2] for line in run_virtual(main())]


def test_usage_comes_every_few_seconds_and_adds_up() -> None:
    async def main() -> list[float]:
        caller = Caller(STT())
        await caller.say(12.0)
        await caller.hang_up()
        return caller.usage_s

    usage_s = run_virtual(main())
    assert len(usage_s) == 3
    assert sum(usage_s) == pytest.approx(12.0)


def test_ten_minutes_of_silence_say_nothing() -> None:
    async def main() -> list[tuple[object, EventType, str]]:
        caller = Caller(STT())
        silence = rtc.AudioFrame(b"\0\0" * RATE_HZ, RATE_HZ, 1, RATE_HZ)
        for _ in range(600):
            await asyncio.sleep(1)
            caller.stream.push_frame(silence)
        return await caller.hang_up()

    assert [line[1:] for line in run_virtual(main())] == [(EventType.FINAL_TRANSCRIPT, "")]


def test_a_whole_recording_is_recognised_at_once() -> None:
    async def main() -> tuple[str, float]:
        engine = STT()
        engine.expect_words(WORDS)
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        event = await engine.recognize(
            list(frames(speech_like(1.0, [(0.2, 0.7)], RATE_HZ), RATE_HZ, num_channels=2))
        )
        return event.alternatives[0].text, loop.time() - begun_s

    text, took_s = run_virtual(main())
    assert text == "my name"
    assert took_s == pytest.approx(0.08)


def test_a_delay_over_the_deadline_is_a_time_out() -> None:
    async def main() -> float:
        caller = Caller(STT(delay_s=5.0))
        await caller.say(0.5)
        caller.stream.flush()
        flushed_s = asyncio.get_running_loop().time()
        with pytest.raises(APITimeoutError):
            await caller._noting
        await caller.stream.aclose()
        return asyncio.get_running_loop().time() - flushed_s

    assert run_virtual(main()) == pytest.approx(1.0)
