"""The checks of the suite fail where they should: each is given a plugin that breaks its rule."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from livekit.agents import function_tool, llm

from tests.contract import common_checks, llm_checks, stt_checks, tts_checks
from tests.contract.engines import SOUND
from tests.fakes import bad_plugins as bad
from tests.fakes.bad_plugins import BadLLM, BadSTT, BadTTS
from tests.fakes.heartbeat import Heartbeat
from tests.fakes.leaks import (
    assert_no_leaked_tasks,
    assert_no_leaked_threads,
    running_tasks,
    running_threads,
)

Check = Callable[[Any], Awaitable[None]]


async def test_a_tts_that_keeps_the_contract_passes() -> None:
    engine = BadTTS(bad.speak_well)
    common_checks.check_identity(engine)
    await tts_checks.check_metrics(engine)
    await tts_checks.check_loop_stays_free(engine)


@pytest.mark.parametrize(
    ("way", "check", "says"),
    [
        (bad.block_the_loop, tts_checks.check_loop_stays_free, "blocked for"),
        (bad.ignore_the_deadline, tts_checks.check_deadline_is_kept, "was not kept"),
        (bad.speak_well, tts_checks.check_deadline_is_kept, "without an error"),
        (bad.raise_as_it_comes, tts_checks.check_failure_is_reported, "not an APIError"),
        (bad.speak_well, tts_checks.check_failure_is_reported, "without an error"),
        (bad.begin_with_a_click, tts_checks.check_speaks, "begins at"),
        (bad.click_in_the_midst, tts_checks.check_speaks, "click"),
        (bad.whisper, tts_checks.check_speaks, "level"),
        (bad.speak_well, tts_checks.check_unpronounceable_is_silence, "too long"),
        (bad.cling_to_life, tts_checks.check_interruption, r"aclose\(\) took"),
    ],
)
async def test_a_bad_tts_is_found_out(way: bad.Way, check: Check, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        await check(BadTTS(way))


async def test_a_tts_that_gives_no_audio_for_an_ellipsis_is_found_out() -> None:
    with pytest.raises(Exception, match="no audio frames"):
        await tts_checks.check_unpronounceable_is_silence(BadTTS(bad.say_nothing_to_an_ellipsis))


async def test_an_stt_that_says_another_final_than_preflight_is_found_out() -> None:
    with pytest.raises(AssertionError, match="PREFLIGHT 'a sound', FINAL 'a sound!'"):
        await stt_checks.check_events(BadSTT("a sound", "a sound!", language="en"), _TWO)


async def test_an_stt_that_says_a_text_twice_is_found_out() -> None:
    with pytest.raises(AssertionError):
        await stt_checks.check_flush(BadSTT("sound"), SOUND)


@pytest.mark.parametrize(
    ("engine", "check"),
    [
        (lambda: BadSTT("sound", block_s=bad.BLOCK_S), stt_checks.check_loop_stays_free),
        (lambda: BadSTT("nonsense"), stt_checks.check_events),
        (lambda: BadSTT("sound"), stt_checks.check_events),  # no interim at all
        (lambda: BadSTT("sound", "sound", language=""), stt_checks.check_data),
        (lambda: BadSTT("sound", tells_usage=False), stt_checks.check_metrics),
        (lambda: BadSTT("sound", error=RuntimeError("no")), stt_checks.check_failure_is_reported),
        (lambda: BadSTT("sound"), stt_checks.check_failure_is_reported),
        (lambda: BadSTT("sound"), stt_checks.check_deadline_is_kept),
    ],
    ids=[
        "blocks",
        "nonsense",
        "no interim",
        "no language",
        "no usage",
        "plain error",
        "no error",
        "no deadline",
    ],
)
async def test_a_bad_stt_is_found_out(
    engine: Callable[[], BadSTT], check: Callable[..., Awaitable[None]]
) -> None:
    with pytest.raises(AssertionError):
        await check(engine(), SOUND)


async def test_an_stt_that_hears_words_in_silence_is_found_out() -> None:
    with pytest.raises(AssertionError):
        await stt_checks.check_nothing_said(BadSTT("sound"))


@function_tool
async def get_time() -> str:
    """Tells the time."""
    return "now"


def _call(arguments: str) -> llm.ChoiceDelta:
    call = llm.FunctionToolCall(name="get_time", arguments=arguments, call_id="1")
    return llm.ChoiceDelta(role="assistant", tool_calls=[call])


def _word(text: str) -> llm.ChoiceDelta:
    return llm.ChoiceDelta(role="assistant", content=text)


@pytest.mark.parametrize(
    ("engine", "check"),
    [
        (lambda: BadLLM(_word("all at once")), llm_checks.check_answers),
        (lambda: BadLLM(*map(_word, "abcdef")), llm_checks.check_answers),  # no usage
        (lambda: BadLLM(_word("a")), llm_checks.check_metrics),
        (lambda: BadLLM(_word("a"), block_s=bad.BLOCK_S), llm_checks.check_loop_stays_free),
        (lambda: BadLLM(_word("a")), llm_checks.check_deadline_is_kept),
        (lambda: BadLLM(_word("a")), llm_checks.check_failure_is_reported),
    ],
    ids=["one token", "no usage", "no tokens counted", "blocks", "no deadline", "no error"],
)
async def test_a_bad_llm_is_found_out(engine: Callable[[], BadLLM], check: Check) -> None:
    with pytest.raises(AssertionError):
        await check(engine())


async def test_arguments_that_are_not_complete_json_are_found_out() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        await llm_checks.check_tool_call(BadLLM(_call('{"zone": ')), "What time is it?", get_time)


async def test_a_tool_called_again_and_again_is_found_out() -> None:
    engine = BadLLM(_call("{}"), _word("It is a quarter past seven."))
    with pytest.raises(AssertionError, match="again and again"):
        await llm_checks.check_tool_call(engine, "What time is it?", get_time)


def test_an_engine_without_a_name_is_found_out() -> None:
    class Nameless(BadLLM):
        model = "unknown"

    with pytest.raises(AssertionError, match="who it is"):
        common_checks.check_identity(Nameless())


def test_an_unregistered_plugin_is_found_out() -> None:
    with pytest.raises(AssertionError, match="registered 0 times"):
        common_checks.check_registration(BadLLM())


async def test_a_task_left_behind_is_found_out() -> None:
    before = running_tasks()
    await tts_checks.say(BadTTS(bad.leave_a_task), "Hello.")
    with pytest.raises(AssertionError, match="left by a plugin"):
        await assert_no_leaked_tasks(before, grace_s=0.05)
    for task in bad.left_tasks:
        task.cancel()


def test_a_thread_left_behind_is_found_out() -> None:
    before = running_threads()
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="left-by-a-plugin")
    thread.start()
    with pytest.raises(AssertionError, match="left-by-a-plugin"):
        assert_no_leaked_threads(before, grace_s=0.05)
    release.set()
    thread.join()


async def test_a_busy_pool_does_not_count_as_a_blocked_loop() -> None:
    async with Heartbeat() as heartbeat:
        await asyncio.to_thread(_work_hard)
    assert heartbeat.longest_block_s < common_checks.LONGEST_BLOCK_S


def _work_hard() -> None:
    hashlib.pbkdf2_hmac("sha256", b"lets go of the interpreter", b"salt", 400_000)


_TWO = stt_checks.Utterance(SOUND.pcm, frozenset({"a", "sound!"}))
