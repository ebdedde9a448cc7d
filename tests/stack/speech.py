"""Sentences spoken by flite, as int16 mono samples at 48 kHz."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np

from tests.stack.caller import RATE_HZ, resample


@cache
def speech(text: str, voice: str = "slt") -> np.ndarray:
    """`text` in a flite voice (slt, rms, awb, kal16), trimmed of silence at both ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        samples, rate_hz = read_wav(path)
    return trim(resample(samples, rate_hz, RATE_HZ))


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), dtype=np.int16), wav.getframerate()


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, rate_hz, 0, "NONE", ""))
        wav.writeframes(samples.astype(np.int16).tobytes())


def trim(samples: np.ndarray, threshold: int = 300) -> np.ndarray:
    loud = np.flatnonzero(np.abs(samples.astype(int)) > threshold)
    return samples[loud[0] : loud[-1] + 1]
