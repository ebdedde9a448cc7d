import numpy as np
import pytest

from agent.playout import PlayoutBuffer

RATE_HZ = 24_000
FRAME = 480


@pytest.fixture
def buffer() -> PlayoutBuffer:
    return PlayoutBuffer(RATE_HZ)


def steady(frames: float, level: int = 10_000) -> bytes:
    return np.full(round(frames * FRAME), level, dtype=np.int16).tobytes()


def taken(buffer: PlayoutBuffer) -> np.ndarray:
    frames = []
    while (frame := buffer.next_frame()) is not None:
        frames.append(frame)
    return np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16)


def test_what_comes_out_is_what_went_in(buffer: PlayoutBuffer) -> None:
    speech = np.random.default_rng(0).integers(-9000, 9000, 5 * FRAME).astype(np.int16)
    buffer.push(speech.tobytes())
    buffer.is_complete = True
    assert np.array_equal(taken(buffer), speech)
    assert buffer.played_samples == 5 * FRAME
    assert buffer.is_over


def test_a_frame_waits_until_it_is_full_unless_the_segment_is_complete(
    buffer: PlayoutBuffer,
) -> None:
    buffer.push(steady(1.5))
    assert len(taken(buffer)) == FRAME
    assert not buffer.has_frame
    buffer.is_complete = True
    last = buffer.next_frame()
    assert last is not None
    assert np.all(last[: FRAME // 2] == 10_000)
    assert np.all(last[FRAME // 2 :] == 0)
    assert buffer.played_samples == 1.5 * FRAME


def test_ducking_plays_on_15_db_lower_and_restoring_loses_no_sample(buffer: PlayoutBuffer) -> None:
    buffer.push(steady(20))
    buffer.is_complete = True
    before = buffer.next_frame()
    buffer.duck()
    quiet = [buffer.next_frame() for _ in range(9)]
    buffer.restore()
    after = taken(buffer)
    assert before is not None and before[-1] == 10_000
    assert quiet[-1] is not None
    assert 20 * np.log10(quiet[-1][-1] / 10_000) == pytest.approx(-15, abs=0.1)
    assert after[-1] == 10_000
    assert buffer.played_samples == 20 * FRAME


def test_what_is_heard_quietly_is_the_speech_itself_and_after_it_no_sample_is_missing(
    buffer: PlayoutBuffer,
) -> None:
    speech = np.random.default_rng(0).integers(-9000, 9000, 20 * FRAME).astype(np.int16)
    buffer.push(speech.tobytes())
    buffer.is_complete = True
    heard = [buffer.next_frame()]
    buffer.duck()
    heard += [buffer.next_frame() for _ in range(9)]
    buffer.restore()
    heard += [taken(buffer)]
    played = np.concatenate([frame for frame in heard if frame is not None])
    quiet, loud = slice(3 * FRAME, 10 * FRAME), slice(12 * FRAME, None)  # each after its ramp
    assert np.array_equal(played[:FRAME], speech[:FRAME])
    assert np.allclose(played[quiet], speech[quiet] * 10 ** (-15 / 20), atol=1)
    assert np.array_equal(played[loud], speech[loud])
    assert len(played) == len(speech)


def test_no_change_of_level_makes_a_step(buffer: PlayoutBuffer) -> None:
    buffer.push(steady(30))
    heard = [buffer.next_frame()]
    for change in (buffer.duck, buffer.restore, buffer.duck, buffer.stop):
        change()
        heard += [frame for _ in range(4) if (frame := buffer.next_frame()) is not None]
    steps = np.abs(np.diff(np.concatenate([frame for frame in heard if frame is not None])))
    assert steps.max() <= 10_000 / (0.02 * RATE_HZ) + 1


def test_stopping_fades_out_within_one_frame_and_drops_the_rest(buffer: PlayoutBuffer) -> None:
    buffer.push(steady(10))
    buffer.next_frame()
    buffer.stop()
    last = buffer.next_frame()
    assert last is not None
    assert last[0] == 10_000 and last[-1] == 0
    assert buffer.next_frame() is None
    assert buffer.is_over
    assert buffer.played_samples == 2 * FRAME


def test_the_next_segment_begins_at_full_level(buffer: PlayoutBuffer) -> None:
    buffer.push(steady(3))
    buffer.duck()
    buffer.stop()
    taken(buffer)
    buffer.start_over()
    buffer.push(steady(1))
    frame = buffer.next_frame()
    assert frame is not None and np.all(frame == 10_000)
    assert buffer.played_samples == FRAME
