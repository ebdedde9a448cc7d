"""What a call gets from the model server."""

from __future__ import annotations

import asyncio
import time

import pytest
from livekit.plugins.modelserver import Limits, RemoteSynthesiser
from livekit.plugins.modelserver.speaking import WINDOW
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout, Transcript

from tests.fakes.eventually import eventually
from tests.fakes.heartbeat import Heartbeat
from tests.server.conftest import StartServer
from tests.server.dummies import DummyEar, DummyVoice, PlainEar
from tests.server.trial import TENTH, heard, spoken, words_of

EARS = pytest.mark.parametrize("ear_type", [DummyEar, PlainEar], ids=["feeds", "decodes at once"])


@EARS
async def test_sound_becomes_interims_and_a_final_text(
    start: StartServer, ear_type: type[DummyEar]
) -> None:
    trial = await start(ear=ear_type())
    updates: list[Transcript] = []
    ear = trial.listener(updates=updates)
    await ear.accept(TENTH * 2)
    await eventually(lambda: updates)
    assert (await ear.accept(TENTH)).text == "w0 w1", "accept returns the newest there is"
    await eventually(lambda: updates[-1].text == "w0 w1 w2")
    final = await ear.finish()
    assert final == Transcript("w0 w1 w2", final.words, 1.0, True)
    assert await heard(ear, 1) == "w0", "the next segment is its own"
    ear.close()
    await eventually(lambda: trial.ear.open_sessions == 0)


@EARS
async def test_all_sound_before_a_flush_is_in_its_final(
    start: StartServer, ear_type: type[DummyEar]
) -> None:
    trial = await start(ear=ear_type(step_s=0.02))
    ear = trial.listener()
    for _ in range(3):
        assert await heard(ear, 20) == " ".join(f"w{n}" for n in range(20))
    ear.close()


async def test_a_final_overtakes_the_interims_of_others(start: StartServer) -> None:
    trial = await start(ear=DummyEar(step_s=0.03))
    crowd = [trial.listener() for _ in range(8)]
    for ear in crowd:
        await ear.accept(TENTH)
    begun_s = time.monotonic()
    assert await heard(trial.listener(), 1) == "w0"
    assert time.monotonic() - begun_s < 5 * 0.03, "it waited for the interims"


async def test_interims_that_come_too_late_are_skipped(start: StartServer) -> None:
    trial = await start(ear=DummyEar(step_s=0.05))
    ear = trial.listener()
    for _ in range(30):
        await ear.accept(TENTH)
        await asyncio.sleep(0.001)
    assert (await ear.finish()).text.endswith("w29")
    assert trial.ear.decodes <= 4, "each interim was decoded although newer sound had come"


async def test_interims_of_several_calls_are_decoded_together_when_that_is_set(
    start: StartServer,
) -> None:
    trial = await start(ear=DummyEar(step_s=0.02), max_batch=4)
    updates: list[list[Transcript]] = [[] for _ in range(5)]
    ears = [trial.listener(updates=each) for each in updates]
    for _ in range(3):
        for ear in ears:
            await ear.accept(TENTH)
        await asyncio.sleep(0.05)
    await eventually(lambda: all(each and each[-1].text == "w0 w1 w2" for each in updates))
    assert max(trial.ear.batches) > 1
    assert max(trial.ear.batches) <= 4


async def test_a_text_becomes_speech_with_the_times_of_its_words(start: StartServer) -> None:
    trial = await start()
    chunks = await spoken(trial.synthesiser(), "good morning to you")
    assert words_of(chunks) == ["good", "morning", "to", "you"]
    assert [chunk.words[0].start_s for chunk in chunks] == pytest.approx([0.0, 0.05, 0.1, 0.15])
    assert sum(len(chunk.pcm) for chunk in chunks) == 2 * 4 * 1200


async def test_a_text_of_no_words_is_no_speech(start: StartServer) -> None:
    trial = await start()
    assert await spoken(trial.synthesiser(), "") == []


async def test_a_first_text_goes_before_a_third_of_another_call(start: StartServer) -> None:
    trial = await start(voice=DummyVoice(step_s=0.02))
    other = trial.caller()
    theirs = trial.synthesiser(other)
    texts = ["a1 a2 a3 a4 a5 a6", "b1 b2 b3 b4", "c1 c2 c3 c4"]
    async with asyncio.TaskGroup() as group:
        for text in texts:
            group.create_task(spoken(theirs, text))
        await eventually(lambda: "a2" in trial.voice.begun)
        group.create_task(spoken(trial.synthesiser(), "first"))
    begun = trial.voice.begun
    assert begun.index("first") < min(begun.index("b1"), begun.index("c1"), begun.index("a6"))
    other.close()


async def test_a_cancelled_text_stops_within_one_step(start: StartServer) -> None:
    trial = await start(voice=DummyVoice(step_s=0.05))
    speech = trial.synthesiser().speak("one two three four five six", timeout_s=1.0)
    await anext(speech)
    await anext(speech)
    begun = len(trial.voice.begun)
    await speech.aclose()
    await eventually(lambda: trial.voice.given_up == 1)
    assert len(trial.voice.begun) <= begun + 1
    assert trial.server.session_count == 0
    assert words_of(await spoken(trial.synthesiser(), "again")) == ["again"]


async def test_a_cancelled_text_that_waits_is_never_begun(start: StartServer) -> None:
    trial = await start(voice=DummyVoice(step_s=0.1))
    voice = trial.synthesiser()
    first = asyncio.create_task(spoken(voice, "one two"))
    await eventually(lambda: trial.voice.begun)
    second = asyncio.create_task(spoken(voice, "never"))
    await asyncio.sleep(0.02)
    second.cancel()
    assert words_of(await first) == ["one", "two"]
    assert "never" not in trial.voice.begun


async def test_a_session_closed_while_it_decodes_is_freed_after_the_step(
    start: StartServer,
) -> None:
    trial = await start(ear=DummyEar(step_s=0.1))
    ear = trial.listener()
    await ear.accept(TENTH)
    await eventually(lambda: trial.ear.open_sessions == 1)
    ear.close()
    ear.close()
    await eventually(lambda: trial.ear.open_sessions == 0)
    assert trial.ear.decodes <= 1
    with pytest.raises(EngineError, match="closed"):
        await ear.accept(TENTH)


async def test_speech_that_nobody_uses_stops_the_engine_and_goes_on_later(
    start: StartServer,
) -> None:
    trial = await start()
    text = " ".join(f"w{n}" for n in range(3 * WINDOW))
    speech = trial.synthesiser().speak(text, timeout_s=5.0)
    first = await anext(speech)
    await eventually(lambda: len(trial.voice.begun) == WINDOW)
    await asyncio.sleep(0.02)
    assert len(trial.voice.begun) == WINDOW
    assert words_of([first, *[chunk async for chunk in speech]]) == text.split()


async def test_speech_in_large_pieces_comes_whole(start: StartServer) -> None:
    class Orator(DummyVoice):
        def steps(self, text: str, voicing: object = None):  # type: ignore[no-untyped-def]
            for chunk in super().steps(text):
                yield type(chunk)(bytes(3_000_000), chunk.words)

    trial = await start(voice=Orator())
    chunks = await spoken(trial.synthesiser(), "a b")
    assert sum(len(chunk.pcm) for chunk in chunks) == 6_000_000
    assert words_of(chunks) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("good fail", "the voice is hoarse: give it tea"),
        ("good break", r"the engine failed \(RuntimeError\)"),
        ("good odd", "that are none"),
        ("good nan", "that are none"),
        ("x" * 100_000, "100000 characters is too long"),
        ("x" * 3_000_000, "cannot be sent"),
    ],
)
async def test_what_goes_wrong_with_a_text_is_one_sentence_and_disturbs_nobody(
    start: StartServer, text: str, says: str
) -> None:
    trial = await start(voice=DummyVoice(step_s=0.01))
    voice = trial.synthesiser()
    other = asyncio.create_task(spoken(voice, "one two three four"))
    with pytest.raises(EngineError, match=says) as error:
        await spoken(voice, text)
    assert type(error.value) is EngineError
    assert words_of(await other) == ["one", "two", "three", "four"]


async def test_what_a_library_says_does_not_reach_the_log(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    trial = await start()
    with pytest.raises(EngineError):
        await spoken(trial.synthesiser(), "break")
    (record,) = [record for record in caplog.records if record.message == "a step failed"]
    assert record.__dict__["error"] == "RuntimeError"
    assert any("_speak" in place for place in record.__dict__["where"])
    assert "cannot say" not in caplog.text + str(record.__dict__)


@pytest.mark.parametrize(
    ("language", "error", "says"),
    [
        ("none", EngineError, "knows no such language"),
        ("full", EngineBusy, "the ear is full"),
        ("break", EngineError, "RuntimeError"),
    ],
)
async def test_what_goes_wrong_with_hearing_is_raised_by_the_next_call(
    start: StartServer, language: str, error: type[EngineError], says: str
) -> None:
    trial = await start()
    good, bad = trial.listener(), trial.listener(language=language)
    await bad.accept(TENTH)
    with pytest.raises(error, match=says):
        await bad.finish()
    with pytest.raises(error, match=says):
        await bad.accept(TENTH)
    assert await heard(good, 2) == "w0 w1"
    await eventually(lambda: trial.server.session_count == 1)


async def test_half_a_sample_is_refused(start: StartServer) -> None:
    trial = await start()
    with pytest.raises(EngineError, match="16 bits"):
        await trial.listener().accept(b"abc")


async def test_a_final_text_that_is_late_is_a_timeout_and_others_are_heard(
    start: StartServer,
) -> None:
    trial = await start(threads=2)
    ear = trial.listener(language="hang", timeout_s=0.1)
    await ear.accept(TENTH[:100])
    begun_s = time.monotonic()
    with pytest.raises(EngineTimeout):
        await ear.finish()
    assert 0.09 < time.monotonic() - begun_s < 0.5
    assert await heard(trial.listener(), 1) == "w0"


async def test_an_interim_that_hangs_is_noticed_by_the_server(start: StartServer) -> None:
    trial = await start(threads=2)
    ear = trial.listener(language="hang", timeout_s=0.1)
    await ear.accept(TENTH)
    await asyncio.sleep(0.25)
    with pytest.raises(EngineTimeout, match=r"within 0\.1 s"):
        await ear.accept(TENTH)


async def test_speech_that_is_late_is_a_timeout(start: StartServer) -> None:
    trial = await start()
    with pytest.raises(EngineTimeout):
        await spoken(trial.synthesiser(), "hang", timeout_s=0.1)


async def test_an_engine_of_which_every_thread_hangs_is_busy_until_one_returns(
    start: StartServer,
) -> None:
    trial = await start()
    with pytest.raises(EngineTimeout):
        await spoken(trial.synthesiser(), "hang", timeout_s=0.1)
    await eventually(lambda: not trial.server.is_ready)
    with pytest.raises(EngineBusy, match="missed its deadline"):
        await spoken(trial.synthesiser(), "hello")
    trial.voice.released.set()
    await eventually(lambda: trial.server.is_ready)
    assert words_of(await spoken(trial.synthesiser(), "hello")) == ["hello"]


async def test_beyond_capacity_is_busy_and_one_that_leaves_makes_room(start: StartServer) -> None:
    trial = await start(capacity=2)
    ears = [trial.listener() for _ in range(2)]
    for ear in ears:
        assert await heard(ear, 1) == "w0"
    third = trial.listener()
    await third.accept(TENTH)
    with pytest.raises(EngineBusy, match="at capacity: it serves 2 callers"):
        await third.finish()
    ears[0].close()
    assert await heard(trial.listener(), 1) == "w0"
    assert await heard(ears[1], 1) == "w0"


async def test_a_caller_that_speaks_may_have_several_texts_at_once(start: StartServer) -> None:
    trial = await start(capacity=1, voice=DummyVoice(step_s=0.02))
    voice = trial.synthesiser()
    async with asyncio.TaskGroup() as group:
        for text in ("a b", "c d", "e f"):
            group.create_task(spoken(voice, text))
        await eventually(lambda: trial.voice.begun)
        other = trial.caller()
        with pytest.raises(EngineBusy):
            await spoken(trial.synthesiser(other), "me too")
        other.close()


async def test_a_session_with_too_much_unheard_sound_is_given_up(start: StartServer) -> None:
    trial = await start(ear=PlainEar(step_s=0.2), limits=Limits(waiting_audio_s=1.0))
    ear = trial.listener()
    with pytest.raises(EngineBusy, match="does not keep up"):
        for _ in range(50):
            await ear.accept(TENTH)
            await asyncio.sleep(0.001)


async def test_engines_that_are_not_there_or_do_not_fit_are_named(start: StartServer) -> None:
    trial = await start()
    for name, rate_hz, says in (
        ("piano", 24_000, "no tts engine 'piano'; it has ear, voice"),
        ("ear", 16_000, "no tts engine 'ear'"),
        ("voice", 22_050, "voice works at 24000 Hz, not at 22050 Hz"),
    ):
        with pytest.raises(EngineError, match=says):
            await spoken(RemoteSynthesiser(trial.client, name, sample_rate_hz=rate_hz), "hello")


async def test_eight_calls_at_once_are_heard_and_spoken_to(start: StartServer) -> None:
    trial = await start(ear=DummyEar(step_s=0.005), voice=DummyVoice(step_s=0.005))
    callers = [trial.caller() for _ in range(8)]

    async def call(number: int) -> None:
        ear = trial.listener(client=callers[number])
        voice = trial.synthesiser(callers[number])
        for turn in range(3):
            assert await heard(ear, 5 + turn) == " ".join(f"w{n}" for n in range(5 + turn))
            text = f"{number}a {number}b {number}c"
            assert words_of(await spoken(voice, text)) == text.split()
        ear.close()

    async with Heartbeat() as heartbeat, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(call(number))
    assert heartbeat.longest_block_s < 0.05
    for caller in callers:
        caller.close()
    await eventually(lambda: trial.ear.open_sessions == 0)


async def test_status_tells_what_is_served(start: StartServer) -> None:
    trial = await start(capacity=3)
    ear = trial.listener()
    assert await heard(ear, 1) == "w0"
    status = await trial.client.status(timeout_s=1.0)
    assert status["ready"] is True
    assert status["sessions"] == 1
    assert status["engines"]["ear"] == {
        "kind": "stt",
        "model": "dummy-ear",
        "rate": 16_000,
        "capacity": 3,
        "free": 2,
    }
    assert trial.client.description["engines"]["voice"]["free"] == 3


async def test_measured_capacity_follows_the_cost_of_the_steps(start: StartServer) -> None:
    trial = await start(voice=DummyVoice(step_s=0.025), capacity=None)
    before = (await trial.client.status(timeout_s=1.0))["engines"]["voice"]["capacity"]
    await spoken(trial.synthesiser(), " ".join("x" * 40))  # half of real time
    after = (await trial.client.status(timeout_s=1.0))["engines"]["voice"]["capacity"]
    assert before == 4
    assert 1 <= after < before
