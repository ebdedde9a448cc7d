"""The detectors themselves: what they say of sound, and what they say when they cannot be had."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from livekit.plugins import ten_vad, webrtc_vad
from livekit.plugins.speechcore import EngineError
from livekit.plugins.speechcore.vad import VoiceDetector
from livekit.plugins.ten_vad import engine as ten_engine
from livekit.plugins.webrtc_vad import engine as webrtc_engine

from tests.contract.vad_checks import SPOKEN, sentence
from tests.fakes.audio import BED_DBFS, noise
from tests.stack.speech import resample, speech

RATE_HZ = 16_000
WORDS: bytes = resample(speech("what time is it now"), 48_000, RATE_HZ).tobytes()


def scores(detector: VoiceDetector, pcm: bytes, window_samples: int) -> np.ndarray:
    step = 2 * window_samples
    windows = [pcm[at : at + step] for at in range(0, len(pcm) - step + 1, step)]
    return np.array([detector.score(window) for window in windows])


@pytest.mark.parametrize(
    ("make", "window_samples"),
    [
        (ten_vad.TenVadDetector, ten_engine.WINDOW_SAMPLES),
        (webrtc_vad.WebRtcDetector, webrtc_engine.WINDOW_SAMPLES),
    ],
    ids=["ten_vad", "webrtc_vad"],
)
def test_words_score_high_and_a_room_low(
    make: Callable[[], VoiceDetector], window_samples: int
) -> None:
    of_words = scores(make(), WORDS, window_samples)
    of_room = scores(make(), noise(2.0, BED_DBFS, RATE_HZ), window_samples)
    assert np.mean(of_words[8:] >= 0.5) > 0.8
    assert np.mean(of_room >= 0.5) < 0.05
    assert min(of_words.min(), of_room.min()) >= 0 and of_words.max() <= 1


def test_webrtc_counts_the_newest_five_windows_once_it_knows_the_noise() -> None:
    detector = webrtc_vad.WebRtcDetector(0)
    loud = noise(0.02, -20.0, RATE_HZ)
    found = [detector.score(loud) for _ in range(12)]
    assert found == [0.0] * 6 + [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]


def test_the_more_aggressive_webrtc_is_the_less_it_takes_for_speech() -> None:
    pcm = sentence(SPOKEN, RATE_HZ)
    shares = [
        float(np.mean(scores(webrtc_vad.WebRtcDetector(a), pcm, webrtc_engine.WINDOW_SAMPLES)))
        for a in range(4)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[3]


@pytest.mark.parametrize("aggressiveness", [-1, 4])
def test_another_aggressiveness_is_refused(aggressiveness: int) -> None:
    with pytest.raises(EngineError, match="must be 0..3"):
        webrtc_vad.VAD(aggressiveness=aggressiveness)


@pytest.mark.parametrize(
    ("package", "extra", "make"),
    [("ten_vad", "tenvad", ten_vad.VAD), ("webrtcvad", "webrtcvad", webrtc_vad.VAD)],
)
def test_a_missing_library_is_one_sentence_with_the_extra_to_install(
    monkeypatch: pytest.MonkeyPatch, package: str, extra: str, make: Callable[[], Any]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineError, match=f"install the '{extra}' extra"):
        make()


def test_a_missing_libcxx_is_one_sentence_with_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_such_library(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    ten_engine._check_libcxx.cache_clear()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", no_such_library)
    with pytest.raises(EngineError, match="libc\\+\\+1"):
        ten_vad.VAD()


def test_the_licence_notice_is_logged_once_a_process(caplog: pytest.LogCaptureFixture) -> None:
    ten_engine._tell_licence.cache_clear()
    with caplog.at_level(logging.WARNING, logger="livekit.plugins.ten_vad"):
        for _ in range(3):
            ten_vad.TenVadDetector()
    assert [record.getMessage() for record in caplog.records] == [ten_vad.LICENCE_NOTICE]
