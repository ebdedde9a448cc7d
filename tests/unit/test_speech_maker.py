"""What a clause maker gives to the engine, and what it learns from it."""

from __future__ import annotations

import asyncio

import pytest
from livekit.agents import APIError

from agent.speech.maker import ClauseMaker
from agent.speech.planner import ClausePlanner
from tests.fakes.listener import ONCE
from tests.fakes.paced_tts import Pace, PacedTTS

pytestmark = pytest.mark.virtual_time


def maker(pace: Pace) -> ClauseMaker:
    return ClauseMaker(PacedTTS(pace), ClausePlanner(), str.upper)


async def make(maker: ClauseMaker, *texts: str) -> None:
    await asyncio.gather(*(maker.make(maker.clause(text), ONCE) for text in texts))


async def test_the_engine_reads_the_text_as_it_is_spoken() -> None:
    engine = PacedTTS()
    maker = ClauseMaker(engine, ClausePlanner(), str.upper)
    clause = maker.clause("a text ")
    await maker.make(clause, ONCE)
    assert engine.texts == ["A TEXT"]
    assert (clause.written, clause.spoken) == ("a text ", "A TEXT")


async def test_it_learns_how_fast_an_engine_is() -> None:
    taught = maker(Pace(rtf=0.5, overhead_s=0.2, step_s=None))
    for chars in (14, 70, 28, 56):
        await make(taught, "x" * chars)
    assert taught.planner.work.fixed_s == pytest.approx(0.2, abs=0.03)
    assert taught.planner.work.per_s == pytest.approx(0.5, abs=0.03)
    assert taught.planner.first.of(2.0) == pytest.approx(1.2, abs=0.05)


async def test_it_learns_that_an_engine_gives_audio_as_it_goes() -> None:
    taught = maker(Pace(rtf=0.5, overhead_s=0.2, step_s=0.1))
    for chars in (14, 70, 28, 56):
        await make(taught, "x" * chars)
    assert taught.planner.first.of(5.0) < 0.5
    assert taught.planner.work.of(5.0) == pytest.approx(2.7, abs=0.1)


async def test_clauses_that_share_the_engine_teach_nothing() -> None:
    taught = maker(Pace(rtf=0.5))
    await make(taught, "one of them", "another", "and a third")
    assert taught.planner == ClausePlanner()


async def test_a_failure_teaches_nothing_and_goes_with_its_clause() -> None:
    taught = maker(Pace(errors={"BAD": RuntimeError("no")}))
    clause = taught.clause("bad")
    await taught.make(clause, ONCE)
    assert isinstance(clause.error, APIError) and clause.is_made
    assert taught.planner == ClausePlanner()


@pytest.mark.parametrize("text", ["…", "🙂", "  ", "--"])
async def test_the_engine_is_not_bothered_with_what_has_no_sound(text: str) -> None:
    engine = PacedTTS()
    maker = ClauseMaker(engine, ClausePlanner(), str)
    clause = maker.clause(text)
    await maker.make(clause, ONCE)
    assert clause.is_made and clause.error is None and engine.texts == []
