"""A chain of voices is one livekit TTS, whatever its members do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError, tts
from livekit.plugins.chains import Breakers, ChainTTS, Member
from livekit.plugins.chains.events import ChainEvent

from tests.fakes.word_chain import (
    RATE_HZ,
    TEXT,
    WAYS,
    Way,
    chain,
    listen,
    say,
    taught,
    voice,
    write,
)
from tests.fakes.word_voice import Manner, Misdeed, WordVoice, said

pytestmark = pytest.mark.virtual_time


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


async def test_audio_comes_out_at_one_rate_whatever_is_promised() -> None:
    first = voice("raise", 1.5, rate_hz=16_000, promised_rate_hz=24_000)
    async with chain(first, voice(rate_hz=22_050, channels=2)) as speaker:
        await taught(speaker, first)
        result = await say(speaker)
    assert result.words == said(TEXT)


async def test_the_sample_rate_can_be_chosen() -> None:
    async with chain(voice(rate_hz=16_000), sample_rate_hz=RATE_HZ) as speaker:
        assert (speaker.sample_rate, speaker.num_channels) == (RATE_HZ, 1)
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


@WAYS
@pytest.mark.parametrize("text", ["…", "", "   ", "—"])
async def test_what_has_no_sound_is_asked_of_nobody(text: str, way: Way) -> None:
    first = voice()
    async with chain(first) as speaker:
        await way(speaker) if way is write else await say(speaker, text)
        result = await say(speaker, text)
    assert len(result.pcm) / 2 / RATE_HZ < 0.1
    assert text not in first.texts


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
