"""Phrases that were spoken before are spoken at once; what was not whole is not kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    CachingEngine,
    EngineError,
    PhraseCache,
    PhraseKey,
    SpeechChunk,
    Voicing,
    Word,
)
from livekit.plugins.speechio import CachingSynthesiser, InProcessSynthesiser

from tests.fakes.engines import FakeSynthesiser
from tests.fakes.eventually import eventually

GREETING = "Hello, how can I help?"


def key(text: str, *, model: str = "voice", voicing: Voicing = DEFAULT_VOICING) -> PhraseKey:
    return PhraseKey(model, voicing, text)


def sound(count_bytes: int) -> tuple[SpeechChunk, ...]:
    return (SpeechChunk(bytes(count_bytes)),)


@pytest.fixture
def engine() -> FakeSynthesiser:
    return FakeSynthesiser()


@pytest.fixture
def speaker(engine: FakeSynthesiser) -> Iterator[CachingSynthesiser]:
    speaker = CachingSynthesiser(InProcessSynthesiser(engine, name="fake"), PhraseCache())
    yield speaker
    speaker.close()


async def say(
    speaker: CachingSynthesiser, text: str, voicing: Voicing = DEFAULT_VOICING
) -> list[SpeechChunk]:
    async with aclosing(speaker.speak(text, voicing, timeout_s=5.0)) as speech:
        return [chunk async for chunk in speech]


async def test_the_second_time_the_engine_is_not_asked(
    engine: FakeSynthesiser, speaker: CachingSynthesiser
) -> None:
    first = await say(speaker, GREETING)
    made = engine.steps_made
    assert made > 1
    assert await say(speaker, GREETING) == first
    assert engine.steps_made == made
    assert (speaker.cache.hits, speaker.cache.misses) == (1, 1)


async def test_a_known_phrase_is_spoken_while_the_engine_is_busy(
    engine: FakeSynthesiser, speaker: CachingSynthesiser
) -> None:
    await say(speaker, "Yes.")
    engine.step_s = 5.0
    slow = asyncio.create_task(say(speaker, "This takes a while."))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(1.0):
        assert await say(speaker, "Yes.")
    slow.cancel()
    engine.released.set()
    await asyncio.wait({slow})


async def test_text_voicing_and_model_make_a_phrase(
    engine: FakeSynthesiser, speaker: CachingSynthesiser
) -> None:
    for text in (GREETING, GREETING.upper()):
        for voicing in (DEFAULT_VOICING, Voicing(voice="deep"), Voicing(speed=1.2)):
            for model in ("small", "large"):
                engine.model = model
                await say(speaker, text, voicing)
    assert (speaker.cache.hits, len(speaker.cache)) == (0, 12)


async def test_words_keep_their_times(speaker: CachingSynthesiser) -> None:
    chunk = SpeechChunk(b"\0\0", (Word("Yes.", 0.0, 0.4),))
    speaker.cache.put(PhraseKey(speaker.model, DEFAULT_VOICING, "Yes."), [chunk])
    assert await say(speaker, "Yes.") == [chunk]


async def test_an_interrupted_phrase_is_not_kept(
    engine: FakeSynthesiser, speaker: CachingSynthesiser
) -> None:
    async with aclosing(speaker.speak(GREETING, timeout_s=5.0)) as speech:
        await anext(speech)
    assert len(speaker.cache) == 0
    whole = await say(speaker, GREETING)
    assert len(whole) > 1
    assert len(speaker.cache) == 1


async def test_a_failed_phrase_is_not_kept(
    engine: FakeSynthesiser, speaker: CachingSynthesiser
) -> None:
    engine.errors = [EngineError("broken")]
    with pytest.raises(EngineError):
        await say(speaker, GREETING)
    assert len(speaker.cache) == 0
    assert await say(speaker, GREETING)


async def test_text_without_sound_is_known_too(
    engine: FakeSynthesiser, speaker: CachingSynthesiser
) -> None:
    assert await say(speaker, "…") == []
    engine.errors = [EngineError("not asked")]
    assert await say(speaker, "…") == []


async def test_prepared_phrases_are_there_before_they_are_wanted(
    engine: FakeSynthesiser, speaker: CachingSynthesiser
) -> None:
    deep = Voicing(voice="deep")
    await speaker.prepare([GREETING, "One moment."], deep, timeout_s=5.0)
    made = engine.steps_made
    assert await say(speaker, "One moment.", deep)
    assert engine.steps_made == made


def test_what_was_not_wanted_for_longest_goes_first() -> None:
    cache = PhraseCache(max_bytes=100_000)
    for text in "abcdefgh":
        cache.put(key(text), sound(11_000))
    assert cache.get(key("a"))
    cache.put(key("i"), sound(11_000))
    cache.put(key("j"), sound(11_000))
    there = [text for text in "abcdefghij" if cache.get(key(text))]
    assert there == list("adefghij")
    assert cache.size_bytes <= 100_000


def test_a_phrase_longer_than_an_eighth_drives_nothing_out() -> None:
    cache = PhraseCache(max_bytes=100_000)
    cache.put(key("greeting"), sound(5_000))
    cache.put(key("long"), sound(13_000))
    assert cache.get(key("greeting"))
    assert cache.get(key("long")) is None


async def test_a_long_reply_is_spoken_whole_though_not_kept(engine: FakeSynthesiser) -> None:
    speaker = CachingSynthesiser(InProcessSynthesiser(engine, name="fake"), PhraseCache(200_000))
    text = "a" * 15
    try:
        pcm = b"".join(chunk.pcm for chunk in await say(speaker, text))
        assert len(pcm) == 2 * engine.sample_rate_hz
        assert len(speaker.cache) == 0
    finally:
        speaker.close()


def test_a_phrase_that_is_made_twice_counts_once() -> None:
    cache = PhraseCache()
    cache.put(key("a"), sound(1_000))
    size_bytes = cache.size_bytes
    cache.put(key("a"), sound(1_000))
    assert (cache.size_bytes, len(cache)) == (size_bytes, 1)
    cache.clear()
    assert (cache.size_bytes, len(cache)) == (0, 0)


def test_many_threads_do_not_break_its_books() -> None:
    cache = PhraseCache(max_bytes=50_000)

    def use(seed: int) -> None:
        for count in range(300):
            text = str((count * seed) % 40)
            if cache.get(key(text)) is None:
                cache.put(key(text), sound(1_000 + int(text) * 10))

    threads = [threading.Thread(target=use, args=(seed,)) for seed in (1, 3, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.hits + cache.misses == 1200
    kept = [size for n in range(40) if cache.get(key(str(n))) for size in [1_000 + n * 10]]
    assert sum(kept) < cache.size_bytes <= 50_000
    assert len(kept) == len(cache)


async def test_closing_it_closes_the_engine(engine: FakeSynthesiser) -> None:
    speaker = CachingSynthesiser(InProcessSynthesiser(engine, name="fake"), PhraseCache())
    assert (speaker.model, speaker.sample_rate_hz) == (engine.model, engine.sample_rate_hz)
    speaker.close()
    await eventually(lambda: engine.is_closed)


def test_an_engine_behind_a_cache_makes_a_phrase_once(engine: FakeSynthesiser) -> None:
    voice = CachingEngine(engine, PhraseCache())
    first = list(voice.steps("Let me look."))
    made = engine.steps_made
    assert list(voice.steps("Let me look.")) == first
    assert engine.steps_made == made > 0


def test_an_engine_behind_a_cache_keeps_nothing_of_what_was_interrupted(
    engine: FakeSynthesiser,
) -> None:
    voice = CachingEngine(engine, PhraseCache())
    steps = voice.steps("One moment, please, I have to look that up.")
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert len(voice.cache) == 0
    voice.close()
    assert engine.is_closed
