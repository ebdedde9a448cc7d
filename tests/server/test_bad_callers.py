"""Callers that break the rules are cut off or refused, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from livekit.plugins.modelserver import Limits, ModelServerClient
from livekit.plugins.modelserver.messages import OpenRequest, SpeakRequest, count_to_payload
from livekit.plugins.modelserver.protocol import Kind, encode
from livekit.plugins.speechcore import DEFAULT_VOICING, EngineBusy, EngineError

from tests.fakes.eventually import eventually
from tests.server.conftest import StartServer
from tests.server.dummies import DummyVoice
from tests.server.trial import TENTH, Trial, heard, raw_caller, spoken, words_of

OPEN = OpenRequest("ear", 16_000, 5.0).to_payload()
SPEAK = SpeakRequest("voice", 24_000, 5.0, "one two", DEFAULT_VOICING).to_payload()
QUICK = Limits(hello_s=0.1, frame_s=0.1, silent_s=0.2, slow_reader_s=0.1, unread_bytes=1 << 20)


async def _is_well(trial: Trial) -> None:
    """Somebody else is heard and spoken to."""
    caller = trial.caller()
    ear = trial.listener(client=caller)
    assert await heard(ear, 2) == "w0 w1"
    assert words_of(await spoken(trial.synthesiser(caller), "all is well")) == ["all", "is", "well"]
    caller.close()


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "does not speak the protocol"),
        (b"PM\x02" + encode(Kind.HELLO, 0, b"{}")[3:], "speaks version 2"),
        (encode(Kind.OPEN, 1, OPEN), "first frame must be HELLO"),
        (encode(Kind.HELLO, 0, b"{]"), "not JSON"),
        (encode(Kind.HELLO, 0, b'{"token": 7}'), "token must be a text"),
        (encode(Kind.HELLO, 0, bytes(5000)), "4096 are allowed"),
    ],
)
async def test_a_bad_greeting_is_answered_with_a_sentence_and_the_end(
    start: StartServer, sent: bytes, says: str
) -> None:
    trial = await start()
    async with raw_caller(trial.address) as caller:
        caller.writer.write(sent)
        assert says in await caller.next_fault()
        assert await caller.is_cut_off()
    await _is_well(trial)


@pytest.mark.parametrize("token", ["", "wrong", "right but longer", "röng"])
async def test_a_wrong_token_is_refused_on_tcp(start: StartServer, token: str) -> None:
    trial = await start(address="tcp://127.0.0.1:0", token="right")
    stranger = ModelServerClient(trial.address, token=token)
    with pytest.raises(EngineError, match="AGENT_MODELSERVER_TOKEN"):
        await spoken(trial.synthesiser(stranger), "let me in")
    stranger.close()
    friend = ModelServerClient(trial.address, token="right")
    assert words_of(await spoken(trial.synthesiser(friend), "hello")) == ["hello"]
    friend.close()


async def test_a_caller_that_does_not_greet_is_cut_off(start: StartServer) -> None:
    trial = await start(limits=QUICK)
    async with raw_caller(trial.address) as caller:
        assert await caller.is_cut_off()


async def test_a_caller_that_sends_half_a_frame_and_hangs_is_cut_off(start: StartServer) -> None:
    trial = await start(limits=QUICK)
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        caller.send(Kind.OPEN, 1, OPEN)
        caller.writer.write(encode(Kind.AUDIO, 1, TENTH)[:1000])
        await eventually(lambda: trial.ear.open_sessions == 1)
        await _is_well(trial)
        assert await caller.is_cut_off()
    await eventually(lambda: trial.ear.open_sessions == 0)


async def test_a_stream_that_never_ends_on_a_frames_edge_is_no_hang(start: StartServer) -> None:
    trial = await start(limits=QUICK)
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        stream = encode(Kind.PING) * 400
        for begin in range(0, len(stream), 17):
            caller.writer.write(stream[begin : begin + 17])
            await asyncio.sleep(0.001)
        for _ in range(400):
            assert (await caller.next()).kind is Kind.PONG


async def test_a_caller_that_falls_silent_is_cut_off(start: StartServer) -> None:
    trial = await start(limits=QUICK)
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        caller.send(Kind.OPEN, 1, OPEN)
        assert await caller.is_cut_off()
    await eventually(lambda: trial.ear.open_sessions == 0)


@pytest.mark.parametrize("window_is_open", [False, True])
async def test_a_caller_that_does_not_read_is_cut_off(
    start: StartServer, window_is_open: bool
) -> None:
    """Whether it keeps to the window or claims to have used what it never read."""
    trial = await start(limits=QUICK, voice=DummyVoice(step_s=0.001))
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        text = " ".join("x" * 5000)
        request = SpeakRequest("voice", 24_000, 5.0, text, DEFAULT_VOICING)
        for session in range(1, 9):
            caller.send(Kind.SPEAK, session, request.to_payload())
            if window_is_open:
                caller.send(Kind.MORE, session, count_to_payload(5000))
        for _ in range(100):
            if not trial.server.session_count:
                break
            with contextlib.suppress(ConnectionError):
                caller.send(Kind.PING)
            await asyncio.sleep(0.01)
        begun = len(trial.voice.begun)
        assert begun < 5000, "speech was made for somebody who does not listen"
        await _is_well(trial)


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([(Kind.OPEN, 0, OPEN)], "session 0 cannot be begun"),
        ([(Kind.OPEN, 1, OPEN), (Kind.OPEN, 1, OPEN)], "session 1 cannot be begun"),
        ([(Kind.FINAL, 1, b"")], "a caller does not send FINAL"),
        ([(Kind.HELLO, 0, b"{}")], "a caller does not send HELLO"),
    ],
)
async def test_frames_out_of_order_end_the_connection(
    start: StartServer, frames: list[tuple[Kind, int, bytes]], says: str
) -> None:
    trial = await start()
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        for kind, session, payload in frames:
            caller.send(kind, session, payload)
        assert says in await caller.next_fault()
        assert await caller.is_cut_off()
    await _is_well(trial)
    await eventually(lambda: trial.ear.open_sessions == 0)


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([(Kind.OPEN, 1, b"{}")], "engine must be a text"),
        ([(Kind.OPEN, 1, b"[" * 90_000)], "not JSON"),
        ([(Kind.SPEAK, 1, b"null")], "not a JSON object"),
        ([(Kind.OPEN, 1, OPEN), (Kind.AUDIO, 1, b"abc")], "16 bits"),
        ([(Kind.OPEN, 1, OPEN), (Kind.MORE, 1, bytes(4))], "MORE does not belong"),
        ([(Kind.OPEN, 1, OPEN), (Kind.FLUSH, 1, b""), (Kind.FLUSH, 1, b"")], "before the answer"),
    ],
)
async def test_a_bad_frame_of_a_session_ends_that_session_alone(
    start: StartServer, frames: list[tuple[Kind, int, bytes]], says: str
) -> None:
    trial = await start()
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        for kind, session, payload in frames:
            caller.send(kind, session, payload)
        assert says in await caller.next_fault()
        caller.send(Kind.SPEAK, 2, SPEAK)
        kinds = [(await caller.next()).kind for _ in range(3)]
        assert kinds == [Kind.CHUNK, Kind.CHUNK, Kind.DONE]
    await eventually(lambda: trial.ear.open_sessions == 0)


async def test_frames_for_a_session_that_has_ended_are_passed_over(start: StartServer) -> None:
    trial = await start()
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        for kind in (Kind.AUDIO, Kind.FLUSH, Kind.CLOSE, Kind.CANCEL, Kind.MORE):
            caller.send(kind, 77)
        caller.send(Kind.PING, 0, b"still there?")
        answer = await caller.next()
        assert (answer.kind, answer.payload) == (Kind.PONG, b"still there?")


async def test_ten_thousand_sessions_at_once_are_refused_beyond_the_limit(
    start: StartServer,
) -> None:
    trial = await start(capacity=20)
    busy = trial.caller()
    ear, voice = trial.listener(client=busy), trial.synthesiser(busy)
    assert await heard(ear, 1) == "w0"
    turns: list[int] = []

    async def go_on() -> None:
        while True:
            assert await heard(ear, 2) == "w0 w1"
            assert words_of(await spoken(voice, "one two")) == ["one", "two"]
            turns.append(1)

    async with raw_caller(trial.address) as caller:
        await caller.greet()
        flood = b"".join(encode(Kind.OPEN, n, OPEN) for n in range(1, 10_001))
        going_on = asyncio.create_task(go_on())
        caller.writer.write(flood)
        refused = [await caller.next() for _ in range(10_000 - 19)]
        turns_meanwhile = len(turns)
        await eventually(lambda: len(turns) > turns_meanwhile)
        going_on.cancel()
        await asyncio.wait({going_on})
        assert {frame.kind for frame in refused} == {Kind.AT_CAPACITY}
        assert "at capacity: it serves 20" in json.loads(refused[0].payload)["sentence"]
        assert trial.ear.open_sessions == 20
        assert turns_meanwhile > 1, "the others had to wait for the end of it"
    busy.close()
    await eventually(lambda: trial.ear.open_sessions == 0)


async def test_one_caller_has_so_many_sessions_and_no_more(start: StartServer) -> None:
    trial = await start(limits=Limits(sessions_per_connection=3))
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        for session in range(1, 5):
            caller.send(Kind.OPEN, session, OPEN)
        assert "as many sessions as one may have" in await caller.next_fault()
    await _is_well(trial)


async def test_more_callers_than_the_limit_are_turned_away(start: StartServer) -> None:
    trial = await start(limits=Limits(connections=2))
    callers = [trial.caller() for _ in range(3)]
    for caller in callers[:2]:
        assert words_of(await spoken(trial.synthesiser(caller), "hello")) == ["hello"]
    with pytest.raises(EngineBusy, match="serves 2 callers already"):
        await spoken(trial.synthesiser(callers[2]), "hello")
    for caller in callers:
        caller.close()
    await eventually(lambda: trial.server.describe()["sessions"] == 0)


async def test_a_caller_that_is_gone_leaves_nothing_behind(start: StartServer) -> None:
    trial = await start(voice=DummyVoice(step_s=0.02))
    async with raw_caller(trial.address) as caller:
        await caller.greet()
        caller.send(Kind.OPEN, 1, OPEN)
        caller.send(Kind.SPEAK, 2, SPEAK)
        await eventually(lambda: trial.server.session_count == 2)
    await eventually(lambda: trial.server.session_count == 0 and trial.ear.open_sessions == 0)
    await eventually(lambda: trial.voice.given_up == 1)
