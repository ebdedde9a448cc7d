"""Moshi's plugin against a server with a real Opus codec: both ways at once, and what goes wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from livekit.agents import Agent, AgentSession, llm
from livekit.plugins.moshi import Moshi, MoshiOptions, realtime_model
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout

from agent.realtime.moshi import check_moshi
from tests.fakes.audio_io import Loudspeaker, Microphone, Subtitles
from tests.fakes.duplex_line import DuplexLine
from tests.fakes.eventually import eventually
from tests.fakes.providers.coded_speech import read
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.moshi import CHAT, FakeMoshi

REPLY = "I hear you well"
LONG = "one two three four five six seven"
MIDWAY = 20
"""Pieces: some words into the first thing it says."""


PATIENT: Mapping[str, float] = {}
HASTY = {"handshake_s": 1.0, "stall_s": 2.0}
"""Where a server that is silent is waited for."""


def options(
    server: FakeMoshi, query: str = "", *, handshake_s: float = 10.0, stall_s: float = 10.0
) -> MoshiOptions:
    url = server.address + query
    return MoshiOptions(url=url, handshake_s=handshake_s, stall_s=stall_s, retries=1)


@asynccontextmanager
async def line(
    server: FakeMoshi, query: str = "", waits: Mapping[str, float] = PATIENT, **microphone: int
) -> AsyncIterator[DuplexLine]:
    session = realtime_model(options(server, query, **waits)).session()
    async with DuplexLine(session, **microphone).running() as running:
        yield running


async def is_over(call: DuplexLine, number: int = 1) -> None:
    """Waits until so many things have been said."""
    await eventually(lambda: len(call.said) >= number and call.said[number - 1].is_over)


@pytest.mark.parametrize("is_rust", [False, True])
async def test_a_question_is_answered_in_sound_and_in_words(is_rust: bool) -> None:
    async with (
        FakeMoshi(replies=(REPLY,), is_rust=is_rust).running() as server,
        line(server) as call,
    ):
        await eventually(lambda: server.minds)
        await call.speak("what time is it")
        await is_over(call)
    assert read(bytes(server.minds[0].heard), 24_000) == "what time is it".split()
    assert [said.words for said in call.said] == [REPLY.lower().split()]
    assert call.said[0].text.strip() == REPLY
    assert not call.errors


@pytest.mark.parametrize(("rate_hz", "num_channels"), [(48_000, 2), (16_000, 1)])
async def test_a_microphone_of_another_rate_is_understood(rate_hz: int, num_channels: int) -> None:
    async with (
        FakeMoshi(replies=(REPLY,)).running() as server,
        line(server, rate_hz=rate_hz, num_channels=num_channels) as call,
    ):
        await eventually(lambda: server.minds)
        await call.speak("what time is it")
        await is_over(call)
    assert read(bytes(server.minds[0].heard), 24_000) == "what time is it".split()


async def test_it_hears_the_caller_while_it_speaks_and_stops_by_itself() -> None:
    async with FakeMoshi(replies=(REPLY,), greeting=LONG).running() as server, line(server) as call:
        await eventually(lambda: call.said and len(call.said[0].words) > 1)
        await call.speak("please stop")
        await is_over(call, 2)
    (mind,) = server.minds
    assert mind.yielded == 1
    assert 2 <= len(call.said[0].words) < len(LONG.split())
    assert call.said[1].words == REPLY.lower().split()


async def test_it_speaks_on_while_the_microphone_sends_nothing_at_all() -> None:
    async with FakeMoshi(replies=(REPLY,), greeting=LONG).running() as server, line(server) as call:
        await eventually(lambda: call.said)
        call.is_muted = True
        await is_over(call)
    assert call.said[0].words == LONG.split()


async def test_what_the_address_says_about_sampling_goes_to_the_server() -> None:
    async with FakeMoshi(needs_key=True).running() as server:
        async with line(server, f"?text_seed=3&worker_auth_id={server.key}"):
            await eventually(lambda: server.minds)
    assert server.asked[0].query == {"text_seed": "3", "worker_auth_id": server.key}


REFUSALS: dict[str, tuple[Fault | None, type[EngineError], str]] = {
    "port closed": (None, EngineError, "cannot be reached"),
    "401": (Fault(kind=Kind.STATUS, status=401), EngineError, "wants a key"),
    "404": (Fault(kind=Kind.STATUS, status=404), EngineError, "is it a Moshi server"),
    "503": (Fault(kind=Kind.STATUS, status=503), EngineBusy, "no room"),
    "reset": (Fault(kind=Kind.RESET), EngineError, "broke off"),
    "html": (Fault(kind=Kind.HTML), EngineError, "is it a Moshi server"),
    "no answer": (Fault(kind=Kind.STALL), EngineTimeout, "did not answer"),
    "no handshake": (Fault(kind=Kind.STALL, after=0), EngineBusy, "did not begin"),
    "half-open": (Fault(kind=Kind.HALF_OPEN, after=0), EngineBusy, "did not begin"),
    "closed first": (Fault(kind=Kind.DROP, after=0), EngineError, "hung up"),
    "error first": (Fault(kind=Kind.STATUS, after=0), EngineError, "reports: error 500"),
    "no sound": (Fault(kind=Kind.EMPTY), EngineTimeout, "no sound for 2 s"),
}


async def refused(name: str) -> list[llm.RealtimeModelError]:
    """What is reported until one gives up."""
    async with FakeMoshi().running() as server:
        fault = REFUSALS[name][0]
        if fault is None:
            await server.go_down()
        else:
            server.plans[CHAT] = Plan.always(fault)
        async with line(server, waits=HASTY) as call:
            await eventually(lambda: call.errors and not call.errors[-1].recoverable, deadline_s=15)
            await asyncio.sleep(0.1)
            return call.errors


async def test_a_server_that_cannot_be_had_is_given_up_with_one_clear_error() -> None:
    for name, errors in zip(REFUSALS, await asyncio.gather(*map(refused, REFUSALS)), strict=True):
        _, kind, text = REFUSALS[name]
        (final,) = [error for error in errors if not error.recoverable]
        assert isinstance(final.error.__cause__, kind), (name, final.error)
        assert text in str(final.error), (name, final.error)
        assert len(errors) == (1 if kind is EngineBusy else 2), (name, errors)


async def test_the_next_caller_of_a_server_that_talks_already_is_told_that_it_is_busy() -> None:
    async with FakeMoshi(replies=(REPLY,)).running() as server, line(server) as first:
        await eventually(lambda: server.minds)
        async with line(server, waits=HASTY) as second:
            await eventually(lambda: second.errors)
        await first.speak("are you there")
        await is_over(first)
    assert isinstance(second.errors[0].error.__cause__, EngineBusy)
    assert not second.errors[0].recoverable
    assert not first.errors


BREAKS = {
    "dropped in mid-word": Fault(kind=Kind.DROP, after=MIDWAY),
    "reset in mid-word": Fault(kind=Kind.RESET, after=MIDWAY),
    "error in mid-word": Fault(kind=Kind.STATUS, after=MIDWAY),
    "stall in mid-word": Fault(kind=Kind.STALL, after=MIDWAY),
    "no more sound in mid-word": Fault(kind=Kind.TRUNCATE, after=MIDWAY),
    "huge message": Fault(kind=Kind.HUGE, after=MIDWAY),
}


async def survived(fault: Fault) -> DuplexLine:
    """The first conversation meets the fault; the caller speaks in the next one."""
    async with FakeMoshi(replies=(REPLY,), greeting=LONG).running() as server:
        server.plans[CHAT] = Plan.nth(1, fault)
        async with line(server, waits=HASTY) as call:
            await eventually(lambda: call.reconnections, deadline_s=15)
            await is_over(call, 2)
    return call


@pytest.mark.timeout(60)
async def test_a_line_that_breaks_is_made_anew_and_the_call_goes_on() -> None:
    calls = await asyncio.gather(*map(survived, BREAKS.values()))
    for name, call in zip(BREAKS, calls, strict=True):
        assert [error.recoverable for error in call.errors] == [True], name
        assert call.said[0].is_over and len(call.said[0].words) < len(LONG.split()), name
        assert call.said[1].words == LONG.split(), name


@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.WRONG_RATE])
async def test_a_broken_page_or_another_rate_in_the_head_is_no_reason_to_stop(kind: Kind) -> None:
    async with FakeMoshi(replies=(REPLY,), greeting=LONG).running() as server:
        server.plans[CHAT] = Plan.always(Fault(kind=kind, after=MIDWAY))
        async with line(server) as call:
            await is_over(call)
    assert call.said[0].words == LONG.split()
    assert not call.errors


async def test_sound_without_end_is_cut_off() -> None:
    async with FakeMoshi(replies=(REPLY,), floods=True).running() as server, line(server) as call:
        await eventually(lambda: call.errors and not call.errors[-1].recoverable)
    assert "more sound than it can make" in str(call.errors[-1].error)
    assert sum(len(said.pcm) for said in call.said) / 48_000 < 30


@pytest.mark.parametrize("wait_s", [0.0, 0.05, 0.7])
async def test_hanging_up_at_any_time_leaves_nothing_behind(wait_s: float) -> None:
    async with FakeMoshi(replies=(REPLY,), greeting=LONG).running() as server, line(server):
        await asyncio.sleep(wait_s)


async def test_a_session_that_was_never_configured_can_be_closed() -> None:
    await realtime_model(MoshiOptions(url="127.0.0.1:1")).session().aclose()


async def test_neither_the_log_nor_an_error_has_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeMoshi(needs_key=True).running() as server:
        async with line(server, "?worker_auth_id=sesame-close") as call:
            await eventually(lambda: call.errors and not call.errors[-1].recoverable)
    told = [str(call.errors[-1].error), repr(call.errors[-1].error)]
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]  # the fake's
    told += [str(vars(record)) for record in ours]
    assert ours
    assert not any("sesame-close" in text for text in told)


async def test_the_doctor_asks_the_server() -> None:
    async with FakeMoshi(needs_key=True).running() as server:
        assert await check_moshi(f"{server.address}?worker_auth_id={server.key}") is None
        assert "wants a key (401)" in str(await check_moshi(server.address))
        await server.go_down()
        assert "cannot be reached: is it running?" in str(await check_moshi(server.address))
    assert "is like ws://host:8998" in str(await check_moshi("ftp://host"))


async def test_in_a_livekit_session_it_is_heard_and_its_words_are_in_the_conversation() -> None:
    async with FakeMoshi(replies=(REPLY,), greeting="hello there").running() as server:
        session = AgentSession[None](llm=realtime_model(options(server)))
        microphone, loudspeaker, subtitles = Microphone(), Loudspeaker(), Subtitles()
        session.input.audio, session.output.audio = microphone, loudspeaker
        session.output.transcription = subtitles
        await session.start(Agent(instructions="Be brief."), record=False)
        await eventually(lambda: len(loudspeaker.played) == 1)
        microphone.speak(microphone.next_frame_s, 0.8)
        await eventually(lambda: len(loudspeaker.played) == 2)
        await eventually(lambda: len(session.history.messages()) == 2)
        await session.aclose()
        await loudspeaker.aclose()
    assert [message.text_content.strip() for message in session.history.messages()] == [
        "hello there",
        REPLY,
    ]
    assert subtitles.text.split() == ["hello", "there", *REPLY.split()]
    heard = b"".join(bytes(frame.data) for _, frame in loudspeaker.sink.frames)
    assert read(heard, 24_000) == ["hello", "there", *REPLY.lower().split()]


async def test_what_has_no_answer_is_told_to_the_next_conversation_in_one_piece() -> None:
    async with FakeMoshi(replies=(REPLY,)).running() as server:
        model = realtime_model(options(server))
        async with DuplexLine(model.session()).running() as call:
            await eventually(lambda: server.minds)
            assert isinstance(model.duplex_model, Moshi)
            model.duplex_model.unanswered_s = lambda: 4.0
            speaking = asyncio.create_task(call.speak("what time is it now"))
            await asyncio.sleep(0.7)
            await server.inject(Fault(kind=Kind.RESET))
            await speaking
            await is_over(call)
    assert len(server.minds) == 2
    assert read(bytes(server.minds[1].heard), 24_000) == "what time is it now".split()
    assert call.said[-1].words == REPLY.lower().split()


async def test_who_does_not_ask_for_it_is_told_nothing_again() -> None:
    async with FakeMoshi(replies=(REPLY,)).running() as server, line(server) as call:
        await eventually(lambda: server.minds)
        await call.speak("what time is it now")
        await is_over(call)
        await server.inject(Fault(kind=Kind.RESET))
        await eventually(lambda: len(server.minds) == 2 and len(server.minds[1].heard) > 48_000)
    assert not read(bytes(server.minds[1].heard), 24_000)
