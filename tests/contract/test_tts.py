"""Every TTS of ours keeps livekit's contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from copy import copy
from typing import Any

import pytest
import pytest_asyncio
from livekit.agents import tts

from tests.contract import common_checks, tts_checks
from tests.contract.engines import (
    CHAIN_TTSS,
    CLAUSE_TTSS,
    FAILURES,
    FAKE_TTS,
    KYUTAI_TTS,
    SERVED_TTS,
    SLOW_TTSS,
    TTSS,
    Case,
    Failure,
    OwningClauseTTS,
    clause_engine_tts,
    engine_tts,
    served_tts,
)
from tests.fakes.engines import FakeSynthesiser, fake_tts
from tests.fakes.eventually import eventually

Maker = Callable[..., tts.TTS[Any]]
MAKERS = (engine_tts, clause_engine_tts, served_tts)
MAKER_NAMES = ("whole", "by clauses", "by a model server")


@pytest_asyncio.fixture(
    params=[*TTSS, FAKE_TTS, SERVED_TTS, KYUTAI_TTS, *CLAUSE_TTSS, *CHAIN_TTSS],
    ids=lambda case: case.name,
)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[tts.TTS[Any]]:
    engine = request.param.make()
    yield engine
    await engine.aclose()
    await engine.aclose()  # closing twice is fine


def test_it_says_who_it_is(engine: tts.TTS[Any]) -> None:
    common_checks.check_identity(engine)


@pytest.mark.parametrize("case", TTSS, ids=lambda case: case.name)
def test_its_plugin_is_registered(case: Case) -> None:
    common_checks.check_registration(case.make())


async def test_it_speaks_24_khz_mono_in_one_segment_with_clean_edges(
    engine: tts.TTS[Any],
) -> None:
    await tts_checks.check_speaks(engine)


async def test_what_cannot_be_pronounced_is_silence(engine: tts.TTS[Any]) -> None:
    await tts_checks.check_unpronounceable_is_silence(engine)


async def test_it_gives_metrics(engine: tts.TTS[Any]) -> None:
    await tts_checks.check_metrics(engine)


async def test_an_interruption_ends_it_at_once(engine: tts.TTS[Any]) -> None:
    await tts_checks.check_interruption(engine)


async def test_it_leaves_the_event_loop_free(engine: tts.TTS[Any]) -> None:
    await tts_checks.check_loop_stays_free(engine)


@pytest.mark.parametrize("case", SLOW_TTSS, ids=lambda case: case.name)
async def test_its_deadline_is_kept(case: Case) -> None:
    async with case.make() as engine:
        await tts_checks.check_deadline_is_kept(engine)


@pytest.mark.parametrize("make", MAKERS, ids=MAKER_NAMES)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
async def test_what_an_engine_raises_is_reported(failure: Failure, make: Maker) -> None:
    async with make(errors=[copy(failure.error)]) as engine:
        await tts_checks.check_failure_is_reported(engine)


@pytest.mark.parametrize("make", MAKERS, ids=MAKER_NAMES)
@pytest.mark.parametrize(
    "failure", [f for f in FAILURES if f.is_retried], ids=lambda failure: failure.name
)
async def test_a_second_attempt_is_heard(failure: Failure, make: Maker) -> None:
    async with make(errors=[copy(failure.error)]) as engine:
        await tts_checks.check_retry(engine)


@pytest.mark.parametrize("is_by_clauses", [False, True], ids=MAKER_NAMES[:2])
async def test_an_interrupted_engine_stops_after_its_step(is_by_clauses: bool) -> None:
    synthesiser = FakeSynthesiser(step_s=0.02)
    whole = fake_tts(synthesiser)
    async with OwningClauseTTS(whole) if is_by_clauses else whole as engine:
        await tts_checks.check_interruption(engine)
        made = synthesiser.steps_made
    whole_text = len(tts_checks.LONG_TEXT) / 15 / 0.06
    assert made < whole_text / 4
    await eventually(lambda: synthesiser.is_closed)
