"""The goodbye of a call whose worker's time is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit.plugins import simulated

from agent.farewell import PATIENCE_S, Farewell, share_farewell
from tests.session.conversation import Conversation, conversation

pytestmark = pytest.mark.virtual_time

GOODBYE = "I have to end this call now. Goodbye!"
LONG = " ".join(["and then there is this as well."] * 60)
LOOK_S = 0.5


def now_s() -> float:
    return asyncio.get_running_loop().time()


class Scene:
    """The worker's file, and when calls were hung up."""

    def __init__(self, folder: Path) -> None:
        self.environment: dict[str, str] = {}
        self.word = share_farewell(folder, self.environment)
        self.hang_ups: list[float] = []

    @contextlib.contextmanager
    def watching(self, call: Conversation) -> Iterator[Farewell]:
        farewell = Farewell(
            call.session,
            GOODBYE,
            hang_up=lambda: self.hang_ups.append(now_s()),
            environment=self.environment,
        )
        farewell.attach()
        try:
            yield farewell
        finally:
            farewell.close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_in_silence_it_is_said_at_once_and_then_hung_up(scene: Scene) -> None:
    async with conversation(brain=simulated.LLM()) as call:
        with scene.watching(call):
            await call.until(5.0)
            assert not call.loudspeaker.played
            scene.word.touch()
            await call.until(20.0)
        (played,) = call.loudspeaker.played
    assert played.started_s is not None
    assert 5.0 < played.started_s < 5.0 + LOOK_S + 0.2
    assert played.is_whole and call.spoken() == [GOODBYE]
    assert scene.hang_ups == [pytest.approx(played.started_s + played.duration_s, abs=0.2)]


async def test_it_waits_for_the_callers_turn_and_its_answer(scene: Scene) -> None:
    async with conversation(brain=simulated.LLM()) as call:
        with scene.watching(call):
            call.say("what a nice day")
            await call.until(0.5)
            scene.word.touch()
            record = await call.record(1)
            await call.until(now_s() + 10)
    assert record.outcome == "answered"
    assert call.spoken() == [simulated.reply_text(1), GOODBYE]
    assert [played.is_whole for played in call.loudspeaker.played] == [True, True]
    assert len(scene.hang_ups) == 1


async def test_a_long_answer_is_interrupted_when_patience_is_over(scene: Scene) -> None:
    async with conversation(brain=simulated.LLM(reply=lambda _: LONG)) as call:
        with scene.watching(call):
            call.say("tell me everything")
            await call.until_agent_speaks()
            begun_s = now_s()
            scene.word.touch()
            await call.until(begun_s + 20)
        answer, goodbye = call.loudspeaker.played
    assert not answer.is_whole and goodbye.is_whole
    assert goodbye.started_s == pytest.approx(begun_s + PATIENCE_S, abs=LOOK_S + 0.3)
    assert len(scene.hang_ups) == 1


async def test_a_caller_who_goes_on_speaking_hears_it_all_the_same(scene: Scene) -> None:
    async with conversation(brain=simulated.LLM()) as call:
        with scene.watching(call):
            call.say("word " * 60)  # for eighteen seconds
            await call.until(1.0)
            scene.word.touch()
            await call.until(16.0)
        assert call.loudspeaker.played[0].is_whole
        assert call.spoken()[0] == GOODBYE
        assert scene.hang_ups[0] < 1.0 + LOOK_S + PATIENCE_S + 4.0


async def test_after_the_end_nothing_is_said(scene: Scene) -> None:
    async with conversation(brain=simulated.LLM()) as call:
        with scene.watching(call) as farewell:
            await call.until(1.0)
            farewell.close()
            scene.word.touch()
            await call.until(5.0)
        assert not call.loudspeaker.played


async def test_a_session_that_has_closed_is_no_error(scene: Scene) -> None:
    async with conversation(brain=simulated.LLM()) as call:
        with scene.watching(call):
            await call.session.aclose()
            scene.word.touch()
            await asyncio.sleep(PATIENCE_S)
    assert scene.hang_ups == []


async def test_without_a_worker_nobody_is_listened_to() -> None:
    async with conversation(brain=simulated.LLM()) as call:
        farewell = Farewell(call.session, GOODBYE, hang_up=lambda: None, environment={})
        farewell.attach()
        farewell.close()
