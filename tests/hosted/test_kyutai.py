"""Kyutai's ears and voice against a moshi-server of our own, healthy and with every fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from livekit.agents import APIConnectionError, APIConnectOptions, stt, tts
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.plugins import kyutai
from livekit.plugins.chains import BreakerChanged, ChainSTT, ChainTTS, Member, Switched
from livekit.plugins.chains.faults import FaultKind, classify

from agent.turns.stt_events import pause_score_of
from tests.contract import common_checks
from tests.contract.stt_checks import Conversation
from tests.fakes.chains import OwningChainSTT
from tests.fakes.eventually import eventually
from tests.fakes.providers.coded_speech import TORN, read, say
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.kyutai import EARS, VOICE, FakeKyutai
from tests.hosted.stock import FAULTS, PORT_CLOSED, verdict
from tests.hosted.trials import ONCE, QUESTION, SENTENCE, SPOKEN, Outcome, listen, speak

EventType = stt.SpeechEventType
RATE_HZ = 24_000


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeKyutai]:
    async with FakeKyutai().running() as server:
        yield server


def options(server: FakeKyutai, **others: Any) -> kyutai.ServerOptions:
    return kyutai.ServerOptions(url=server.address, api_key=server.key, **others)


def ears(server: FakeKyutai) -> kyutai.STT:
    return kyutai.STT(options(server))


def voice(server: FakeKyutai) -> kyutai.TTS:
    return kyutai.TTS(options(server))


def test_its_plugin_is_registered() -> None:
    common_checks.check_registration(kyutai.TTS(kyutai.ServerOptions(url="ws://127.0.0.1:1")))


async def heard(engine: stt.STT[Any]) -> list[stt.SpeechEvent]:
    """The events of one question with quiet around it, and a flush at its end."""
    async with engine, Conversation(engine, RATE_HZ) as conversation:
        await conversation.quiet(0.5)
        await conversation.hear(say(QUESTION, RATE_HZ))
        await conversation.quiet(0.4)
        await eventually(lambda: conversation.of(EventType.PREFLIGHT_TRANSCRIPT))
        await conversation.flush()
        await conversation.end()
    return conversation.events


def texts(events: list[stt.SpeechEvent], *kinds: stt.SpeechEventType) -> list[str]:
    return [event.alternatives[0].text for event in events if event.type in kinds]


async def test_words_come_one_by_one_then_settle_and_are_final_to_the_letter(
    server: FakeKyutai,
) -> None:
    events = await heard(ears(server))
    growing = texts(events, EventType.INTERIM_TRANSCRIPT)
    words = QUESTION.split()
    assert growing == [" ".join(words[: count + 1]) for count in range(len(words))]
    assert texts(events, EventType.PREFLIGHT_TRANSCRIPT) == [QUESTION]
    assert texts(events, EventType.FINAL_TRANSCRIPT) == [QUESTION]


async def test_the_delay_is_not_waited_for_although_no_more_audio_comes(
    server: FakeKyutai,
) -> None:
    async with ears(server) as engine, Conversation(engine, RATE_HZ) as conversation:
        await conversation.quiet(0.5)
        await conversation.hear(say(QUESTION, RATE_HZ))
        final = await conversation.flush()
        await conversation.end()
    assert final.alternatives[0].text == QUESTION
    assert server.markers == 1


async def test_words_have_the_times_of_the_callers_audio(server: FakeKyutai) -> None:
    final = [
        event for event in await heard(ears(server)) if event.type is EventType.FINAL_TRANSCRIPT
    ]
    words = final[0].alternatives[0].words or []
    starts = [word.start_time for word in words]
    assert starts == pytest.approx([0.5 + 0.26 * place for place in range(5)], abs=0.09)
    assert all(0 < word.end_time - word.start_time <= 0.36 for word in words)


@pytest.mark.parametrize("in_chain", [False, True], ids=["alone", "in a chain"])
async def test_a_settled_text_carries_the_servers_score_of_the_pause(
    server: FakeKyutai, in_chain: bool
) -> None:
    """As it comes to the end-of-turn policy of a call, whose recogniser is a chain."""
    engine = OwningChainSTT(ears(server), ears(server)) if in_chain else ears(server)
    kinds = (EventType.PREFLIGHT_TRANSCRIPT, EventType.FINAL_TRANSCRIPT)
    settled = [it for it in await heard(engine) if it.type in kinds]
    assert {event.type for event in settled} == set(kinds)
    assert [pause_score_of(event) for event in settled] == [pytest.approx(0.9)] * len(settled)


async def test_words_that_have_not_settled_have_no_score(server: FakeKyutai) -> None:
    events = await heard(ears(server))
    growing = [it for it in events if it.type is EventType.INTERIM_TRANSCRIPT]
    assert growing and not any(map(pause_score_of, growing))


async def test_a_model_without_a_semantic_vad_and_with_a_longer_delay_does_as_well(
    server: FakeKyutai,
) -> None:
    server.pause_score, server.delay_frames = None, 32
    async with kyutai.STT(options(server, delay_s=2.5)) as engine:
        outcome = await listen(engine)
    assert (outcome.end, outcome.text) == ("done", QUESTION)


async def test_a_line_that_is_cut_is_taken_up_again_by_its_stream(server: FakeKyutai) -> None:
    again = APIConnectOptions(max_retry=2, retry_interval=0.0, timeout=5.0)
    async with (
        ears(server) as engine,
        Conversation(engine, RATE_HZ, conn_options=again) as conversation,
    ):
        await conversation.quiet(0.5)
        await eventually(lambda: server.taken[EARS])
        await server.inject(Fault(kind=Kind.RESET))
        await conversation.quiet(0.5)
        await eventually(lambda: server.plans[EARS].taken == 2)
        await conversation.hear(say(QUESTION, RATE_HZ))
        await conversation.quiet(0.3)
        final = await conversation.flush()
        await conversation.end()
    assert final.alternatives[0].text == QUESTION


@pytest.mark.parametrize("service", [EARS, VOICE])
async def test_a_place_is_given_back_when_the_caller_goes(server: FakeKyutai, service: str) -> None:
    if service == EARS:
        async with ears(server) as engine, Conversation(engine, RATE_HZ) as conversation:
            await conversation.quiet(0.5)
            await eventually(lambda: server.taken[EARS] == 1)
    else:
        server.step_s = 0.05
        async with voice(server) as engine, engine.stream(conn_options=ONCE) as stream:
            stream.push_text(SENTENCE)
            await anext(aiter(stream))
            assert server.taken[VOICE] == 1
    await eventually(lambda: server.taken[service] == 0)


async def test_no_place_left_is_a_busy_engine_that_is_not_retried(server: FakeKyutai) -> None:
    server.places = 0
    async with ears(server) as ear, voice(server) as mouth:
        for outcome in (await listen(ear), await speak(mouth)):
            assert outcome.end == "APIConnectionError final"
            assert outcome.error is not None
            assert classify(outcome.error).kind is FaultKind.BUSY
            assert "has no place left" in str(outcome.error)


async def test_where_no_place_is_left_the_chain_takes_the_next_recogniser_and_blames_nobody() -> (
    None
):
    events: list[object] = []
    async with FakeKyutai(places=0).running() as full, FakeKyutai().running() as free:
        first, second = ears(full), ears(free)
        members = [Member("first", first, 2.0), Member("second", second, 2.0)]
        async with ChainSTT(members, on_event=events.append) as chain:
            outcome = await listen(chain)
        await first.aclose()
        await second.aclose()
    assert outcome.text == QUESTION
    (switched,) = [event for event in events if isinstance(event, Switched)]
    assert (switched.to, switched.fault.kind) == ("second", FaultKind.BUSY)
    assert not [event for event in events if isinstance(event, BreakerChanged)]


async def test_where_no_place_is_left_the_chain_takes_the_next_voice_and_blames_nobody() -> None:
    events: list[object] = []
    async with FakeKyutai(places=0).running() as full, FakeKyutai().running() as free:
        first, second = voice(full), voice(free)
        members = [Member("first", first, 2.0), Member("second", second, 2.0)]
        async with ChainTTS(members, on_event=events.append) as chain:
            outcome = await speak(chain)
    assert outcome.text == SPOKEN
    (switched,) = [event for event in events if isinstance(event, Switched)]
    assert (switched.to, switched.fault.kind) == ("second", FaultKind.BUSY)
    assert not [event for event in events if isinstance(event, BreakerChanged)]


async def test_a_key_that_is_not_the_servers_is_told_as_such(server: FakeKyutai) -> None:
    async with kyutai.STT(kyutai.ServerOptions(url=server.address)) as engine:
        outcome = await listen(engine)
    assert outcome.error is not None and "set KYUTAI_API_KEY" in str(outcome.error)
    assert classify(outcome.error).kind is FaultKind.KEY


async def test_the_voice_speaks_before_the_text_is_complete(server: FakeKyutai) -> None:
    async with voice(server) as engine, engine.stream(conn_options=ONCE) as stream:
        for token in ("Hel", "lo ", "there, ", "this ", "is "):
            stream.push_text(token)
        first = await anext(aiter(stream))
        assert first.frame.duration > 0
        assert server.texts == ["Hello", "there,", "this", "is"]
        stream.push_text("all.")
        stream.end_input()
        pcm = b"".join([bytes(audio.frame.data) async for audio in stream])
    assert read(bytes(first.frame.data) + pcm, RATE_HZ) == ["hello", "there", "this", "is", "all"]
    assert server.texts[-1] == "all."


def timed(audio: list[tts.SynthesizedAudio]) -> list[TimedString]:
    told: list[TimedString] = []
    for piece in audio:
        told += piece.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ()
    return told


async def test_words_are_told_as_written_at_the_time_they_are_heard(server: FakeKyutai) -> None:
    text = "It is 10:30 — sharp."
    async with voice(server) as engine, engine.synthesize(text, conn_options=ONCE) as stream:
        audio = [piece async for piece in stream]
    words = timed(audio)
    assert "".join(words) == text
    assert [word.start_time for word in words] == pytest.approx([0.02, 0.28, 0.54, 1.06], abs=0.02)
    assert words[-1].end_time == pytest.approx(1.32, abs=0.02)


async def test_the_voice_that_is_asked_for_is_the_callers(server: FakeKyutai) -> None:
    name = "expresso/ex03-ex01_happy_001_channel1_334s.wav"
    async with kyutai.TTS(options(server), voice=name) as engine:
        await speak(engine)
    assert server.asked[-1].query == {"format": "PcmMessagePack", "voice": name}


async def test_a_server_that_waits_for_words_is_not_late(server: FakeKyutai) -> None:
    async with voice(server) as engine, engine.stream(conn_options=ONCE) as stream:
        stream.push_text("One two ")
        await asyncio.sleep(ONCE.timeout * 1.5)
        stream.push_text("three.")
        stream.end_input()
        pcm = b"".join([bytes(audio.frame.data) async for audio in stream])
    assert read(pcm, RATE_HZ) == ["one", "two", "three"]


AT_ONCE = 3
"""More would be late for the machine's sake."""

LOST = ("reset", "dropped (1006)", "error message 401", "error message 500", "garbage")
LATE = ("stall", "half-open")
HEARD = "APIConnectionError"
ENDS = (
    {PORT_CLOSED: HEARD, "reset": HEARD, "connection dropped": HEARD}
    | dict.fromkeys(("401", "403", "500", "HTML with 200"), HEARD)
    | {"429": f"{HEARD} final", "stall": "APITimeoutError", "half-open": "APITimeoutError"}
    | {f"{when}: {what}": HEARD for when in ("first", "midway") for what in LOST}
    | {f"{when}: {what}": "APITimeoutError" for when in ("first", "midway") for what in LATE}
    | {f"{when}: 10 MB line": HEARD for when in ("first", "midway")}
    | {f"{when}: HTML": "goes on" for when in ("first", "midway")}
    | {"first: truncated": "APITimeoutError"}
)
OF_EARS = ENDS | {
    "midway: truncated": "APITimeoutError",
    "nothing but empty": "unnoticed",
    "slow drip": "APITimeoutError",
}
OF_VOICE = ENDS | {
    "midway: truncated": HEARD,
    "nothing but empty": HEARD,
}
"""A sound that drips comes within every deadline: that it is too slow, the chain sees."""


async def met(service: str, fault: str | None) -> Outcome:
    """One request that meets the fault; None is a healthy one."""
    async with FakeKyutai().running() as server:
        if fault == PORT_CLOSED:
            await server.go_down()
        elif fault is not None and (meant := FAULTS[fault]):
            server.plans[service] = Plan.always(meant)
        if service == EARS:
            async with ears(server) as engine:
                return await listen(engine)
        async with voice(server) as speaker:
            return await speak(speaker)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("service", "told"), [(EARS, OF_EARS), (VOICE, OF_VOICE)])
async def test_every_fault_is_an_error_in_time(service: str, told: dict[str, str]) -> None:
    healthy = await met(service, None)
    assert healthy.end == "done"
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(fault: str) -> Outcome:
        async with turns:
            return await met(service, fault)

    outcomes = await asyncio.gather(*(in_turn(fault) for fault in told))
    seen = {fault: verdict(out, healthy) for fault, out in zip(told, outcomes, strict=True)}
    assert {fault: end for fault, end in seen.items() if end != told[fault]} == {}


@pytest.mark.parametrize("fault", ["nothing but empty", "midway: stall", "first: garbage", "401"])
async def test_what_one_server_does_not_hear_the_next_one_does(fault: str) -> None:
    async with FakeKyutai().running() as bad, FakeKyutai().running() as good:
        meant = FAULTS[fault]
        assert meant is not None
        bad.plans[EARS] = Plan.always(meant)
        async with OwningChainSTT(ears(bad), ears(good)) as chain:
            outcome = await listen(chain)
    assert outcome.text == QUESTION


async def test_a_voice_that_dies_in_mid_sentence_is_gone_on_with() -> None:
    async with FakeKyutai().running() as bad, FakeKyutai().running() as good:
        bad.plans[VOICE] = Plan.always(Fault(kind=Kind.RESET, after=30))
        first, second = voice(bad), voice(good)
        async with ChainTTS([Member("first", first, 2.0), Member("second", second, 2.0)]) as chain:
            outcome = await speak(chain)
    # The seam is a fade of 5 ms into the next word, whose end is the one before's: a blip here.
    assert [word for word in outcome.got if word != TORN] == SPOKEN.split()
    assert outcome.got.count(TORN) <= 1


async def test_no_server_at_the_address_is_one_sentence() -> None:
    async with kyutai.TTS(kyutai.ServerOptions(url="ws://127.0.0.1:9")) as engine:
        with pytest.raises(
            APIConnectionError, match=r"127\.0\.0\.1:9 cannot be reached: is it run"
        ):
            async with engine.synthesize("Hello.", conn_options=ONCE) as stream:
                await anext(aiter(stream))


async def test_a_text_without_a_sound_asks_for_no_place(server: FakeKyutai) -> None:
    async with voice(server) as engine, engine.synthesize("…", conn_options=ONCE) as stream:
        audio = [piece async for piece in stream]
    assert sum(piece.frame.duration for piece in audio) < 0.1
    assert not server.asked
