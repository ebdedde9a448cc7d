"""Every VAD of ours keeps livekit's contract, livekit's own is measured with the same yardstick,
and the checks find out each VAD that does not."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from livekit.agents import inference, vad
from livekit.plugins import ten_vad, webrtc_vad
from livekit.plugins.speechcore.vad import SpeechBounds

from agent.turns.caller_vad import CallerVAD
from tests.contract import common_checks, vad_checks
from tests.contract.vad_checks import LOUD, RATES_HZ, SPOKEN, EventType, Voice
from tests.fakes import bad_vads as bad
from tests.fakes.bad_vads import BadVAD, loudness_vad


@dataclass(frozen=True)
class VadCase:
    name: str
    make: Callable[[], vad.VAD]
    voice: Voice = SPOKEN


PLUGINS = (VadCase("ten_vad", ten_vad.VAD), VadCase("webrtc_vad", webrtc_vad.VAD))
OURS = (*PLUGINS, VadCase("any detector", loudness_vad, LOUD))
ALL = (*OURS, VadCase("livekit's own", inference.VAD))

ours = pytest.mark.parametrize("case", OURS, ids=lambda case: case.name)
all_vads = pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)


@all_vads
async def test_it_says_who_it_is(case: VadCase) -> None:
    vad_checks.check_identity(case.make())


@pytest.mark.parametrize("case", PLUGINS, ids=lambda case: case.name)
def test_its_plugin_is_registered(case: VadCase) -> None:
    common_checks.check_registration(case.make())


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@ours
async def test_it_tells_of_every_window_with_the_sound_of_it(
    case: VadCase, rate_hz: int, num_channels: int
) -> None:
    await vad_checks.check_windows(case.make(), rate_hz, num_channels, case.voice)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
@all_vads
async def test_speech_starts_and_ends_once_at_the_right_time(case: VadCase, rate_hz: int) -> None:
    await vad_checks.check_speech(case.make(), case.voice, rate_hz)


@all_vads
async def test_a_flush_forgets_speech(case: VadCase) -> None:
    await vad_checks.check_flush(case.make(), case.voice)


@all_vads
async def test_where_nothing_is_said_nothing_is_heard(case: VadCase) -> None:
    await vad_checks.check_nothing_said(case.make())


@all_vads
async def test_two_callers_are_heard_apart(case: VadCase) -> None:
    await vad_checks.check_streams_are_apart(case.make(), case.voice)


@all_vads
async def test_it_gives_metrics(case: VadCase) -> None:
    await vad_checks.check_metrics(case.make(), case.voice)


@all_vads
async def test_it_leaves_the_event_loop_free(case: VadCase) -> None:
    await vad_checks.check_loop_stays_free(case.make(), case.voice)


@all_vads
async def test_closing_it_in_the_midst_returns_at_once(case: VadCase) -> None:
    await vad_checks.check_close(case.make(), case.voice)


async def test_a_failing_model_is_no_speech_and_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, logger="livekit.plugins.speechio"):
        await vad_checks.check_failure_is_no_speech(loudness_vad(_NO))
    assert len(caplog.records) == 1


@ours
async def test_the_agent_hears_a_caller_through_it(case: VadCase) -> None:
    pcm = vad_checks.sentence(case.voice, 24_000)
    events = await vad_checks.hear(CallerVAD(case.make()), pcm)
    kinds = [event.type for event in vad_checks.edges(events)]
    assert kinds == [EventType.START_OF_SPEECH, EventType.END_OF_SPEECH]
    end = vad_checks.edges(events)[1]
    ended_s = vad_checks.duration_s(pcm, 24_000) - vad_checks.AFTER_S
    assert end.timestamp - end.silence_duration == pytest.approx(ended_s, abs=0.1)
    assert end.timestamp - ended_s < 0.25, "the end is told late"


async def test_a_rate_that_changes_begins_a_segment() -> None:
    stream = loudness_vad().stream()
    half = vad_checks.sentence(LOUD, 24_000)[: round(1.3 * 24_000) * 2]
    vad_checks.push(stream, half, 24_000)
    vad_checks.push(stream, vad_checks.sentence(LOUD, 16_000), 16_000)
    events = await vad_checks.rest(stream)
    start, end = EventType.START_OF_SPEECH, EventType.END_OF_SPEECH
    assert [event.type for event in vad_checks.edges(events)] == [start, start, end]
    assert vad_checks.edges(events)[-1].frames[0].sample_rate == 16_000


async def test_of_speech_without_end_the_beginning_is_kept() -> None:
    minutes = LOUD.pcm(8_000) * 100 + bytes(2 * 8_000)
    events = await vad_checks.hear(loudness_vad(), minutes, 8_000)
    end = vad_checks.edges(events)[-1]
    assert end.speech_duration == pytest.approx(90, abs=1)
    assert sum(frame.duration for frame in end.frames) == pytest.approx(60.5, abs=0.1)


_NO = RuntimeError("onnx says no")
_SHORT = SpeechBounds(least_silence_s=0.1)


async def test_a_vad_that_keeps_the_contract_passes() -> None:
    good = BadVAD(bad.keep)
    vad_checks.check_identity(good)
    await vad_checks.check_windows(good, 24_000, 1, LOUD)
    await vad_checks.check_speech(good, LOUD)
    await vad_checks.check_flush(good, LOUD)
    await vad_checks.check_nothing_said(good)
    await vad_checks.check_streams_are_apart(good, LOUD)
    await vad_checks.check_loop_stays_free(good, LOUD)
    await vad_checks.check_close(good, LOUD)


Check = Callable[[Any], Awaitable[None]]


async def windows(detector: vad.VAD) -> None:
    await vad_checks.check_windows(detector, 24_000, 1, LOUD)


async def spoken(detector: vad.VAD) -> None:
    await vad_checks.check_speech(detector, LOUD)


async def flushed(detector: vad.VAD) -> None:
    await vad_checks.check_flush(detector, LOUD)


async def apart(detector: vad.VAD) -> None:
    await vad_checks.check_streams_are_apart(detector, LOUD)


async def prompt(detector: vad.VAD) -> None:
    await vad_checks.check_close(detector, LOUD)


async def free(detector: vad.VAD) -> None:
    await vad_checks.check_loop_stays_free(detector, LOUD)


@pytest.mark.parametrize(
    ("detector", "check", "says"),
    [
        (lambda: BadVAD(bad.skip_silent_windows), windows, "windows, not"),
        (lambda: BadVAD(bad.give_percent), windows, "out of 0..1"),
        (lambda: BadVAD(bad.say_when_instead_of_how_long), spoken, "speech began"),
        (lambda: BadVAD(bad.never_end), spoken, "told"),
        (lambda: BadVAD(bad.always_speak), spoken, "speaking at"),
        (lambda: BadVAD(bad.hide_silence), spoken, "no turn detector"),
        (lambda: BadVAD(bad.hide_speech), spoken, "no interruption"),
        (lambda: BadVAD(bad.give_the_last_window_only), spoken, "cut off"),
        (lambda: BadVAD(forgets_at_flush=False), flushed, "told"),
        (lambda: BadVAD(shares_a_stream=True), apart, "of another"),
        (lambda: BadVAD(bad.block_the_loop), free, "blocked for"),
        (lambda: BadVAD(clings_to_life=True), prompt, r"aclose\(\) took"),
        (lambda: BadVAD(dies=_NO), vad_checks.check_failure_is_no_speech, "ends detection"),
        (
            lambda: BadVAD(bad.skip_silent_windows, inner=loudness_vad(_NO)),
            vad_checks.check_failure_is_no_speech,
            "missing",
        ),
    ],
)
async def test_a_bad_vad_is_found_out(
    detector: Callable[[], vad.VAD], check: Check, says: str
) -> None:
    with pytest.raises(AssertionError, match=says):
        await check(detector())


async def test_a_vad_that_leaves_out_the_sound_is_found_out() -> None:
    with pytest.raises(AssertionError):
        await windows(BadVAD(bad.leave_out_the_sound))


async def test_a_vad_that_hears_speech_in_silence_is_found_out() -> None:
    with pytest.raises(AssertionError):
        await vad_checks.check_nothing_said(BadVAD(bad.always_speak))


async def test_a_vad_too_quick_for_a_turn_detector_is_found_out() -> None:
    with pytest.raises(AssertionError, match="ends speech"):
        vad_checks.check_identity(BadVAD(inner=loudness_vad(bounds=_SHORT)))


async def test_a_nameless_vad_is_found_out() -> None:
    class Nameless(BadVAD):
        model = "unknown"

    with pytest.raises(AssertionError, match="who it is"):
        vad_checks.check_identity(Nameless())
