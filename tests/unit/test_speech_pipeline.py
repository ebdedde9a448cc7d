"""ClauseTTS as a session uses it: what is heard, in which order, and what an interruption leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, tts
from livekit.plugins import simulated

from agent.speech import ClauseTTS, clause_tts
from tests.fakes.leaks import running_tasks
from tests.fakes.listener import listen
from tests.fakes.paced_tts import RATE_HZ, Pace, PacedTTS

pytestmark = pytest.mark.virtual_time

TEXT = (
    "Sure. The museum is open every day but Monday, from ten in the morning until six in the "
    "evening, and costs nothing for children. If you come by train, walk down the hill, cross the "
    "square and turn left at the church. There is a small cafe on the corner. The cake is good."
)


def words(texts: list[str]) -> list[str]:
    return " ".join(texts).split()


@pytest.mark.parametrize("is_parallel", [False, True])
@pytest.mark.parametrize("tokens_per_s", [0, 20])
async def test_all_of_the_text_is_heard_in_order(is_parallel: bool, tokens_per_s: float) -> None:
    engine = PacedTTS(Pace(is_parallel=is_parallel))
    heard = await listen(ClauseTTS(engine), TEXT, tokens_per_s=tokens_per_s)
    assert len(engine.texts) > 3
    assert engine.texts_heard(heard.pcm) == engine.texts
    assert words(engine.texts) == TEXT.split()


async def test_a_clause_that_is_ready_early_still_waits_for_its_turn() -> None:
    engine = PacedTTS(Pace(is_parallel=True, rtf=0.3))
    heard = await listen(ClauseTTS(engine), f"{'Very long words here ' * 8}first. Short. End.")
    assert engine.texts_heard(heard.pcm) == engine.texts


async def test_at_most_three_clauses_are_made_at_once() -> None:
    engine = PacedTTS(Pace(is_parallel=True, rtf=0.01, overhead_s=1.0))
    await listen(ClauseTTS(engine), TEXT * 4)
    assert engine.most_running == 3


async def test_a_slow_engine_is_given_one_clause_at_a_time_once_it_is_known() -> None:
    engine = PacedTTS(Pace(rtf=0.9))
    speaker = ClauseTTS(engine)
    await listen(speaker, TEXT)
    engine.most_running = 0
    await listen(speaker, TEXT)
    assert engine.most_running == 1


async def test_the_first_word_sounds_while_the_rest_is_still_being_written() -> None:
    engine = PacedTTS(Pace(rtf=0.1))
    heard = await listen(ClauseTTS(engine), TEXT, tokens_per_s=20)
    assert heard.first_s is not None and heard.first_s < 0.3
    assert engine.texts[0] == "Sure."


async def test_without_punctuation_it_does_not_wait_for_the_end() -> None:
    heard = await listen(ClauseTTS(PacedTTS()), "word " * 100, tokens_per_s=20)
    assert heard.first_s is not None and heard.first_s < 2


async def test_when_the_text_stalls_what_is_there_is_said() -> None:
    engine = PacedTTS(Pace(rtf=0.5, step_s=None))
    speaker = ClauseTTS(engine)
    await listen(speaker, TEXT)  # now it plans long first clauses
    async with speaker.stream() as stream:
        stream.push_text("One moment. I am")
        await asyncio.sleep(2)
        assert engine.texts[-1] == "One moment."
        stream.end_input()
        await asyncio.sleep(2)
        assert engine.texts[-1] == "I am"


RTFS = [0.01, 0.1, 0.3, 0.6, 0.9]


@pytest.mark.parametrize("step_s", [0.1, None], ids=["as it goes", "whole"])
@pytest.mark.parametrize("is_parallel", [False, True], ids=["serial", "parallel"])
@pytest.mark.parametrize("rtf", RTFS)
async def test_the_playback_never_starves_once_the_engine_is_known(
    rtf: float, is_parallel: bool, step_s: float | None
) -> None:
    engine = PacedTTS(Pace(rtf=rtf, is_parallel=is_parallel, step_s=step_s))
    speaker = ClauseTTS(engine)
    await listen(speaker, TEXT, tokens_per_s=40)
    for _ in range(3):
        heard = await listen(speaker, TEXT, tokens_per_s=40)
        assert heard.gaps_s == []


@pytest.mark.parametrize("step_s", [0.1, None], ids=["as it goes", "whole"])
async def test_an_engine_slower_than_speech_pauses_between_clauses_and_not_within(
    step_s: float | None,
) -> None:
    engine = PacedTTS(Pace(rtf=1.5, step_s=step_s))
    speaker = ClauseTTS(engine)
    await listen(speaker, TEXT)
    engine.texts.clear()
    heard = await listen(speaker, TEXT)
    assert 0 < len(heard.gaps_s) < len(engine.texts)


async def test_a_fast_engine_that_becomes_slow_is_followed() -> None:
    engine = PacedTTS(Pace(rtf=0.05, step_s=None))
    speaker = ClauseTTS(engine)
    await listen(speaker, TEXT)
    engine.pace.rtf = 0.9
    for _ in range(3):
        await listen(speaker, TEXT)
    assert (await listen(speaker, TEXT)).gaps_s == []


async def test_silence_around_clauses_is_replaced_by_the_pauses_of_the_text() -> None:
    engine = PacedTTS(Pace(silence_s=0.6))
    heard = await listen(ClauseTTS(engine), "It is open. It is late.")
    is_silent = np.frombuffer(heard.pcm, dtype=np.int16) == 0
    edges = np.flatnonzero(np.diff(is_silent.astype(int), prepend=0, append=0))
    runs_s = [(end - start) / RATE_HZ for start, end in zip(edges[::2], edges[1::2], strict=True)]
    long_s = [run_s for run_s in runs_s if run_s > 0.001]
    assert long_s == pytest.approx([0.02, 0.02 + 0.25 + 0.02, 0.02], abs=0.005)


async def test_the_transcript_is_the_text_as_written_with_the_time_of_each_clause() -> None:
    engine = PacedTTS()
    heard = await listen(clause_tts(engine), "**Sure.** It costs $5. 🙂 See you on May 3.")
    assert "".join(heard.transcript) == "**Sure.** It costs $5. 🙂 See you on May 3."
    assert "five dollars" in " ".join(engine.texts)
    starts_s = [word.start_time for word in heard.transcript]
    assert starts_s == sorted(starts_s) and starts_s[0] == 0.0
    assert starts_s[1] == pytest.approx(len("Sure.") / 14 + 0.25, abs=0.01)


@pytest.mark.parametrize("text", ["…", "🙂 🙂", "  ", "—", "**", "| --- |", "..."])
async def test_what_cannot_be_pronounced_is_a_little_silence(text: str) -> None:
    engine = PacedTTS()
    speaker = clause_tts(engine)
    heard = await listen(speaker, text)
    whole = await speaker.synthesize(text).collect()
    assert engine.texts == []
    assert heard.pcm == bytes(len(heard.pcm)) and len(heard.pcm) / 2 / RATE_HZ < 0.05
    assert 0 < whole.duration < 0.05


async def test_a_text_as_a_whole_is_spoken_as_it_is_read() -> None:
    engine = PacedTTS()
    audio = await clause_tts(engine).synthesize("It is 5 km. Go!").collect()
    assert engine.texts == ["It is five kilometers. Go!"]
    assert audio.duration == pytest.approx(len(engine.texts[0]) / 14, abs=0.05)


@pytest.mark.parametrize("after_s", [0.01, 0.3, 1.0, 2.0])
async def test_an_interruption_ends_every_synthesis_at_once(after_s: float) -> None:
    engine = PacedTTS(Pace(is_parallel=True, rtf=0.5))
    before = running_tasks()
    stream = ClauseTTS(engine).stream()
    stream.push_text(TEXT * 3)
    stream.end_input()
    await asyncio.sleep(after_s)
    assert engine.running > 0
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    await stream.aclose()
    assert loop.time() - begun_s < 0.01
    assert engine.running == 0
    made = engine.steps_made
    await asyncio.sleep(1)
    assert engine.steps_made == made
    assert running_tasks() == before


async def test_an_interrupted_whole_text_stops_the_engine() -> None:
    engine = PacedTTS(Pace(rtf=0.5))
    stream = ClauseTTS(engine).synthesize(TEXT)
    await stream.__anext__()
    await stream.aclose()
    assert engine.running == 0


ERRORS = [APIError("busy", retryable=False), RuntimeError("onnx says no")]


@pytest.mark.parametrize("error", ERRORS, ids=["an APIError", "any other"])
@pytest.mark.parametrize("part", ["Sure", "museum", "cake"], ids=["first", "midst", "last"])
async def test_a_clause_that_fails_ends_the_reply_where_it_is_missed(
    part: str, error: Exception
) -> None:
    engine = PacedTTS(Pace(errors={part: error}))
    speaker = ClauseTTS(engine)
    events: list[Any] = []
    speaker.on("error", events.append)
    before = running_tasks()
    pcm = b""
    with pytest.raises(APIError):
        async with speaker.stream(conn_options=APIConnectOptions(max_retry=0)) as stream:
            stream.push_text(TEXT)
            stream.end_input()
            async for audio in stream:
                pcm += bytes(audio.frame.data)
    assert running_tasks() == before and engine.running == 0
    assert [event.recoverable for event in events] == [False]
    failed = next(number for number, text in enumerate(engine.texts) if part in text)
    heard = engine.texts_heard(pcm)
    assert heard == engine.texts[: len(heard)] and len(heard) in (failed, failed + 1)


async def test_a_clause_that_is_tried_again_is_heard_once() -> None:
    engine = PacedTTS(Pace(errors={"museum": APIConnectionError("reset")}, rtf=0.1))
    speaker = ClauseTTS(engine)
    events: list[Any] = []
    speaker.on("error", events.append)
    options = APIConnectOptions(max_retry=1, retry_interval=0.5)
    heard = await listen(speaker, TEXT, options=options)
    assert engine.texts_heard(heard.pcm) == engine.texts
    spoken_s = len("".join(engine.texts)) / 14
    assert spoken_s < len(heard.pcm) / 2 / RATE_HZ < spoken_s + 0.25 * len(engine.texts)
    assert [event.recoverable for event in events] == [True]


async def test_the_next_reply_after_a_failure_is_heard() -> None:
    engine = PacedTTS(Pace(errors={"Sure": APIError("no", retryable=False)}))
    speaker = ClauseTTS(engine)
    with pytest.raises(APIError):
        await listen(speaker, TEXT)
    assert len((await listen(speaker, TEXT)).pcm) > RATE_HZ


async def test_nothing_written_is_nothing_heard() -> None:
    async with ClauseTTS(PacedTTS()).stream() as stream:
        stream.end_input()
        assert [audio async for audio in stream] == []


async def test_it_speaks_for_its_engine_and_does_not_close_it() -> None:
    engine = PacedTTS()
    speaker = ClauseTTS(engine)
    assert (speaker.model, speaker.provider) == (engine.model, engine.provider)
    assert speaker.capabilities.streaming
    await speaker.aclose()
    await speaker.aclose()
    assert not engine.is_closed


async def test_an_engine_that_streams_is_left_as_it_is() -> None:
    engine: tts.TTS[Any] = simulated.TTS()
    assert clause_tts(engine) is engine


async def test_the_texts_of_another_language_lose_their_markup_only() -> None:
    engine = PacedTTS()
    await listen(clause_tts(engine, language="de"), "**Das** kostet 5 Euro.")
    assert engine.texts == ["Das kostet 5 Euro."]
