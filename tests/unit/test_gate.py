"""The gate opens for speech, closes in pauses, and gets used to steady noise."""

import numpy as np
import pytest
from livekit.plugins.speechcore.gate import PAUSE_S, WINDOW_S, SpeechGate

from tests.fakes.audio import noise

RATE_HZ = 16_000
WINDOW_BYTES = round(WINDOW_S * RATE_HZ) * 2


def run(gate: SpeechGate, pcm: bytes) -> list[bool]:
    """Whether the gate was open after each window."""
    windows = range(0, len(pcm) - WINDOW_BYTES + 1, WINDOW_BYTES)
    return [gate.process(pcm[start : start + WINDOW_BYTES]) for start in windows]


@pytest.mark.parametrize("bed_dbfs", [float("-inf"), -75.0, -60.0, -45.0])
def test_quiet_of_any_level_keeps_the_gate_shut(bed_dbfs: float) -> None:
    assert not any(run(SpeechGate(), noise(5.0, bed_dbfs, RATE_HZ)))


@pytest.mark.parametrize("bed_dbfs", [float("-inf"), -60.0, -42.0])
def test_speech_opens_the_gate_and_a_pause_shuts_it(bed_dbfs: float) -> None:
    gate = SpeechGate()
    run(gate, noise(2.0, bed_dbfs, RATE_HZ))
    speech = run(gate, noise(1.0, -20.0, RATE_HZ))
    assert speech.index(True) * WINDOW_S <= 0.06
    assert all(speech[speech.index(True) :])
    pause = run(gate, noise(0.5, bed_dbfs, RATE_HZ))
    assert pause.index(False) * WINDOW_S == pytest.approx(PAUSE_S, abs=WINDOW_S)
    assert not any(pause[pause.index(False) :])


def test_somebody_who_speaks_from_the_first_sample_is_heard() -> None:
    assert any(run(SpeechGate(), noise(0.3, -25.0, RATE_HZ)))


def test_windows_of_speech_are_loud_and_those_of_a_pause_are_not() -> None:
    gate = SpeechGate()
    run(gate, noise(1.0, -60.0, RATE_HZ))
    assert not gate.is_loud
    gate.process(noise(WINDOW_S, -20.0, RATE_HZ))
    assert gate.is_loud
    run(gate, noise(0.3, -20.0, RATE_HZ) + noise(0.04, -60.0, RATE_HZ))
    assert gate.is_open
    assert not gate.is_loud


def test_the_closure_of_a_stop_consonant_is_no_pause() -> None:
    gate = SpeechGate()
    run(gate, noise(1.0, -60.0, RATE_HZ) + noise(0.5, -20.0, RATE_HZ))
    assert all(run(gate, noise(0.08, -60.0, RATE_HZ) + noise(0.3, -20.0, RATE_HZ)))


def test_clicks_do_not_open_the_gate() -> None:
    samples = np.frombuffer(noise(3.0, -60.0, RATE_HZ), dtype=np.int16).copy()
    for start in range(8000, len(samples), 4500):
        samples[start : start + 32] = 20_000
    assert not any(run(SpeechGate(), samples.tobytes()))


def test_a_steady_noise_shuts_the_gate_within_four_seconds_for_good() -> None:
    gate = SpeechGate()
    run(gate, noise(4.0, -60.0, RATE_HZ))
    states = run(gate, noise(20.0, -25.0, RATE_HZ))
    assert any(states)
    assert not any(states[round(4.2 / WINDOW_S) :])


def test_the_loud_part_of_a_sound_is_counted_without_the_pause() -> None:
    gate = SpeechGate()
    run(gate, noise(1.0, -60.0, RATE_HZ) + noise(0.5, -20.0, RATE_HZ) + noise(0.3, -60.0, RATE_HZ))
    assert gate.loud_s == pytest.approx(0.5, abs=0.04)
    gate.restart_count()
    assert gate.loud_s == 0
