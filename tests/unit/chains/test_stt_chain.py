"""A chain of recognisers in a call: what its listener hears when members fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from livekit import rtc
from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError, stt
from livekit.agents.metrics import STTMetrics
from livekit.plugins.chains import Breakers, BreakerState, FaultKind, Member
from livekit.plugins.chains.stt import ChainSTT
from livekit.plugins.speechcore import EngineError

from tests.fakes.audio import frames
from tests.fakes.coded_call import DEADLINE_S, FLUSH, Record, call
from tests.fakes.coded_stt import (
    RATE_HZ,
    WELL,
    CodedSTT,
    Health,
    Ill,
    Kind,
    noise_sound,
    quiet,
    spoken,
)
from tests.fakes.rate_limit import limited

pytestmark = pytest.mark.virtual_time

UTTERANCE = [quiet(0.5), spoken([1, 2, 3]), quiet(0.3), FLUSH, quiet(1.5)]
NEXT = [spoken([4, 5, 6]), quiet(0.3), FLUSH, quiet(1.5)]


def always(ill: Ill, after_s: float = 0.0) -> Callable[[int], Health]:
    return lambda number: Health(ill, after_s)


def once(ill: Ill, after_s: float = 0.0) -> Callable[[int], Health]:
    return lambda number: Health(ill, after_s) if number == 0 else WELL


def breakers() -> Breakers:
    return Breakers(chance=lambda: 0.5)


def lateness_s(record: Record) -> list[float]:
    """Of the first FINAL after each flush."""
    return [
        min(at_s for at_s in record.answers_s if at_s >= flush_s) - flush_s
        for flush_s in record.flushes
    ]


async def test_a_healthy_chain_is_its_first_member() -> None:
    first, second = CodedSTT("first"), CodedSTT("second")
    record = await call([first, second], [*UTTERANCE, *NEXT])
    assert record.finals == ["1 2 3", "4 5 6"]
    interims = [event.alternatives[0].text for _, event in record.of(Kind.INTERIM_TRANSCRIPT)]
    assert interims == ["1", "1 2", "1 2 3", "4", "4 5", "4 5 6"]
    assert (record.told, second.log.streams) == ([], 0)
    assert max(lateness_s(record)) < 0.06


@pytest.mark.parametrize("after_s", [0.0, 0.9, 1.4])
@pytest.mark.parametrize(
    "ill", [Ill.REFUSES, Ill.RAISES_AT_ONCE, Ill.DIES, Ill.LEAVES, Ill.GARBAGE]
)
async def test_an_error_is_not_noticed(ill: Ill, after_s: float) -> None:
    record = await call(
        [CodedSTT("first", health=always(ill, after_s)), CodedSTT("second")], [*UTTERANCE, *NEXT]
    )
    assert record.finals == ["1 2 3", "4 5 6"]
    assert max(lateness_s(record)) < 0.3
    assert {(it.source, it.to) for it in record.switches} == {("first", "second")}


@pytest.mark.parametrize("after_s", [0.0, 0.9, 1.4])
async def test_a_stall_costs_the_deadline(after_s: float) -> None:
    record = await call(
        [CodedSTT("first", health=once(Ill.STALLS, after_s)), CodedSTT("second")],
        [*UTTERANCE, *NEXT],
    )
    assert record.finals == ["1 2 3", "4 5 6"]
    assert max(lateness_s(record)) < DEADLINE_S + 0.3
    assert [event.fault.kind for event in record.switches] == [FaultKind.TIMEOUT]


async def test_a_deaf_member_costs_one_question_a_turn() -> None:
    record = await call(
        [CodedSTT("first", health=always(Ill.DEAF)), CodedSTT("second")], [*UTTERANCE, *NEXT]
    )
    assert record.finals == ["1 2 3", "4 5 6"]
    assert max(lateness_s(record)) < 0.4


async def test_where_all_are_deaf_there_is_no_word_and_no_fault() -> None:
    record = await call(
        [CodedSTT("first"), CodedSTT("second")],
        [quiet(0.5), noise_sound(1.2), quiet(0.4), FLUSH, quiet(1.5), *NEXT],
    )
    assert record.finals == ["4 5 6"]
    assert not record.switches
    assert [event.winner for event in record.hedges] == ["first", "first"]


async def test_minutes_of_silence_are_no_fault() -> None:
    stalled = CodedSTT("first", health=always(Ill.STALLS))
    record = await call([stalled, CodedSTT("second")], [quiet(120.0), FLUSH, quiet(2.0)])
    assert (record.error, record.told, record.finals) == (None, [], [])
    assert len(record.answers_s) == 2


@pytest.mark.parametrize("tells_times", [True, False])
@pytest.mark.parametrize("delay_s", [0.02, 0.2])
async def test_members_of_any_kind_take_over_from_each_other(
    tells_times: bool, delay_s: float
) -> None:
    kinds = [
        {},
        {"streams": False},
        {"answers_flush": False},
    ]
    for one in kinds:
        for other in kinds:
            members = [
                CodedSTT("first", health=once(Ill.DIES, 1.2), tells_times=tells_times, **one),
                CodedSTT("second", delay_s=delay_s, tells_times=tells_times, **other),
            ]
            record = await call(members, [*UTTERANCE, *NEXT])
            assert " ".join(record.finals) == "1 2 3 4 5 6", (one, other)


async def test_a_long_turn_is_not_lost_with_the_member_that_heard_it() -> None:
    numbers = [number % 20 for number in range(110)]
    record = await call(
        [CodedSTT("first", health=once(Ill.DIES, 36.0)), CodedSTT("second")],
        [quiet(0.5), spoken(numbers), quiet(0.3), FLUSH, quiet(3.0)],
        deadline_s=1.0,
    )
    assert " ".join(record.finals) == " ".join(map(str, numbers))


async def test_a_long_turn_through_a_member_that_recognises_recordings() -> None:
    numbers = [number % 20 for number in range(100)]
    script: list[object] = [quiet(0.5)]
    for place in range(0, 100, 10):
        script += [spoken(numbers[place : place + 10]), quiet(0.4)]
    record = await call([CodedSTT(streams=False)], [*script, FLUSH, quiet(1.0)])  # type: ignore[list-item]
    assert " ".join(record.finals) == " ".join(map(str, numbers))


async def test_whoever_never_closes_is_left_behind() -> None:
    stuck = CodedSTT("first", health=lambda number: Health(Ill.DIES, 1.0, never_closes=True))
    record = await call([stuck, CodedSTT("second")], [*UTTERANCE, *NEXT])
    assert record.finals == ["1 2 3", "4 5 6"]
    assert max(lateness_s(record)) < 0.3
    assert record.closing_s < 0.5


async def test_three_faults_open_the_breaker_and_a_probe_without_words_closes_it() -> None:
    first = CodedSTT("first", health=lambda n: Health(Ill.DIES, 0.6) if n < 3 else WELL)
    shared = breakers()
    turns = [*UTTERANCE, *NEXT, *NEXT, *NEXT]
    record = await call([first, CodedSTT("second")], [*turns, quiet(6.0), *NEXT], breakers=shared)
    assert record.finals == ["1 2 3", *["4 5 6"] * 4]
    assert len(record.switches) == 3
    assert shared.of("first").state is BreakerState.CLOSED
    assert first.log.heard_s[3] == pytest.approx(0.6, abs=0.01)  # 0.3 s of 16 kHz: the probe
    assert first.log.heard_s[4] > 1.0


async def test_a_refused_key_is_tried_once_in_all() -> None:
    refusing = CodedSTT(
        "first",
        health=always(Ill.RAISES_AT_ONCE),
        error=lambda: APIStatusError("no", status_code=401),
    )
    record = await call([refusing, CodedSTT("second")], [*UTTERANCE, *NEXT])
    assert record.finals == ["1 2 3", "4 5 6"]
    assert refusing.log.streams == 1


async def test_where_every_key_is_refused_nobody_is_asked_again_and_the_error_says_so() -> None:
    refusing = CodedSTT(
        "first",
        health=always(Ill.RAISES_AT_ONCE),
        error=lambda: APIStatusError("no", status_code=401),
    )
    shared = breakers()
    for _ in range(2):
        record = await call([refusing], [quiet(8.0), *UTTERANCE], breakers=shared)
        assert isinstance(record.error, APIConnectionError)
    assert "keys of all are refused" in str(record.error)
    assert refusing.log.streams == 1


@pytest.mark.parametrize("ill", [Health(Ill.RAISES_AT_ONCE), Health(Ill.DIES, 1.2)])
async def test_a_lone_member_is_left_alone_as_long_as_its_provider_says_and_no_word_is_lost(
    ill: Health,
) -> None:
    asked_s: list[float] = []

    def health(number: int) -> Health:
        asked_s.append(asyncio.get_running_loop().time())
        return ill if number == 0 else WELL

    engine = CodedSTT(health=health, error=lambda: limited(2.0))
    record = await call([engine], [*UTTERANCE, quiet(4.0), *NEXT])
    assert (record.finals, record.error) == (["1 2 3", "4 5 6"], None)
    failed_s = asked_s[0] + (ill.after_s if ill.ill is Ill.DIES else 0.0)
    assert asked_s[1] - failed_s >= 2.0


async def test_a_network_that_is_gone_for_a_moment_costs_no_word() -> None:
    def health(number: int) -> Health:
        return Health(Ill.DIES, 0.8) if number == 0 else Health(Ill.RAISES_AT_ONCE)

    engine = CodedSTT(health=lambda number: health(number) if number < 4 else WELL)
    record = await call([engine], [*UTTERANCE, quiet(2.0), *NEXT])
    assert (record.finals, record.error) == (["1 2 3", "4 5 6"], None)


async def test_when_all_fail_the_framework_gets_one_error_it_does_not_retry() -> None:
    members = [CodedSTT(name, health=always(Ill.DIES, 0.8)) for name in ("first", "second")]
    record = await call(members, UTTERANCE)
    assert isinstance(record.error, APIConnectionError)
    assert not record.error.retryable
    assert "the connection failed" in str(record.error)
    assert record.switches[-1].to is None
    assert [member.log.streams for member in members] == [8, 8], "for three seconds"


async def test_when_all_are_late_it_is_a_timeout() -> None:
    members = [CodedSTT(name, health=always(Ill.STALLS)) for name in ("first", "second")]
    record = await call(members, [*UTTERANCE, quiet(6.0)])
    assert isinstance(record.error, APITimeoutError)


async def test_a_chain_of_one_tries_it_again() -> None:
    record = await call([CodedSTT(health=once(Ill.DIES, 1.0))], UTTERANCE)
    assert record.finals == ["1 2 3"]


async def test_usage_and_metrics_are_those_of_the_members() -> None:
    first, second = CodedSTT("first", health=once(Ill.DIES, 1.0)), CodedSTT("second")
    record = await call([first, second], UTTERANCE)
    metrics = [metric for metric in record.metrics if isinstance(metric, STTMetrics)]
    assert {metric.metadata.model_name for metric in metrics if metric.metadata} == {
        "first",
        "second",
    }
    assert {metric.label for metric in metrics} == {first.label}
    assert record.of(Kind.RECOGNITION_USAGE)


def recording(*parts: bytes) -> list[rtc.AudioFrame]:
    return list(frames(b"".join(parts), RATE_HZ))


async def recognised(*members: CodedSTT) -> stt.SpeechEvent:
    async with ChainSTT([Member(member.name, member, DEADLINE_S) for member in members]) as chain:
        return await chain.recognize(recording(quiet(0.3), spoken([1, 2]), quiet(0.3)))


@pytest.mark.parametrize("ill", [Ill.REFUSES, Ill.STALLS, Ill.DIES])
async def test_a_recording_is_recognised_by_the_next(ill: Ill) -> None:
    event = await recognised(CodedSTT("first", health=always(ill)), CodedSTT("second"))
    assert event.alternatives[0].text == "1 2"


async def test_a_recording_goes_through_a_stream_where_there_is_no_other_way() -> None:
    streaming = CodedSTT(answers_flush=False)
    streaming.capabilities.offline_recognize = False
    event = await recognised(streaming)
    assert event.alternatives[0].text == "1 2"
    assert streaming.log.recordings == 0


async def test_a_recording_that_nobody_recognises_is_an_error() -> None:
    with pytest.raises(APIConnectionError):
        await recognised(CodedSTT(health=always(Ill.DIES), error=lambda: EngineError("broken")))


async def test_a_chain_says_what_its_members_can_together() -> None:
    mixed = ChainSTT(
        [Member("a", CodedSTT(streams=False), 1.0), Member("b", CodedSTT(answers_flush=False), 1.0)]
    )
    abilities = mixed.capabilities
    assert abilities.streaming and abilities.interim_results and abilities.manual_flush
    assert abilities.aligned_transcript == "word"
    batch = ChainSTT([Member("a", CodedSTT(streams=False, tells_times=False), 1.0)])
    assert not batch.capabilities.interim_results
    assert not batch.capabilities.aligned_transcript
    with pytest.raises(ValueError):
        ChainSTT([])
    await mixed.aclose()
    await batch.aclose()


async def test_times_are_those_of_the_callers_audio_after_a_replay() -> None:
    record = await call([CodedSTT("a", health=once(Ill.DIES, 1.2)), CodedSTT("b")], UTTERANCE)
    (_, event), *_ = record.of(Kind.FINAL_TRANSCRIPT)
    words = event.alternatives[0].words or []
    starts_s = [word.start_time for word in words]
    assert starts_s == pytest.approx([0.5, 0.84, 1.18], abs=0.03)


async def test_a_stream_that_is_closed_in_the_midst_leaves_nothing() -> None:
    engine = CodedSTT()
    async with ChainSTT([Member("a", engine, 1.0)]) as chain:
        stream = chain.stream()
        for frame in recording(quiet(0.3), spoken([1])):
            stream.push_frame(frame)
        await asyncio.sleep(0.01)
        await stream.aclose()
        await stream.aclose()
    assert engine.log.open_streams == 0
