"""What the fakes do for a test: keys, plans, faults on command, latency, what is heard and said."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import numpy as np
import pytest
from livekit.agents import llm, stt
from livekit.plugins import deepgram, elevenlabs, openai
from livekit.plugins.simulated.words import Announcements
from livekit.plugins.speechcore import Word, duration_s

from tests.fakes.audio import BED_DBFS, frames, noise
from tests.fakes.eventually import eventually
from tests.fakes.providers import deepgram as fake_deepgram
from tests.fakes.providers.coded_speech import TORN, WORD_S, read, say
from tests.fakes.providers.deepgram import FakeDeepgram
from tests.fakes.providers.elevenlabs import SPEECH, FakeElevenLabs
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.hearing import AnnouncedHearing
from tests.fakes.providers.openai import CHAT, Call, FakeOpenAI, Reply
from tests.fakes.providers.voices import espeak_voice, length_s
from tests.hosted import stock
from tests.hosted.trials import ONCE, SENTENCE, ask, speak
from tests.stack.caller import RATE_HZ, resample
from tests.stack.speech import speech

pytestmark = pytest.mark.usefixtures("http")

STALL = Fault(kind=Kind.STALL)


def chat_engine(provider: FakeOpenAI, **options: str) -> openai.LLM:
    return openai.LLM(**{"api_key": provider.key, "base_url": provider.api_url, **options})


def eleven_engine(provider: FakeElevenLabs) -> elevenlabs.TTS:
    return elevenlabs.TTS(api_key=provider.key, base_url=provider.api_url, encoding="pcm_24000")


def nova_engine(provider: FakeDeepgram) -> deepgram.STT:
    return deepgram.STT(api_key=provider.key, base_url=f"{provider.url}/v1/listen")


def test_a_plan_gives_each_request_its_fault() -> None:
    plan = Plan.nth(2, STALL)
    assert [plan.take() for _ in range(4)] == [None, STALL, None, None]
    assert [Plan.always(STALL).take() for _ in range(2)] == [STALL, STALL]


def test_a_random_plan_is_the_same_for_the_same_seed_and_keeps_its_share() -> None:
    plans = [Plan.at_random(0.2, [STALL], random.Random(7), 1000) for _ in range(2)]
    assert plans[0].faults == plans[1].faults
    assert plans[0].faults.count(STALL) == pytest.approx(200, abs=40)


def test_coded_speech_is_read_back_after_a_change_of_rate_and_noise() -> None:
    words = "the quick brown fox jumps over the lazy dog".split()
    samples = np.frombuffer(say(words, 24_000), "<i2")
    pcm = resample(samples, 24_000, 16_000).astype(np.int32)
    pcm += np.frombuffer(noise(len(pcm) / 16_000, -45, 16_000), "<i2")[: len(pcm)]
    assert read(pcm.astype("<i2").tobytes(), 16_000) == words


def test_a_word_that_is_torn_is_not_taken_for_the_whole() -> None:
    half = say("one", 16_000)[: round(WORD_S / 2 * 16_000) * 2]
    assert read(half + bytes(4_000) + say("two", 16_000), 16_000) == [TORN, "two"]


async def test_a_wrong_key_is_refused() -> None:
    async with FakeOpenAI().running() as provider, chat_engine(provider, api_key="no") as engine:
        assert (await ask(engine)).end == "APIStatusError 401 final"


async def test_only_the_request_that_is_meant_fails() -> None:
    async with FakeOpenAI().running() as provider, chat_engine(provider) as engine:
        provider.plans[CHAT] = Plan.nth(2, Fault(kind=Kind.STATUS, status=500))
        ends = [(await ask(engine)).end for _ in range(3)]
    assert ends == ["done", "APIStatusError 500", "done"]


async def test_a_reply_is_scripted_with_text_and_tool_calls() -> None:
    async with FakeOpenAI().running() as provider, chat_engine(provider) as engine:
        calls = [Call(name="look_up", arguments={"what": "weather"}), Call(name="wait")]
        provider.replies.append(Reply(text="Let me see.", calls=calls))
        scripted = await ask(engine)
        following = await ask(engine, "And now?")
    assert scripted.got == ["Let", "me", "see.", 'look_up({"what": "weather"})', "wait({})"]
    assert following.text == "I heard And now?."


async def test_usage_ends_a_whole_answer_and_no_other() -> None:
    async def has_usage(engine: openai.LLM) -> bool:
        context = llm.ChatContext()
        context.add_message(role="user", content="Hello.")
        async with engine.chat(chat_ctx=context, conn_options=ONCE) as stream:
            return any([chunk.usage is not None async for chunk in stream])

    async with FakeOpenAI().running() as provider, chat_engine(provider) as engine:
        provider.plans[CHAT] = Plan.nth(2, Fault(kind=Kind.TRUNCATE, after=2))
        assert [await has_usage(engine) for _ in range(2)] == [True, False]


async def test_a_provider_that_went_down_can_come_up_again() -> None:
    async with FakeOpenAI().running() as provider, chat_engine(provider) as engine:
        await provider.go_down()
        down = await ask(engine)
        await provider.come_up()
        up = await ask(engine)
    assert (down.end, up.end) == ("APIConnectionError", "done")


async def test_a_fault_on_command_hits_the_answer_under_way() -> None:
    async with FakeOpenAI(pace_s=0.1).running() as provider, chat_engine(provider) as engine:
        provider.reply = lambda _: Reply(text="one two three four five six seven")
        answering = asyncio.create_task(ask(engine))
        await eventually(lambda: provider.plans[CHAT].taken)
        await asyncio.sleep(0.15)
        await provider.inject(Fault(kind=Kind.DROP))
        outcome = await answering
    assert outcome.end == "APIConnectionError final"
    assert 0 < len(outcome.got) < 7


async def test_a_fault_on_command_hits_a_stream_that_says_nothing() -> None:
    async with FakeDeepgram().running() as provider:
        engine = nova_engine(provider)
        stream = engine.stream(conn_options=ONCE)
        await eventually(lambda: provider.plans[fake_deepgram.LISTEN].taken)
        await asyncio.sleep(0.05)
        await provider.inject(Fault(kind=Kind.RESET))
        with pytest.raises(Exception, match="closed|lost"):
            async for _ in stream:
                pass
        await stream.aclose()
        await engine.aclose()


async def test_latency_comes_before_the_first_piece() -> None:
    async with FakeOpenAI().running() as provider, chat_engine(provider) as engine:
        waits = iter([0.0, 0.25])
        provider.latency_s = lambda: next(waits)
        quick, slow = await ask(engine), await ask(engine)
    assert quick.first_s is not None and slow.first_s is not None
    assert slow.first_s - quick.first_s == pytest.approx(0.25, abs=0.1)


async def test_eleven_labs_keeps_one_socket_and_each_text_has_its_own_fault() -> None:
    async with FakeElevenLabs().running() as provider:
        engine = eleven_engine(provider)
        provider.plans[SPEECH] = Plan.nth(2, Fault(kind=Kind.EMPTY))
        ends = [(await speak(engine)).end for _ in range(3)]
        assert provider.sockets == 1
        await engine.aclose()
    assert ends == ["done", "APIError", "done"]


async def test_a_text_that_is_refused_on_a_kept_socket_gets_an_error_message() -> None:
    async with FakeElevenLabs().running() as provider:
        engine = eleven_engine(provider)
        await speak(engine)
        provider.plans[SPEECH] = Plan.always(Fault(kind=Kind.STATUS, status=401))
        refused, refused_again = await speak(engine), await speak(engine)
        await engine.aclose()
    assert refused.end == "APIStatusError -1"
    assert refused_again.end == "APIStatusError 401 final", "the socket was closed after it"


async def test_eleven_labs_tells_when_each_word_is_said() -> None:
    timed = []
    async with FakeElevenLabs().running() as provider:
        engine = eleven_engine(provider)
        async with engine.stream(conn_options=ONCE) as stream:
            stream.push_text(SENTENCE)
            stream.end_input()
            async for audio in stream:
                timed += audio.frame.userdata.get("lk.timed_transcripts", [])
        await engine.aclose()
    assert "".join(timed).split() == SENTENCE.split()
    starts = [word.start_time for word in timed]
    assert starts == sorted(starts)
    assert timed[-1].end_time == pytest.approx(length_s(SENTENCE), abs=0.1)


async def test_real_speech_is_understood_as_it_was_announced() -> None:
    announcements = Announcements()
    words = [Word("turn", 0.0, 0.3), Word("it", 0.3, 0.5), Word("off", 0.5, 0.8)]
    announcements.announce(words)
    provider = FakeDeepgram(hearing=lambda rate_hz: AnnouncedHearing(rate_hz, announcements))
    spoken = resample(speech("turn it off please"), RATE_HZ, 16_000).tobytes()
    texts = []
    async with provider.running():
        engine = nova_engine(provider)
        async with engine.stream(conn_options=ONCE) as stream:
            for frame in frames(spoken + noise(0.5, BED_DBFS, 16_000), 16_000):
                stream.push_frame(frame)
            stream.flush()
            async for event in stream:
                if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                    texts.append(event.alternatives[0].text)
                    break
        await engine.aclose()
    assert texts == ["turn it off"]


async def events(engine: stt.STT[Any], text: str) -> list[tuple[str, str]]:
    """Kind and text of each event with words, until the final one."""
    told = []
    sound = say(text, 16_000) + bytes(16_000)
    async with engine.stream(conn_options=ONCE) as stream:
        for frame in frames(sound, 16_000):
            stream.push_frame(frame)
        async for event in stream:
            if event.alternatives:
                told.append((event.type.value, event.alternatives[0].text))
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                break
    await engine.aclose()
    return told


GROWING = [("interim_transcript", "one"), ("interim_transcript", "one two")]
FINAL = ("final_transcript", "one two")


async def test_nova_gives_interim_results_word_by_word_and_a_final_one() -> None:
    async with FakeDeepgram().running() as provider:
        assert await events(nova_engine(provider), "one two") == [*GROWING, FINAL]


async def test_flux_says_early_that_the_turn_may_be_over() -> None:
    async with FakeDeepgram().running() as provider:
        engine = deepgram.STTv2(
            api_key=provider.key, base_url=f"{provider.url}/v2/listen", eager_eot_threshold=0.5
        )
        told = await events(engine, "one two")
    assert told == [*GROWING, ("preflight_transcript", "one two"), FINAL]


async def test_openai_ends_a_segment_itself_in_realtime() -> None:
    async with FakeOpenAI().running() as provider:
        engine = stock.OpenAISTT(api_key=provider.key, base_url=provider.api_url, use_realtime=True)
        told = await events(engine, "one two")
    assert told == [GROWING[0], FINAL], "the plugin gives an interim every half second at most"


def test_the_real_voice_is_as_long_as_its_text_and_spreads_its_words_over_it() -> None:
    short, long = (espeak_voice(text, 24_000) for text in ("Yes.", SENTENCE))
    assert duration_s(long.pcm, 24_000) > 3 * duration_s(short.pcm, 24_000)
    assert "".join(word.text for word in long.words) == SENTENCE
    assert long.words[-1].end_s == pytest.approx(duration_s(long.pcm, 24_000))
