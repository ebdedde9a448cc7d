"""A clause takes audio as an engine gives it, and tells how far it is."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIError, tts

from agent.speech.clause import Clause
from agent.speech.planner import ClausePlanner

RATE_HZ = 1000


def clause(spoken: str = "a clause of words") -> Clause:
    return Clause(spoken, spoken, RATE_HZ)


def audio(
    samples: list[int], *, request_id: str = "one", num_channels: int = 1
) -> tts.SynthesizedAudio:
    pcm = np.repeat(np.array(samples, dtype=np.int16), num_channels).tobytes()
    frame = rtc.AudioFrame(pcm, RATE_HZ, num_channels, len(samples))
    return tts.SynthesizedAudio(frame=frame, request_id=request_id)


async def heard(made: Clause) -> list[int]:
    pcm = b"".join([piece async for piece in made.pieces])
    return [int(sample) for sample in np.frombuffer(pcm, dtype=np.int16)]


async def test_audio_comes_out_as_it_went_in_but_for_its_edges() -> None:
    made = clause()
    for start in range(1000, 2000, 100):
        made.take(audio(list(range(start, start + 100))))
    made.close()
    assert (await heard(made))[3:-3] == list(range(1003, 1997))
    assert made.made_s == pytest.approx(1.0)


async def test_channels_are_mixed() -> None:
    made = clause()
    made.take(audio([4000] * 100, num_channels=2))
    made.close()
    assert (await heard(made))[3:-3] == [4000] * 94


async def test_what_a_second_attempt_repeats_is_left_out() -> None:
    made = clause()
    whole = list(range(1000, 2000))
    made.take(audio(whole[:300]))
    for start in (0, 200, 400, 600, 800):
        made.take(audio(whole[start : start + 200], request_id="two"))
    made.close()
    assert (await heard(made))[3:-3] == whole[3:-3]


async def test_a_third_attempt_goes_on_where_the_second_ended() -> None:
    made = clause()
    whole = list(range(1000, 2000))
    made.take(audio(whole[:300], request_id="one"))
    made.take(audio(whole[:200], request_id="two"))
    made.take(audio(whole[:500], request_id="three"))
    made.take(audio(whole[500:], request_id="three"))
    made.close()
    assert (await heard(made))[3:-3] == whole[3:-3]


async def test_a_clause_that_failed_keeps_its_error_and_what_was_made() -> None:
    made = clause()
    made.take(audio([4000] * 100))
    made.close(APIError("no more"))
    made.close()  # harmless
    assert isinstance(made.error, APIError)
    assert len(await heard(made)) == 100


async def test_it_tells_how_much_of_it_is_still_to_be_made_and_played() -> None:
    planner = ClausePlanner()
    made = clause("x" * 56)  # four seconds
    whole_s = planner.speech_s(56)
    assert made.unplayed_s(planner) == pytest.approx(whole_s)
    assert made.ready_s(planner) == pytest.approx(planner.ready_s(whole_s))
    assert made.work_s(planner) == pytest.approx(planner.work.of(whole_s))
    made.take(audio([4000] * 1000))
    made.played_s = 0.5
    assert made.ready_s(planner) == 0.0
    assert made.unplayed_s(planner) == pytest.approx(whole_s - 0.5)
    assert made.work_s(planner) == pytest.approx(0.15 * (whole_s - 1.0), abs=0.01)
    made.close()
    assert made.work_s(planner) == 0.0
    assert made.unplayed_s(planner) == pytest.approx(0.5)


async def test_its_first_sound_is_timed_and_silence_is_none() -> None:
    made = clause()
    made.take(audio([0] * 100))
    assert made.first_at_s is None
    made.take(audio([4000] * 100))
    first_at_s = made.first_at_s
    assert first_at_s is not None
    made.take(audio([4000] * 100))
    assert made.first_at_s == first_at_s
