import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice.io import PlaybackFinishedEvent

from agent.playout import SAMPLE_RATE_HZ
from tests.fakes.audio_io import Loudspeaker

pytestmark = pytest.mark.virtual_time


def speech(seconds: float, level: int = 10_000) -> rtc.AudioFrame:
    samples = np.full(round(seconds * SAMPLE_RATE_HZ), level, dtype=np.int16)
    return rtc.AudioFrame(samples.tobytes(), SAMPLE_RATE_HZ, 1, len(samples))


def heard(loudspeaker: Loudspeaker) -> np.ndarray:
    frames = [np.frombuffer(frame.data, dtype=np.int16) for _, frame in loudspeaker.sink.frames]
    return np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16)


async def finished(loudspeaker: Loudspeaker) -> PlaybackFinishedEvent:
    async with asyncio.timeout(20):
        return await loudspeaker.wait_for_playout()


async def test_a_segment_is_played_in_real_time_however_fast_it_comes() -> None:
    loudspeaker = Loudspeaker()
    await loudspeaker.capture_frame(speech(2))
    loudspeaker.flush()
    begun_s = asyncio.get_running_loop().time()
    end = await finished(loudspeaker)
    assert asyncio.get_running_loop().time() - begun_s == pytest.approx(2, abs=0.05)
    assert (end.playback_position, end.interrupted) == (2, False)
    assert len(heard(loudspeaker)) == 2 * SAMPLE_RATE_HZ
    await loudspeaker.aclose()


async def test_a_voice_that_gives_all_at_once_lets_others_work_between_its_pieces() -> None:
    loudspeaker = Loudspeaker()
    done: list[str] = []

    async def guess_the_pace() -> None:
        for _ in range(3):
            done.append("guess")
            await asyncio.sleep(0)

    guessing = asyncio.create_task(guess_the_pace())
    for _ in range(3):
        await loudspeaker.capture_frame(speech(0.1))
        done.append("piece")
    assert done == ["guess", "piece"] * 3
    await guessing
    await loudspeaker.aclose()


async def test_little_is_beyond_recall_and_less_while_ducked() -> None:
    loudspeaker = Loudspeaker()
    await loudspeaker.capture_frame(speech(4))
    loudspeaker.flush()
    for _ in range(50):
        await asyncio.sleep(0.03)
        assert loudspeaker.sink.queued_duration <= 0.071
    loudspeaker.duck()
    await asyncio.sleep(0.07)
    for _ in range(20):
        await asyncio.sleep(0.03)
        assert loudspeaker.sink.queued_duration <= 0.041
    await loudspeaker.aclose()


async def test_an_interruption_is_silent_within_90_ms_and_tells_how_much_was_heard() -> None:
    loudspeaker = Loudspeaker()
    await loudspeaker.capture_frame(speech(5))
    loudspeaker.flush()
    await asyncio.sleep(1)
    loudspeaker.clear_buffer()
    begun_s = asyncio.get_running_loop().time()
    end = await finished(loudspeaker)
    assert asyncio.get_running_loop().time() - begun_s <= 0.09
    assert end.interrupted
    assert end.playback_position == pytest.approx(len(heard(loudspeaker)) / SAMPLE_RATE_HZ)
    assert heard(loudspeaker)[-1] == 0
    await loudspeaker.aclose()


async def test_an_interruption_is_over_at_once_when_nobody_is_there_any_more() -> None:
    loudspeaker = Loudspeaker()
    await loudspeaker.capture_frame(speech(5))
    loudspeaker.flush()
    await asyncio.sleep(1)
    loudspeaker.abandon()
    await asyncio.sleep(1)
    assert len(heard(loudspeaker)) > 1.9 * SAMPLE_RATE_HZ, "what is said is said to its end"
    loudspeaker.clear_buffer()
    begun_s = asyncio.get_running_loop().time()
    end = await finished(loudspeaker)
    assert asyncio.get_running_loop().time() - begun_s <= 0.021
    assert (end.interrupted, end.playback_position) == (True, pytest.approx(2, abs=0.1))
    await loudspeaker.aclose()


async def test_ducking_leaves_no_gap_and_loses_nothing() -> None:
    loudspeaker = Loudspeaker()
    await loudspeaker.capture_frame(speech(2))
    loudspeaker.flush()
    await asyncio.sleep(0.5)
    loudspeaker.duck()
    await asyncio.sleep(0.5)
    loudspeaker.restore()
    await finished(loudspeaker)
    levels = heard(loudspeaker)
    assert len(levels) == 2 * SAMPLE_RATE_HZ
    assert levels.min() == pytest.approx(10_000 * 10 ** (-15 / 20), rel=0.01)
    assert (levels < 5000).mean() == pytest.approx(0.24, abs=0.02)
    starts = [at_s for at_s, _ in loudspeaker.sink.frames]
    assert np.diff(starts).max() == pytest.approx(0.02, abs=0.001)
    await loudspeaker.aclose()


async def test_what_is_held_before_it_began_is_never_heard_when_interrupted() -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.hold()
    await loudspeaker.capture_frame(speech(2))
    loudspeaker.resume()  # livekit's, which does not know of the hold
    loudspeaker.flush()
    await asyncio.sleep(1)
    loudspeaker.clear_buffer()
    end = await finished(loudspeaker)
    assert (end.playback_position, end.interrupted) == (0, True)
    assert len(heard(loudspeaker)) == 0
    assert loudspeaker.started_s is None
    await loudspeaker.aclose()


@pytest.mark.parametrize(
    ("stop", "go"),
    [(Loudspeaker.pause, Loudspeaker.resume), (Loudspeaker.hold, Loudspeaker.release)],
)
async def test_a_pause_in_the_midst_goes_on_where_it_was(
    stop: Callable[[Loudspeaker], None], go: Callable[[Loudspeaker], None]
) -> None:
    loudspeaker = Loudspeaker()
    await loudspeaker.capture_frame(speech(1))
    loudspeaker.flush()
    await asyncio.sleep(0.5)
    stop(loudspeaker)
    await asyncio.sleep(3)
    go(loudspeaker)
    end = await finished(loudspeaker)
    assert (end.playback_position, end.interrupted) == (1, False)
    await loudspeaker.aclose()


async def test_one_segment_after_the_other() -> None:
    loudspeaker = Loudspeaker()
    for number in range(3):
        await loudspeaker.capture_frame(speech(0.5, level=1000 * (number + 1)))
        loudspeaker.flush()
    end = await finished(loudspeaker)
    assert not end.interrupted
    assert [played.duration_s for played in loudspeaker.played] == [0.5] * 3
    assert set(heard(loudspeaker)) == {1000, 2000, 3000}
    await loudspeaker.aclose()


async def test_speech_that_comes_slower_than_it_is_played_is_played_as_it_comes() -> None:
    loudspeaker = Loudspeaker()
    for _ in range(4):
        await loudspeaker.capture_frame(speech(0.2))
        await asyncio.sleep(0.5)
    loudspeaker.flush()
    end = await finished(loudspeaker)
    assert end.playback_position == pytest.approx(0.8)
    await loudspeaker.aclose()


async def test_every_frame_is_told_with_the_time_it_is_played() -> None:
    told: list[float] = []
    loudspeaker = Loudspeaker()
    loudspeaker.on_played = lambda samples, at_s: told.append(at_s)
    await loudspeaker.capture_frame(speech(1))
    loudspeaker.flush()
    await finished(loudspeaker)
    assert told == pytest.approx([at_s for at_s, _ in loudspeaker.sink.frames], abs=0.001)
    await loudspeaker.aclose()


async def test_an_empty_frame_is_no_segment() -> None:
    loudspeaker = Loudspeaker()
    await loudspeaker.capture_frame(rtc.AudioFrame(b"", SAMPLE_RATE_HZ, 1, 0))
    loudspeaker.flush()
    await finished(loudspeaker)
    assert loudspeaker.played == []
    await loudspeaker.aclose()


async def test_a_sink_that_fails_once_ends_its_segment_and_plays_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loudspeaker = Loudspeaker()
    loudspeaker.on_played = lambda samples, at_s: 1 / 0  # type: ignore[assignment,return-value]
    await loudspeaker.capture_frame(speech(1))
    loudspeaker.flush()
    assert (await finished(loudspeaker)).interrupted
    loudspeaker.on_played = lambda samples, at_s: None
    await loudspeaker.capture_frame(speech(1))
    loudspeaker.flush()
    assert (await finished(loudspeaker)).playback_position == 1
    assert "could not be played" in caplog.text
    await loudspeaker.aclose()


async def test_silence_in_the_midst_of_speech_is_told_with_its_length() -> None:
    gaps: list[float] = []
    loudspeaker = Loudspeaker()
    loudspeaker.on_gap = gaps.append
    for _ in range(3):
        await loudspeaker.capture_frame(speech(0.2))
        await asyncio.sleep(0.5)
    loudspeaker.flush()
    await finished(loudspeaker)
    assert gaps == pytest.approx([0.3, 0.3], abs=0.02)
    await loudspeaker.aclose()


@pytest.mark.parametrize(
    ("stop", "go"),
    [(Loudspeaker.pause, Loudspeaker.resume), (Loudspeaker.hold, Loudspeaker.release)],
)
async def test_silence_that_is_meant_is_no_gap(
    stop: Callable[[Loudspeaker], None], go: Callable[[Loudspeaker], None]
) -> None:
    gaps: list[float] = []
    loudspeaker = Loudspeaker()
    loudspeaker.on_gap = gaps.append
    await loudspeaker.capture_frame(speech(1))
    await asyncio.sleep(0.5)
    stop(loudspeaker)
    await asyncio.sleep(1)
    go(loudspeaker)
    loudspeaker.flush()
    await finished(loudspeaker)
    await asyncio.sleep(1)  # between two segments nobody speaks
    await loudspeaker.capture_frame(speech(1))
    await asyncio.sleep(0.5)
    loudspeaker.clear_buffer()
    await finished(loudspeaker)
    assert gaps == []
    await loudspeaker.aclose()


async def test_a_last_piece_that_waits_for_its_end_makes_no_gap() -> None:
    gaps: list[float] = []
    loudspeaker = Loudspeaker()
    loudspeaker.on_gap = gaps.append
    await loudspeaker.capture_frame(speech(0.21))
    await asyncio.sleep(0.6)
    loudspeaker.flush()
    assert (await finished(loudspeaker)).playback_position == pytest.approx(0.21)
    assert gaps == []
    await loudspeaker.aclose()
