"""Every STT of ours keeps livekit's contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from livekit.agents import stt
from livekit.plugins import pocketsphinx

from tests.contract import common_checks, stt_checks
from tests.contract.engines import (
    CHAINED_STTS,
    FAILURES,
    FAKE_STT,
    KYUTAI_STT,
    SERVED_STT,
    SLOW_STTS,
    SOUND,
    STTS,
    Failure,
    SttCase,
    engine_stt,
    served_stt,
)
from tests.contract.stt_checks import RATES_HZ, Utterance
from tests.fakes.engines import FakeRecogniser
from tests.fakes.eventually import eventually

Maker = Callable[..., stt.STT[Any]]
MAKERS = (engine_stt, served_stt)
MAKER_NAMES = ("here", "by a model server")


@dataclass(frozen=True)
class Subject:
    engine: stt.STT[Any]
    utterance: Utterance


@pytest_asyncio.fixture(
    params=[*STTS, FAKE_STT, SERVED_STT, KYUTAI_STT, *CHAINED_STTS], ids=lambda case: case.name
)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    engine = request.param.make()
    yield Subject(engine, request.param.utterance)
    await engine.aclose()
    await engine.aclose()  # closing twice is fine


def test_it_says_who_it_is(subject: Subject) -> None:
    common_checks.check_identity(subject.engine)


@pytest.mark.parametrize("case", STTS, ids=lambda case: case.name)
def test_its_plugin_is_registered(case: SttCase) -> None:
    common_checks.check_registration(case.make())


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
async def test_it_understands_any_usual_input(
    subject: Subject, rate_hz: int, num_channels: int
) -> None:
    await stt_checks.check_input(subject.engine, subject.utterance, rate_hz, num_channels)


async def test_a_rate_that_changes_is_refused(subject: Subject) -> None:
    await stt_checks.check_changed_rate_is_refused(subject.engine)


async def test_a_preflight_is_the_final_that_follows(subject: Subject) -> None:
    await stt_checks.check_events(subject.engine, subject.utterance)


async def test_transcripts_have_a_language_and_times(subject: Subject) -> None:
    await stt_checks.check_data(subject.engine, subject.utterance)


async def test_a_flush_ends_the_segment(subject: Subject) -> None:
    await stt_checks.check_flush(subject.engine, subject.utterance)


async def test_where_nothing_is_said_nothing_is_heard(subject: Subject) -> None:
    await stt_checks.check_nothing_said(subject.engine)


async def test_it_gives_metrics_of_all_audio(subject: Subject) -> None:
    await stt_checks.check_metrics(subject.engine, subject.utterance)


async def test_a_recording_is_recognised(subject: Subject) -> None:
    await stt_checks.check_recording(subject.engine, subject.utterance)


async def test_an_interruption_ends_it_at_once(subject: Subject) -> None:
    await stt_checks.check_interruption(subject.engine, subject.utterance)


async def test_it_leaves_the_event_loop_free(subject: Subject) -> None:
    await stt_checks.check_loop_stays_free(subject.engine, subject.utterance)


@pytest.mark.parametrize("case", SLOW_STTS, ids=lambda case: case.name)
async def test_its_deadline_is_kept(case: SttCase) -> None:
    async with case.make() as engine:
        await stt_checks.check_deadline_is_kept(engine, case.utterance)


@pytest.mark.parametrize("make", MAKERS, ids=MAKER_NAMES)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
async def test_what_an_engine_raises_is_reported(failure: Failure, make: Maker) -> None:
    async with make(errors=[copy(failure.error)]) as engine:
        await stt_checks.check_failure_is_reported(engine, SOUND)


@pytest.mark.parametrize("make", MAKERS, ids=MAKER_NAMES)
@pytest.mark.parametrize(
    "failure", [f for f in FAILURES if f.is_retried], ids=lambda failure: failure.name
)
async def test_a_stream_goes_on_after_a_failure(failure: Failure, make: Maker) -> None:
    async with make(errors=[copy(failure.error)]) as engine:
        await stt_checks.check_retry(engine, SOUND)


async def test_an_interrupted_engine_stops_after_its_step_and_frees_its_session() -> None:
    recogniser = FakeRecogniser(step_s=0.02)
    async with pocketsphinx.STT(engine=recogniser) as engine:
        await stt_checks.check_interruption(engine, SOUND)
    made = recogniser.steps_made
    await eventually(lambda: recogniser.open_sessions == 0)
    assert recogniser.steps_made - made <= 1
    assert not recogniser.is_closed, "it was given, so it is not the plugin's to close"
