import numpy as np
import pytest
from livekit.plugins.espeak.level import SilenceTrimmer, amplify, speech_level_dbfs

RATE_HZ = 1000


def tone(count: int, amplitude: float = 8000.0) -> bytes:
    square = np.sign(np.sin(np.arange(count) + 0.5))
    return bytes((amplitude * square).astype(np.int16).tobytes())


def silence(count: int) -> bytes:
    return b"\0\0" * count


def test_the_level_leaves_pauses_out() -> None:
    assert speech_level_dbfs(tone(400), RATE_HZ) == pytest.approx(-12.25, abs=0.01)
    assert speech_level_dbfs(tone(400) + silence(4000), RATE_HZ) == pytest.approx(-12.25, abs=0.01)


def test_silence_and_nothing_have_no_level() -> None:
    assert speech_level_dbfs(silence(400), RATE_HZ) == -120
    assert speech_level_dbfs(b"", RATE_HZ) == -120


def test_a_gain_below_the_knee_is_exact() -> None:
    doubled = np.frombuffer(amplify(tone(50, 5000), 2.0), dtype=np.int16)
    assert np.abs(np.abs(doubled) - 10_000).max() <= 1


def test_loud_peaks_are_bent_and_keep_their_order() -> None:
    ramp = np.arange(-32768, 32768, 256, dtype=np.int32).astype(np.int16)
    loud = np.frombuffer(amplify(ramp.tobytes(), 2.0), dtype=np.int16).astype(np.int32)
    assert np.abs(loud).max() <= 32767
    assert (np.diff(loud) >= 0).all()


def test_leading_silence_is_shortened_and_trailing_silence_capped() -> None:
    trimmer = SilenceTrimmer(RATE_HZ, keep_before_ms=10, keep_after_ms=200)
    out = trimmer.process(silence(300)) + trimmer.process(silence(5) + tone(50) + silence(900))
    assert out == silence(10) + tone(50)
    assert trimmer.finish() == silence(200)


def test_pauses_inside_come_through_whole() -> None:
    trimmer = SilenceTrimmer(RATE_HZ)
    chunks = [tone(20), silence(300), silence(300), tone(20), silence(10)]
    out = b"".join(trimmer.process(chunk) for chunk in chunks)
    assert out == tone(20) + silence(600) + tone(20)
    assert trimmer.finish() == silence(10)


def test_silence_alone_gives_nothing() -> None:
    trimmer = SilenceTrimmer(RATE_HZ)
    assert trimmer.process(silence(500)) + trimmer.finish() == b""


def test_the_most_negative_sample_counts_as_sound() -> None:
    trimmer = SilenceTrimmer(RATE_HZ)
    pcm = np.full(4, -32768, dtype=np.int16).tobytes()
    assert trimmer.process(pcm) == pcm
