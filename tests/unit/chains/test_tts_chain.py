"""Whatever a voice does wrong, the caller hears every word once, and soon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.agents import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    tts,
)
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.plugins.chains import Breakers, ChainTTS, Member
from livekit.plugins.chains.events import BrokeOff, ChainEvent, Hedged, Switched

from tests.fakes.paced_tts import Pace, PacedTTS
from tests.fakes.virtual_time import run_virtual
from tests.fakes.word_voice import (
    TORN,
    WORDS,
    Manner,
    Misdeed,
    WordVoice,
    heard,
    level_dbfs,
    said,
)

pytestmark = pytest.mark.virtual_time

TEXT = "we can send you the new plan today, because your account has been open since march."
DEADLINE_S = 0.5
_RATE_HZ = 24_000


@dataclass
class Heard:
    pcm: bytes = b""
    first_s: float | None = None
    """Until the first sound is heard."""
    dry_s: float = 0.0
    """The longest time for which a listener had nothing to hear."""
    told: list[Any] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return heard(self.pcm, _RATE_HZ)


async def listen(stream: tts.ChunkedStream | tts.SynthesizeStream) -> Heard:
    """Plays what comes as it comes."""
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    ends_s = 0.0
    result = Heard()
    async with stream:
        async for audio in stream:
            now_s = clock()
            if result.pcm:
                result.dry_s = max(result.dry_s, now_s - ends_s)
            starts_s = max(ends_s, now_s)
            loud = np.flatnonzero(np.abs(np.frombuffer(audio.frame.data, dtype=np.int16)) > 300)
            if result.first_s is None and len(loud):
                result.first_s = starts_s + loud[0] / _RATE_HZ - begun_s
            ends_s = starts_s + audio.frame.duration
            result.pcm += bytes(audio.frame.data)
            result.told += audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or []
    return result


def chain(*voices: WordVoice, events: list[ChainEvent] | None = None, **options: Any) -> ChainTTS:
    members = [Member(f"voice-{i}", voice, DEADLINE_S) for i, voice in enumerate(voices)]
    on_event = (events if events is not None else []).append
    options.setdefault("breakers", Breakers(chance=lambda: 0.5))
    return ChainTTS(members, on_event=on_event, **options)


async def say(speaker: ChainTTS, text: str = TEXT) -> Heard:
    return await listen(speaker.synthesize(text))


async def write(speaker: ChainTTS, text: str = TEXT, word_s: float = 0.03) -> Heard:
    stream = speaker.stream()

    async def push() -> None:
        for word in text.split(" "):
            stream.push_text(word + " ")
            await asyncio.sleep(word_s)
        stream.end_input()

    pushing = asyncio.create_task(push())
    result = await listen(stream)
    await pushing
    return result


Way = Callable[[ChainTTS], Awaitable[Heard]]
WAYS = pytest.mark.parametrize("way", [say, write], ids=["whole", "as it is written"])


def voice(misdeed: str | None = None, at_s: float = 0.0, **manner: Any) -> WordVoice:
    wrong = Misdeed(name=misdeed, at_s=at_s) if misdeed else None  # type: ignore[arg-type]
    return WordVoice(Manner(**manner), wrong)


async def taught(speaker: ChainTTS, *voices: WordVoice) -> None:
    """Lets the chain learn how fast its first voices are, before they do wrong."""
    misdeeds = [one.misdeed for one in voices]
    for place, one in enumerate(voices):
        one.misdeed = None
        for earlier in voices[:place]:
            earlier.misdeed = Misdeed(name="raise")
        for _ in range(2):
            assert (await say(speaker)).words == said(TEXT)
    for one, misdeed in zip(voices, misdeeds, strict=True):
        one.misdeed = misdeed
        one.texts.clear()
    await asyncio.sleep(40.0)


@WAYS
@pytest.mark.parametrize("streams", [False, True])
async def test_a_healthy_voice_is_heard_as_it_is(way: Way, streams: bool) -> None:
    first, second = voice(streams=streams), voice()
    async with chain(first, second) as speaker:
        result = await way(speaker)
    assert result.words == said(TEXT)
    assert second.texts == []
    assert result.dry_s < 0.01


async def test_the_first_audio_waits_no_longer_than_a_word() -> None:
    async with chain(voice(piece_s=0.02, rtf=0.2)) as speaker:
        plain = await listen(voice(piece_s=0.02, rtf=0.2).synthesize(TEXT))
        result = await say(speaker)
    assert plain.first_s is not None and result.first_s is not None
    assert result.first_s - plain.first_s < 0.05


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
def test_words_heard_are_the_words_of_the_text(
    words: list[str], misdeeds: tuple[Misdeed, Misdeed], tells: tuple[bool, bool], piece_s: float
) -> None:
    async def trial() -> list[str]:
        voices = [WordVoice(Manner(tells_words=t, piece_s=piece_s, rtf=0.05), None) for t in tells]
        async with chain(*voices, voice()) as speaker:
            await taught(speaker, *voices)
            for one, misdeed in zip(voices, misdeeds, strict=True):
                one.misdeed = misdeed
            return (await say(speaker, " ".join(words) + ".")).words

    heard_words = run_virtual(trial())
    if any(misdeed.name in ("end", "text") for misdeed in misdeeds):
        # Who stops near the end without a sign of it has said the text, as far as can be told.
        assert heard_words[:-1] == words[: len(heard_words) - 1]
        assert heard_words[-1] in (words[len(heard_words) - 1], TORN)
    else:
        assert heard_words == words


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


async def test_audio_comes_out_at_one_rate_whatever_is_promised() -> None:
    first = voice("raise", 1.5, rate_hz=16_000, promised_rate_hz=24_000)
    async with chain(first, voice(rate_hz=22_050, channels=2)) as speaker:
        await taught(speaker, first)
        result = await say(speaker)
    assert result.words == said(TEXT)


async def test_the_sample_rate_can_be_chosen() -> None:
    async with chain(voice(rate_hz=16_000), sample_rate_hz=_RATE_HZ) as speaker:
        assert (speaker.sample_rate, speaker.num_channels) == (_RATE_HZ, 1)
        assert (await say(speaker)).words == said(TEXT)


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


@WAYS
@pytest.mark.parametrize(
    ("misdeed", "error", "longest_s"),
    [("raise", APIConnectionError, 0.6), ("stall", APITimeoutError, 2.2)],
)
async def test_when_nobody_speaks_the_error_comes_once_and_soon(
    misdeed: str, error: type[Exception], longest_s: float, way: Way
) -> None:
    clock = asyncio.get_running_loop().time
    errors: list[tts.TTSError] = []
    async with chain(voice(misdeed), voice(misdeed)) as speaker:
        speaker.on("error", errors.append)
        begun_s = clock()
        with pytest.raises(error) as caught:
            await way(speaker)
    assert clock() - begun_s < longest_s + len(TEXT.split()) * 0.03
    assert not caught.value.retryable  # type: ignore[attr-defined]
    assert [one.recoverable for one in errors] == [False]


async def test_a_single_voice_is_asked_twice() -> None:
    only = WordVoice(Manner(tells_words=True), Misdeed(name="raise", at_s=1.0, times=1))
    async with chain(only) as speaker:
        assert (await say(speaker)).words == said(TEXT)
    assert len(only.texts) == 2


class _Refusing(WordVoice):
    def synthesize(self, text: str, **options: Any) -> tts.ChunkedStream:
        self.texts.append(text)
        raise APIStatusError("who are you?", status_code=401)


async def test_a_voice_that_refuses_the_key_is_not_asked_again() -> None:
    first = _Refusing()
    async with chain(first, voice()) as speaker:
        for _ in range(3):
            assert (await say(speaker)).words == said(TEXT)
            await asyncio.sleep(60.0)
    assert len(first.texts) == 1


@pytest.mark.parametrize("misdeed", [None, "raise"])
async def test_nobody_waits_for_a_voice_that_never_closes(misdeed: str | None) -> None:
    clock = asyncio.get_running_loop().time
    first = voice(misdeed, 1.0, close_s=3600.0)
    speaker = chain(first, voice())
    await taught(speaker, first)
    result = await say(speaker)
    assert result.words == said(TEXT)
    assert result.dry_s < 0.1
    begun_s = clock()
    await speaker.aclose()
    assert clock() - begun_s < 0.5


async def test_an_interruption_frees_the_voice_and_is_nobodys_fault() -> None:
    events: list[ChainEvent] = []
    first = voice()
    async with chain(first, voice(), events=events) as speaker:
        stream = speaker.synthesize(TEXT)
        await stream.__anext__()
        assert first.running == 1
        await stream.aclose()
        await asyncio.sleep(0.01)
        assert first.running == 0
        assert (await say(speaker)).words == said(TEXT)
    assert events == []


async def test_silence_for_words_is_a_fault() -> None:
    events: list[ChainEvent] = []
    async with chain(voice("silence"), voice(), events=events) as speaker:
        assert (await say(speaker)).words == said(TEXT)
    assert [event.fault.kind for event in events if isinstance(event, Switched)] == ["protocol"]


async def test_a_voice_that_hangs_when_all_is_said_has_said_all() -> None:
    events: list[ChainEvent] = []
    first = voice("stall", 5.0, tells_words=True)
    async with chain(first, voice(), events=events) as speaker:
        assert (await say(speaker)).words == said(TEXT)
    assert [type(event) for event in events] == [BrokeOff]


async def test_an_open_breaker_is_probed_and_the_voice_comes_back() -> None:
    first = WordVoice(misdeed=Misdeed(name="raise", times=3))
    metrics: list[Any] = []
    breakers = Breakers(chance=lambda: 0.5)
    async with chain(first, voice(), breakers=breakers) as speaker:
        speaker.on("metrics_collected", metrics.append)
        for _ in range(3):
            await say(speaker)
            await asyncio.sleep(3.5)
        assert not breakers.of("voice-0").may_try()
        first.texts.clear()
        await asyncio.sleep(6.0)
        assert first.texts == ["Yes."]
        assert breakers.of("voice-0").may_try()
        assert (await say(speaker)).words == said(TEXT)
    assert [m.characters_count for m in metrics] == [len(TEXT)] * 4, "a probe is no metric"


async def test_metrics_are_those_of_who_spoke() -> None:
    first = voice("raise", 2.0)
    metrics: list[Any] = []
    errors: list[Any] = []
    async with chain(first, voice(pace=1.1)) as speaker:
        speaker.on("metrics_collected", metrics.append)
        speaker.on("error", errors.append)
        await say(speaker)
        assert (speaker.model, speaker.provider) == ("tones-1.1", "fake")
    assert [m.metadata.model_name for m in metrics] == ["tones-1.1"]
    assert errors == []


async def test_the_words_told_are_the_text_in_order_across_voices() -> None:
    first = voice("raise", 2.0, tells_words=True)
    async with chain(first, voice(tells_words=True)) as speaker:
        assert speaker.capabilities.aligned_transcript
        result = await say(speaker)
    assert "".join(result.told) == TEXT
    times = [word.end_time for word in result.told]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(len(result.pcm) / 2 / _RATE_HZ - 0.45, abs=0.05)


@WAYS
@pytest.mark.parametrize("text", ["…", "", "   ", "—"])
async def test_what_has_no_sound_is_asked_of_nobody(text: str, way: Way) -> None:
    first = voice()
    async with chain(first) as speaker:
        await way(speaker) if way is write else await say(speaker, text)
        result = await say(speaker, text)
    assert len(result.pcm) / 2 / _RATE_HZ < 0.1
    assert text not in first.texts


async def test_a_writer_who_pauses_is_no_voice_that_stalls() -> None:
    events: list[ChainEvent] = []
    text = "we can send you the new plan today. there is open since march. please tell me when."
    for streams in (True, False):
        async with chain(voice(streams=streams), voice(), events=events) as speaker:
            result = await write(speaker, text, word_s=1.3)
            assert result.words == said(text)
    assert events == []


@pytest.mark.parametrize("tells", [False, True])
async def test_a_voice_hardly_faster_than_speech_is_heard_without_long_gaps(tells: bool) -> None:
    async with chain(voice(rtf=0.95, piece_s=0.04, tells_words=tells)) as speaker:
        result = await say(speaker)
    assert result.words == said(TEXT)
    assert result.dry_s < 0.3


async def test_all_voices_are_warmed_up() -> None:
    class Cold(WordVoice):
        def prewarm(self) -> None:
            raise RuntimeError("no network")

    second = voice()
    async with chain(Cold(), second) as speaker:
        speaker.prewarm()
    assert second.prewarmed == 1


@pytest.mark.parametrize("names", [[], ["one", "one"]])
def test_members_have_names_of_their_own(names: list[str]) -> None:
    with pytest.raises(ValueError, match="members"):
        ChainTTS([Member(name, voice(), 1.0) for name in names])


def test_it_takes_text_as_it_is_written_if_its_first_voice_does() -> None:
    assert chain(voice(streams=True), voice()).capabilities.streaming
    assert not chain(voice(), voice(streams=True)).capabilities.streaming
    assert not chain(voice(tells_words=True), voice()).capabilities.aligned_transcript
