"""RNNoise as pyrnnoise brings it: these tests run the real library."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from livekit.plugins.speechcore import EngineError

from agent.sound.rnnoise import Rnnoise, why_not
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ, Samples
from tests.stack.caller import RATE_HZ as CALLER_RATE_HZ
from tests.stack.caller import resample
from tests.stack.speech import speech


@pytest.fixture(scope="module")
def voice() -> Samples:
    said = resample(speech("What time does the last train leave?"), CALLER_RATE_HZ, RATE_HZ)
    whole = said[: len(said) // FRAME_SAMPLES * FRAME_SAMPLES]
    return whole.astype(np.float32)


def noise(count: int, rms: float) -> Samples:
    return np.random.default_rng(0).normal(0, rms, count).astype(np.float32)


def cleaned(samples: Samples, rnnoise: Rnnoise | None = None) -> Samples:
    rnnoise = rnnoise or Rnnoise()
    return np.concatenate([rnnoise.process(frame) for frame in samples.reshape(-1, FRAME_SAMPLES)])


def test_steady_noise_falls_by_20_db_within_a_second() -> None:
    settled = cleaned(noise(2 * RATE_HZ, 500))[RATE_HZ:]
    assert settled.std() < 50


def test_a_voice_stays_and_comes_later_by_the_delay_it_states(voice: Samples) -> None:
    delay = Rnnoise().delay_samples
    clean = cleaned(np.concatenate([voice, np.zeros(10 * FRAME_SAMPLES, dtype=np.float32)]))
    products = [
        float(np.dot(voice, clean[shift : shift + len(voice)])) for shift in range(2 * delay)
    ]
    assert int(np.argmax(products)) == pytest.approx(delay, abs=2)
    assert clean.std() == pytest.approx(voice.std(), rel=0.3)


def test_the_loudest_sound_does_not_become_nonsense() -> None:
    square = np.where(np.arange(RATE_HZ) % 100 < 50, 32767, -32768).astype(np.float32)
    clean = cleaned(square)
    assert np.isfinite(clean).all()
    assert np.abs(clean).max() < 4 * 32768


def test_digital_silence_stays_silence() -> None:
    assert np.abs(cleaned(np.zeros(RATE_HZ, dtype=np.float32))).max() < 1


def test_two_streams_know_nothing_of_each_other(voice: Samples) -> None:
    alone = cleaned(voice)
    first, other = Rnnoise(), Rnnoise()
    mixed = []
    for frame in voice.reshape(-1, FRAME_SAMPLES):
        mixed.append(first.process(frame))
        other.process(noise(FRAME_SAMPLES, 3000))
    assert np.array_equal(np.concatenate(mixed), alone)


def test_a_thousand_streams_that_end_leave_no_memory() -> None:
    rnnoise = Rnnoise()
    assert cleaned(np.zeros(FRAME_SAMPLES, dtype=np.float32), rnnoise).shape == (FRAME_SAMPLES,)
    before = _resident_bytes()
    for _ in range(1000):
        Rnnoise()
    gc.collect()
    assert _resident_bytes() - before < 8_000_000  # the states alone would be 33 MB


def _resident_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def test_without_the_package_a_sentence_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrnnoise", None)
    with pytest.raises(EngineError, match="install the 'denoise' extra"):
        Rnnoise()
    assert why_not() == "rnnoise is not installed: install the 'denoise' extra"


def test_a_package_without_a_library_for_this_machine_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("agent.sound.rnnoise.find_spec", lambda name: spec)
    assert "rnnoise cannot be loaded" in str(why_not())
