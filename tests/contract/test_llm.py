"""Every LLM of ours keeps livekit's contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from livekit.agents import function_tool, llm
from livekit.plugins import responder

from tests.contract import common_checks, llm_checks
from tests.contract.engines import LLMS, SLOW_LLMS, Case


@pytest_asyncio.fixture(params=LLMS, ids=lambda case: case.name)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[llm.LLM[Any]]:
    engine = request.param.make()
    yield engine
    await llm_checks.check_close_twice(engine)


def test_it_says_who_it_is(engine: llm.LLM[Any]) -> None:
    common_checks.check_identity(engine)
    common_checks.check_registration(engine)


async def test_it_answers_in_tokens_and_counts_them(engine: llm.LLM[Any]) -> None:
    await llm_checks.check_answers(engine)


async def test_it_gives_metrics(engine: llm.LLM[Any]) -> None:
    await llm_checks.check_metrics(engine)


async def test_odd_questions_are_answered(engine: llm.LLM[Any]) -> None:
    await llm_checks.check_odd_contexts(engine)


async def test_an_interruption_ends_it_at_once(engine: llm.LLM[Any]) -> None:
    await llm_checks.check_interruption(engine)


async def test_it_leaves_the_event_loop_free(engine: llm.LLM[Any]) -> None:
    await llm_checks.check_loop_stays_free(engine)


@pytest.mark.parametrize("case", SLOW_LLMS, ids=lambda case: case.name)
async def test_its_deadline_is_kept(case: Case) -> None:
    async with case.make() as engine:
        await llm_checks.check_deadline_is_kept(engine)


@function_tool
async def get_time(time_zone: str | None = None) -> str:
    """Tells the time."""
    return "It is a quarter past seven."


async def test_the_responder_calls_tools_as_any_model_does() -> None:
    async with responder.LLM() as engine:
        await llm_checks.check_tool_call(engine, "what time is it", get_time)
