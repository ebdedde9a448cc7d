"""The product's VAD against recordings of people with labels.

    PARLEY_VAD_DATA=<folder> python -m evals.vad evals/results/vad.json

The folder holds `.wav` files (16 kHz, mono) and beside each the `.scv` file of its labels.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from livekit import rtc
from livekit.agents import inference, vad
from livekit.local_inference import VAD as NativeVAD
from livekit.local_inference import VAD_WINDOW_SAMPLES
from rich.console import Console

from evals.ear.vad_figures import VadFigures, average_precision, label_windows, parse_labels
from tests.stack.speech import read_wav

VARIABLE = "PARLEY_VAD_DATA"
RATE_HZ = 16_000

_FRAME_SAMPLES = RATE_HZ // 100

console = Console()


class VadDataError(ValueError):
    """The recordings cannot be used; the message says why."""


def measure(folder: Path) -> VadFigures:
    """Raises VadDataError."""
    paths = sorted(folder.glob("*.wav"))
    if not paths:
        raise VadDataError(f"{VARIABLE}: {folder} holds no .wav files")
    scores, speech, hops_s, times_s = [], [], [], []
    for path in paths:
        samples = _samples(path)
        events = asyncio.run(_through_vad(samples))
        scores.append(np.array([event.probability for event in events]))
        hops_s += [event.inference_duration for event in events]
        times_s += _model_times_s(samples)
        spans = parse_labels(path.with_suffix(".scv").read_text(encoding="utf-8"))
        speech.append(label_windows(spans, len(events), VAD_WINDOW_SAMPLES / RATE_HZ))
    is_speech = np.concatenate(speech)
    return VadFigures(
        recordings=len(paths),
        windows=len(is_speech),
        speech_share=round(float(is_speech.mean()), 4),
        average_precision=round(average_precision(np.concatenate(scores), is_speech), 4),
        p50_us=_microseconds(times_s, 50),
        p95_us=_microseconds(times_s, 95),
        p50_with_hop_us=_microseconds(hops_s, 50),
    )


async def _through_vad(samples: np.ndarray) -> list[vad.VADEvent]:
    """One event a window, as a call would get them."""
    stream = inference.VAD().stream()
    try:
        for frame in _frames(samples):
            stream.push_frame(frame)
        stream.end_input()
        return [event async for event in _windows(stream)]
    finally:
        await stream.aclose()


async def _windows(stream: vad.VADStream) -> AsyncIterator[vad.VADEvent]:
    async for event in stream:
        if event.type is vad.VADEventType.INFERENCE_DONE:
            yield event


def _frames(samples: np.ndarray) -> list[rtc.AudioFrame]:
    whole = samples[: len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES]
    return [
        rtc.AudioFrame(frame.tobytes(), RATE_HZ, 1, _FRAME_SAMPLES)
        for frame in whole.reshape(-1, _FRAME_SAMPLES)
    ]


def _model_times_s(samples: np.ndarray) -> list[float]:
    """Of the model alone, window by window."""
    model, times_s = NativeVAD(), []
    for start in range(0, len(samples) - VAD_WINDOW_SAMPLES + 1, VAD_WINDOW_SAMPLES):
        window = samples[start : start + VAD_WINDOW_SAMPLES]
        begun_s = time.perf_counter()
        model.predict(window)
        times_s.append(time.perf_counter() - begun_s)
    return times_s


def _samples(path: Path) -> np.ndarray:
    samples, rate_hz = read_wav(path)
    if rate_hz != RATE_HZ:
        raise VadDataError(f"{path} has {rate_hz} Hz, not {RATE_HZ}")
    return samples


def _microseconds(times_s: list[float], percent: int) -> float:
    return round(float(np.percentile(times_s, percent)) * 1e6, 1)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    folder = os.environ.get(VARIABLE)
    if not folder:
        parser.error(f"set {VARIABLE} to the folder of the recordings")
    try:
        figures = measure(Path(folder))
    except (OSError, ValueError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")
    console.print(asdict(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
