"""Whatever a voice does wrong, the caller hears every word once, and soon."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from livekit.plugins.chains import ChainTTS, Member
from livekit.plugins.chains.events import BrokeOff, ChainEvent, Hedged, Switched

from tests.fakes.paced_tts import Pace, PacedTTS
from tests.fakes.virtual_time import run_virtual
from tests.fakes.word_chain import (
    DEADLINE_S,
    RATE_HZ,
    TEXT,
    WAYS,
    Way,
    chain,
    say,
    taught,
    voice,
    write,
)
from tests.fakes.word_voice import TORN, WORDS, Manner, Misdeed, WordVoice, level_dbfs, said

pytestmark = pytest.mark.virtual_time


@WAYS
@pytest.mark.parametrize("tells", [False, True], ids=["silent on words", "tells its words"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole texts", "streaming"])
@pytest.mark.parametrize("at_s", [0.0, 0.7, 3.9])
@pytest.mark.parametrize("misdeed", ["raise", "stall", "end", "text"])
async def test_the_next_voice_goes_on_where_one_stopped(
    misdeed: str, at_s: float, streams: bool, tells: bool, way: Way
) -> None:
    events: list[ChainEvent] = []
    first = voice(misdeed, at_s, streams=streams, tells_words=tells)
    async with chain(first, voice(), events=events) as speaker:
        await taught(speaker, first)
        result = await way(speaker)
    assert result.words == said(TEXT)
    switched = [event for event in events if isinstance(event, Switched)]
    assert [(event.source, event.to) for event in switched] == [("voice-0", "voice-1")]


MISDEEDS = st.builds(
    Misdeed,
    name=st.sampled_from(["raise", "stall", "end", "text"]),
    at_s=st.floats(0.0, 5.0),
    times=st.integers(0, 3),
)


@pytest.mark.timeout(120)
@settings(max_examples=30, deadline=None)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=16),
    misdeeds=st.tuples(MISDEEDS, MISDEEDS),
    tells=st.tuples(st.booleans(), st.booleans()),
    piece_s=st.sampled_from([0.02, 0.1, 0.5, 10.0]),
)
@example(
    words=["open", "will", "there", "tomorrow", "can", "and", "tomorrow", "there"],
    misdeeds=(Misdeed(name="end", at_s=2.366, times=2), Misdeed(name="raise", at_s=3.272)),
    tells=(True, True),
    piece_s=0.02,
)
def test_words_heard_are_the_words_of_the_text(
    words: list[str], misdeeds: tuple[Misdeed, Misdeed], tells: tuple[bool, bool], piece_s: float
) -> None:
    async def trial() -> list[str]:
        voices = [WordVoice(Manner(tells_words=t, piece_s=piece_s, rtf=0.05), None) for t in tells]
        async with chain(*voices, voice()) as speaker:
            await taught(speaker, *voices)
            for one, misdeed in zip(voices, misdeeds, strict=True):
                one.misdeed = replace(misdeed)
            return (await say(speaker, " ".join(words) + ".")).words

    heard_words = run_virtual(trial())
    stop_unsaid = [t for t, m in zip(tells, misdeeds, strict=True) if m.name in ("end", "text")]
    if not stop_unsaid:
        assert heard_words == words
    elif all(stop_unsaid):  # the voice has told which words it said
        assert heard_words in (words, [*words[:-1], TORN])
    else:  # who stops near the end without a sign of it has said the text, as far as can be told
        assert heard_words[:-1] == words[: len(heard_words) - 1]
        assert heard_words[-1] in (words[len(heard_words) - 1], TORN)
        assert len("".join(words[: len(heard_words)])) >= 0.6 * len("".join(words))


async def test_a_voice_that_says_nothing_in_time_is_not_waited_for() -> None:
    events: list[ChainEvent] = []
    async with chain(voice("stall"), voice(), events=events) as speaker:
        result = await say(speaker)
    assert result.first_s == pytest.approx(DEADLINE_S + 0.18, abs=0.03)
    assert [type(event) for event in events] == [Switched]
    assert events[0].fault.kind == "timeout"  # type: ignore[union-attr]


@pytest.mark.parametrize(("misdeed", "longest_s"), [("raise", 0.2), ("end", 0.2), ("stall", 0.8)])
@pytest.mark.parametrize("at_s", [0.3, 1.0, 2.5])
async def test_the_next_voice_is_heard_soon(misdeed: str, longest_s: float, at_s: float) -> None:
    first = voice(misdeed, at_s)
    async with chain(first, voice()) as speaker:
        await taught(speaker, first)
        result = await say(speaker)
    assert result.words == said(TEXT)
    assert result.dry_s < longest_s


@pytest.mark.parametrize(("peak", "difference_db"), [(4500, 0.0), (14_000, 0.0), (2000, -6.0)])
async def test_the_next_voice_is_as_loud(peak: int, difference_db: float) -> None:
    first, second = voice(peak=8000), voice(peak=peak)
    async with chain(first, second) as speaker:
        loud = level_dbfs((await say(speaker)).pcm)
        first.misdeed = Misdeed(name="raise")
        result = await say(speaker)
    assert level_dbfs(result.pcm) - loud == pytest.approx(difference_db, abs=0.7)


async def test_the_rest_of_a_reply_stays_with_the_voice_that_took_over() -> None:
    first, second = WordVoice(misdeed=Misdeed(name="raise", at_s=1.0, times=1)), voice()
    async with chain(first, second) as speaker:
        await say(speaker)
        await asyncio.sleep(2.9)
        await say(speaker, "we can tell you today.")
        assert (len(first.texts), len(second.texts)) == (1, 2)
        await asyncio.sleep(3.0)
        await say(speaker)
    assert (len(first.texts), len(second.texts)) == (2, 2)


@WAYS
async def test_what_livekit_kept_back_of_a_voice_that_stalls_is_no_life(way: Way) -> None:
    loop, took_s = asyncio.get_running_loop(), []
    for flushes in (True, False):
        first = voice("stall", at_s=0.5, tells_words=True, flushes=flushes)
        async with chain(first, voice()) as speaker:
            begun_s = loop.time()
            assert (await way(speaker)).words == said(TEXT)
            took_s.append(loop.time() - begun_s)
    assert took_s[0] == pytest.approx(took_s[1], abs=0.05)


async def test_texts_that_wait_for_a_voice_go_over_with_the_first_of_them() -> None:
    first, second = voice("stall"), voice()
    events: list[ChainEvent] = []
    async with chain(first, second, events=events) as speaker:
        texts = [asyncio.create_task(say(speaker))]
        for _ in range(2):
            await asyncio.sleep(0.1)
            texts.append(asyncio.create_task(say(speaker)))
        results = await asyncio.gather(*texts)
    assert all(result.words == said(TEXT) for result in results)
    assert [result.first_s for result in results] == pytest.approx([0.68, 0.58, 0.48], abs=0.03)
    assert [type(event) for event in events] == [Switched]


async def test_a_voice_that_speaks_one_text_after_the_other_is_not_late() -> None:
    busy, second = PacedTTS(Pace(rtf=0.2, overhead_s=0.1)), voice()
    events: list[ChainEvent] = []
    members = [Member("busy", busy, DEADLINE_S), Member("second", second, DEADLINE_S)]
    async with ChainTTS(members, on_event=events.append) as speaker:
        await asyncio.gather(*(say(speaker, TEXT) for _ in range(4)))
    assert len(busy.texts) == 4
    assert (second.texts, events) == ([], [])


async def test_the_second_voice_is_asked_too_when_the_first_is_slow() -> None:
    events: list[ChainEvent] = []
    first, second = voice(first_s=0.45), voice()
    async with chain(first, second, events=events, hedge_s=0.15) as speaker:
        result = await say(speaker)
        assert result.first_s == pytest.approx(0.15 + 0.18, abs=0.03)
        assert result.words == said(TEXT)
        await say(speaker)
    assert [type(event) for event in events] == [Hedged]
    assert events[0].winner == "voice-1"  # type: ignore[union-attr]
    assert (len(first.texts), len(second.texts)) == (1, 2), "only a reply's first text is hedged"


async def test_a_race_goes_to_the_faster_one() -> None:
    events: list[ChainEvent] = []
    async with chain(voice(), voice(first_s=0.3), events=events, hedge_s=0.0) as speaker:
        assert (await say(speaker)).words == said(TEXT)
    assert [event.winner for event in events if isinstance(event, Hedged)] == ["voice-0"]


async def test_of_a_hedge_the_one_that_is_left_goes_on() -> None:
    async with chain(voice("raise"), voice(), hedge_s=0.0) as speaker:
        assert (await say(speaker)).words == said(TEXT)


async def test_silence_for_words_is_a_fault() -> None:
    events: list[ChainEvent] = []
    async with chain(voice("silence"), voice(), events=events) as speaker:
        assert (await say(speaker)).words == said(TEXT)
    assert [event.fault.kind for event in events if isinstance(event, Switched)] == ["protocol"]


@pytest.mark.parametrize(("pace", "texts"), [(2.0, 2), (0.35, 1)])
async def test_a_voice_that_nobody_can_follow_is_asked_last_once_that_is_known(
    pace: float, texts: int
) -> None:
    events: list[ChainEvent] = []
    first, second = voice(pace=pace), voice()
    async with chain(first, second, events=events) as speaker:
        for _ in range(texts):
            await say(speaker)
            await asyncio.sleep(4.0)
        assert (len(first.texts), len(second.texts)) == (texts, 0)
        assert (await say(speaker)).words == said(TEXT)
        second.misdeed = Misdeed(name="raise")
        await say(speaker)
    assert len(first.texts) == texts + 1, "it is better than none"
    kinds = [(type(event), event.fault.kind) for event in events if isinstance(event, BrokeOff)]
    assert kinds == [(BrokeOff, "protocol")]


async def test_a_voice_that_hangs_when_all_is_said_has_said_all() -> None:
    events: list[ChainEvent] = []
    first = voice("stall", 5.0, tells_words=True)
    async with chain(first, voice(), events=events) as speaker:
        assert (await say(speaker)).words == said(TEXT)
    assert [type(event) for event in events] == [BrokeOff]


async def test_the_words_told_are_the_text_in_order_across_voices() -> None:
    first = voice("raise", 2.0, tells_words=True)
    async with chain(first, voice(tells_words=True)) as speaker:
        assert speaker.capabilities.aligned_transcript
        result = await say(speaker)
    assert "".join(result.told) == TEXT
    times = [word.end_time for word in result.told]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(len(result.pcm) / 2 / RATE_HZ - 0.45, abs=0.05)


async def test_a_writer_who_pauses_is_no_voice_that_stalls() -> None:
    events: list[ChainEvent] = []
    text = "we can send you the new plan today. there is open since march. please tell me when."
    for streams in (True, False):
        async with chain(voice(streams=streams), voice(), events=events) as speaker:
            result = await write(speaker, text, word_s=1.3)
            assert result.words == said(text)
    assert events == []
