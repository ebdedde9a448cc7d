"""livekit's seam: which frames pass as they are, and what happens when something is wrong."""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np
import pytest
from livekit import rtc

from agent import metrics
from agent.config import Settings
from agent.echo_filter import EchoFilter
from agent.profiles import ProfileError
from agent.sound.filter import NoiseFilter, check_noise, microphone, noise_plan
from agent.sound.plan import NoisePlan, parse_noise
from agent.turns.detector import _NoiseBedStream
from agent.turns.noise_bed import NoiseBed

RATE_HZ = 24_000
FRAME = 240


def frame(samples: np.ndarray, rate_hz: int = RATE_HZ, channels: int = 1) -> rtc.AudioFrame:
    pcm = np.clip(samples, -32768, 32767).astype(np.int16)
    return rtc.AudioFrame(pcm.tobytes(), rate_hz, channels, len(pcm) // channels)


def noise(level_dbfs: float, count: int = FRAME, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 32768 * 10 ** (level_dbfs / 20), count)


def samples_of(heard: rtc.AudioFrame) -> np.ndarray:
    return np.frombuffer(heard.data, dtype=np.int16)


def echo_filter() -> EchoFilter:
    return EchoFilter(clock=lambda: 100.0)


def noise_filter(text: str = "on") -> NoiseFilter:
    return NoiseFilter(parse_noise(text), echo_filter())


def filtered_calls() -> float:
    (family,) = metrics.NOISE_FILTERED.collect()
    return float(family.samples[0].value)


def test_without_the_setting_livekit_gets_the_echo_filter_alone() -> None:
    echo = echo_filter()
    assert microphone(Settings(), echo) is echo


def test_with_it_the_echo_filter_is_in_front() -> None:
    cleaning = microphone(Settings(agent_noise="on"), echo_filter())
    assert isinstance(cleaning, NoiseFilter)


def test_off_by_the_noise_the_very_frame_passes() -> None:
    cleaning = noise_filter("auto")
    for seed in range(200):
        heard = frame(noise(-65, seed=seed))
        assert cleaning._process(heard) is heard


def test_on_a_frame_of_the_same_form_comes_out_with_less_noise() -> None:
    cleaning = noise_filter("on")
    frames = [cleaning._process(frame(noise(-40, seed=seed))) for seed in range(200)]
    last = frames[-1]
    assert (last.sample_rate, last.num_channels, last.samples_per_channel) == (RATE_HZ, 1, FRAME)
    assert samples_of(last).std() < noise(-55).std()


def test_a_longer_frame_is_cleaned_like_shorter_ones() -> None:
    """livekit's are of 20 ms; the chain's of 10."""
    microphone = noise(-40, count=200 * FRAME)
    short, long = (
        np.concatenate([samples_of(cleaning._process(frame(piece))) for piece in pieces])
        for cleaning, pieces in (
            (noise_filter("on"), microphone.reshape(-1, FRAME)),
            (noise_filter("on"), microphone.reshape(-1, 2 * FRAME)),
        )
    )
    assert np.array_equal(short, long)


@pytest.mark.parametrize(
    "odd",
    [
        frame(np.zeros(480), 48_000),
        frame(np.zeros(480), RATE_HZ, channels=2),
        frame(np.zeros(300)),
    ],
    ids=["48 kHz", "stereo", "12.5 ms"],
)
def test_a_frame_of_another_form_passes_as_it_is(odd: rtc.AudioFrame) -> None:
    assert noise_filter("on")._process(odd) is odd


def test_a_chain_that_fails_leaves_the_call_its_sound_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cleaning = noise_filter("on")

    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("agent.sound.cleaner.Cleaner.process", fail)
    heard = frame(noise(-40))
    assert [cleaning._process(heard) is heard for _ in range(3)] == [True] * 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert filtered_calls() == 0


def test_the_gauge_counts_the_call_while_the_filter_is_on() -> None:
    cleaning = noise_filter("on")
    assert filtered_calls() == 1
    cleaning._close()
    assert filtered_calls() == 0
    cleaning._close()


def test_after_the_call_has_ended_frames_pass() -> None:
    cleaning = noise_filter("on")
    cleaning._close()
    heard = frame(noise(-40))
    assert cleaning._process(heard) is heard


def test_another_caller_begins_with_a_chain_of_their_own() -> None:
    cleaning = noise_filter("auto")
    for seed in range(150):
        cleaning._process(frame(noise(-30, seed=seed)))
    cleaning.reset()
    heard = frame(noise(-65))
    assert cleaning._process(heard) is heard


def test_behind_the_chain_the_end_of_turn_model_hears_a_floor() -> None:
    """RNNoise leaves next to silence, over which the model would say "not done"."""

    class Inner:
        heard: list[rtc.AudioFrame] = []

        def push_audio(self, pushed: rtc.AudioFrame) -> None:
            self.heard.append(pushed)

    cleaning, inner = noise_filter("on"), Inner()
    stream = _NoiseBedStream(inner, NoiseBed(np.random.default_rng(0)))
    for seed in range(200):
        stream.push_audio(cleaning._process(frame(noise(-50, seed=seed))))
    heard = np.concatenate([samples_of(it) for it in inner.heard[100:]]) / 32768
    assert 20 * np.log10(heard.std()) > -61


@pytest.mark.parametrize("text", ["on", "rnnoise", "highpass,rnnoise,gain"])
def test_rnnoise_that_is_asked_for_and_missing_is_a_sentence(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrnnoise", None)
    with pytest.raises(ProfileError, match=r"^AGENT_NOISE: .* install the 'denoise' extra\.$"):
        check_noise(Settings(agent_noise=text))


def test_auto_without_rnnoise_is_off_and_the_worker_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pyrnnoise", None)
    assert noise_plan(Settings(agent_noise="auto")) == NoisePlan()
    check_noise(Settings(agent_noise="auto"))
    assert "no effect" in caplog.text


def test_stages_without_rnnoise_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrnnoise", None)
    settings = Settings(agent_noise="highpass,gate,gain")
    check_noise(settings)
    assert noise_plan(settings).stages == ("highpass", "gate", "gain")
