import math
from dataclasses import dataclass

import pytest
from livekit.plugins.simulated.sound import SoundDetector
from livekit.plugins.speechcore import level_dbfs

from tests.fakes.audio import noise, speech_like

RATE_HZ = 16_000
STEP_S = 0.01


@dataclass
class Listening:
    detector: SoundDetector
    onsets_s: list[float]
    ends_s: list[float]


def listen(pcm: bytes) -> Listening:
    listening = Listening(SoundDetector(), [], [])
    was_sounding = False
    step_bytes = 2 * round(RATE_HZ * STEP_S)
    for start in range(0, len(pcm), step_bytes):
        if listening.detector.process(level_dbfs(pcm[start : start + step_bytes]), STEP_S):
            listening.onsets_s.append(listening.detector.onset_s)
        if was_sounding and not listening.detector.is_sounding:
            listening.ends_s.append(listening.detector.heard_s)
        was_sounding = listening.detector.is_sounding
    return listening


@pytest.mark.parametrize("bed_dbfs", [-math.inf, -70.0, -60.0, -45.0])
def test_the_onset_and_the_end_are_heard_over_any_usual_bed(bed_dbfs: float) -> None:
    heard = listen(speech_like(4.0, [(1.0, 2.0)], RATE_HZ, bed_dbfs=bed_dbfs))
    assert heard.onsets_s == [pytest.approx(1.0, abs=0.02)]
    assert heard.ends_s == [pytest.approx(2.12, abs=0.02)]


@pytest.mark.parametrize("dbfs", [-math.inf, -60.0, -52.0])
def test_a_bed_alone_is_no_sound(dbfs: float) -> None:
    assert listen(noise(10.0, dbfs, RATE_HZ)).onsets_s == []


def test_a_click_is_no_sound() -> None:
    assert listen(speech_like(2.0, [(1.0, 1.01)], RATE_HZ, speech_dbfs=-6)).onsets_s == []


def test_a_soft_beginning_belongs_to_the_sound() -> None:
    pcm = speech_like(1.05, [], RATE_HZ) + noise(0.06, -52.5, RATE_HZ) + noise(0.5, -20, RATE_HZ)
    assert listen(pcm).onsets_s == [pytest.approx(1.05, abs=0.011)]


def test_a_short_dip_is_part_of_the_sound() -> None:
    heard = listen(speech_like(3.0, [(1.0, 1.4), (1.5, 2.0)], RATE_HZ))
    assert len(heard.onsets_s) == len(heard.ends_s) == 1


def test_steady_noise_becomes_the_floor_and_speech_over_it_is_heard() -> None:
    pcm = noise(1.0, -60, RATE_HZ) + speech_like(6.0, [(4.0, 5.0)], RATE_HZ, bed_dbfs=-40)
    heard = listen(pcm)
    assert heard.ends_s[0] < 3.5
    assert heard.onsets_s[-1] == pytest.approx(5.0, abs=0.02)


def test_long_speech_with_dips_is_heard_to_its_end() -> None:
    spans = [(1.0 + k * 0.4, 1.35 + k * 0.4) for k in range(50)]
    heard = listen(speech_like(22.0, spans, RATE_HZ))
    assert len(heard.onsets_s) == 1
    assert heard.ends_s == [pytest.approx(spans[-1][1] + 0.12, abs=0.02)]


def test_an_hour_of_digital_silence_leaves_nothing_behind() -> None:
    detector = SoundDetector()
    for _ in range(360_000):
        detector.process(-120.0, STEP_S)
    assert not detector.is_sounding
    assert len(detector._recent) < 20
