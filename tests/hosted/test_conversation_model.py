"""The model that judges conversations and plays callers, against a server that speaks OpenAI's language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit.agents import llm

from evals.conversations.model import KEY, MODEL, URL, ModelSettings, ModelUser, judge
from evals.conversations.scenario import ConversationError, Simulated
from evals.conversations.user import Done, Say
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.openai import CHAT, FakeOpenAI, Reply

PERSON = Simulated.model_validate(
    {"goal": "Have a timer.", "facts": ["It is for ten minutes."], "wants": [{"say": "a timer"}]}
)


@asynccontextmanager
async def model(*answers: str) -> AsyncIterator[tuple[llm.LLM[Any], FakeOpenAI]]:
    async with FakeOpenAI().running() as provider:
        provider.replies.extend(Reply(text=answer) for answer in answers)
        environ = {URL: provider.api_url, MODEL: "a-judge", KEY: provider.key}
        settings = ModelSettings.of(environ)
        assert settings is not None and provider.key not in repr(settings)
        opened = settings.open()
        try:
            yield opened, provider
        finally:
            await opened.aclose()


def asked(provider: FakeOpenAI) -> str:
    return str(provider.asked[-1].body["messages"])


@pytest.mark.parametrize(
    ("answer", "verdict", "why"),
    [
        ("PASS: one timer was set.", "met", "one timer was set."),
        ("FAIL. There were two.", "missed", "There were two."),
        ("Verdict: FAIL\nThere were two.", "missed", "There were two."),
        ("I cannot tell.", "not judged", "the model gave no verdict: 'I cannot tell.'"),
    ],
)
async def test_a_model_says_whether_a_statement_is_true(
    answer: str, verdict: str, why: str
) -> None:
    async with model(answer) as (judging, provider):
        check = await judge(judging, "There is one timer.", "Caller: hi", "end")
        assert (check.verdict, check.why, check.about) == (verdict, why, "task")
        assert "There is one timer." in asked(provider) and "Caller: hi" in asked(provider)


async def test_a_model_that_fails_judges_nothing() -> None:
    async with model() as (judging, provider):
        provider.plans[CHAT] = Plan.always(Fault(kind=Kind.STATUS, status=400))
        check = await judge(judging, "There is one timer.", "Caller: hi", "end")
    assert check.verdict == "not judged"
    assert check.why.startswith("the model failed")


async def test_a_model_plays_a_caller_until_it_has_what_it_wants() -> None:
    async with model('"Set a timer,\n please."', "Ten minutes.", "DONE") as (playing, provider):
        caller = ModelUser(playing, PERSON)
        assert await caller.begin() == Say("Set a timer, please.")
        assert await caller.heard("For how long?") == Say("Ten minutes.")
        assert await caller.heard("It is set.") == Done(is_content=True)
        told = asked(provider)
    assert "Have a timer." in told and "It is for ten minutes." in told
    assert "For how long?" in told and "Set a timer" in told


async def test_a_caller_that_gives_up_is_not_content() -> None:
    async with model("A timer.", "GIVE UP") as (playing, _):
        caller = ModelUser(playing, PERSON)
        await caller.begin()
        move = await caller.heard("")
    assert move == Done(is_content=False, why="the caller gave up")


def test_without_settings_there_is_no_model_and_half_of_them_is_a_mistake() -> None:
    assert ModelSettings.of({}) is None
    with pytest.raises(ConversationError, match=MODEL):
        ModelSettings.of({URL: "http://127.0.0.1:1/v1"})
    with pytest.raises(ConversationError, match=f"{URL} is not set"):
        ModelSettings.of({MODEL: "m"})
