"""The product's VAD, and those it could have instead, against recordings of people with labels.

    PARLEY_VAD_DATA=<folder> python -m evals.vad evals/results/vad.json

The folder holds `.wav` files (16 kHz, mono) and beside each the `.scv` file of its labels. The
product's VAD goes to the file that is named, all of them to `vads.json` beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import inference, vad
from livekit.plugins import ten_vad, webrtc_vad
from livekit.plugins.moonshine.detector import SileroDetector
from livekit.plugins.speechcore import EngineError
from livekit.plugins.speechcore.vad import VoiceDetector
from rich.console import Console

from evals.ear.vad_figures import (
    Delays,
    Spans,
    VadComparison,
    VadFigures,
    average_precision,
    label_windows,
    parse_labels,
    precision_recall,
    roc_auc,
    start_delays,
    stop_delays,
    sum_up,
)
from evals.markdown import markdown_table
from tests.stack.speech import read_wav

VARIABLE = "PARLEY_VAD_DATA"
RATE_HZ = 16_000

_FRAME_SAMPLES = RATE_HZ // 100
_THRESHOLD = 0.5

console = Console()


class VadDataError(ValueError):
    """The recordings cannot be used; the message says why."""


@dataclass(frozen=True)
class Candidate:
    """A VAD as a call has it, and the model in it."""

    name: str
    make_vad: Callable[[], vad.VAD]
    make_detector: Callable[[], VoiceDetector]


SILERO = Candidate("silero", inference.VAD, SileroDetector)
CANDIDATES = (
    SILERO,
    Candidate("ten_vad", ten_vad.VAD, ten_vad.TenVadDetector),
    *(
        Candidate(
            f"webrtc_vad, aggressiveness {number}",
            partial(webrtc_vad.VAD, aggressiveness=number),
            partial(webrtc_vad.WebRtcDetector, number),
        )
        for number in range(4)
    ),
)


@dataclass(frozen=True)
class Recording:
    samples: np.ndarray
    spans: Spans


@dataclass(frozen=True)
class Heard:
    """What a VAD made of a recording."""

    recording: Recording
    events: list[vad.VADEvent]
    model_times_s: list[float]

    def of(self, kind: vad.VADEventType) -> list[vad.VADEvent]:
        return [event for event in self.events if event.type is kind]

    def times_s(self, kind: vad.VADEventType) -> list[float]:
        return [event.timestamp for event in self.of(kind)]

    @property
    def windows(self) -> list[vad.VADEvent]:
        return self.of(vad.VADEventType.INFERENCE_DONE)


def read_recordings(folder: Path) -> list[Recording]:
    """Raises VadDataError."""
    paths = sorted(folder.glob("*.wav"))
    if not paths:
        raise VadDataError(f"{VARIABLE}: {folder} holds no .wav files")
    return [
        Recording(
            _samples(path), parse_labels(path.with_suffix(".scv").read_text(encoding="utf-8"))
        )
        for path in paths
    ]


def hear_all(candidate: Candidate, recordings: list[Recording]) -> tuple[list[Heard], float]:
    """What the VAD makes of each, and the length of its windows in seconds."""
    detector = candidate.make_vad()
    window_s = detector.capabilities.update_interval
    heard = [
        Heard(
            recording,
            asyncio.run(_through_vad(detector, recording.samples)),
            _model_times_s(candidate.make_detector(), recording.samples, round(window_s * RATE_HZ)),
        )
        for recording in recordings
    ]
    return heard, window_s


def figures_of(heard: list[Heard], window_s: float) -> VadFigures:
    scores, is_speech = _scored(heard, window_s)
    hops_s = [event.inference_duration for one in heard for event in one.windows]
    times_s = [time_s for one in heard for time_s in one.model_times_s]
    return VadFigures(
        recordings=len(heard),
        windows=len(is_speech),
        speech_share=round(float(is_speech.mean()), 4),
        average_precision=round(average_precision(scores, is_speech), 4),
        p50_us=_microseconds(times_s, 50),
        p95_us=_microseconds(times_s, 95),
        p50_with_hop_us=_microseconds(hops_s, 50),
    )


def compare(name: str, heard: list[Heard], window_s: float) -> VadComparison:
    scores, is_speech = _scored(heard, window_s)
    precision, recall = precision_recall(scores >= _THRESHOLD, is_speech)
    times_s = [time_s for one in heard for time_s in one.model_times_s]
    p50_us = _microseconds(times_s, 50)
    kinds = vad.VADEventType
    starts = [
        delay
        for one in heard
        for delay in start_delays(one.recording.spans, one.times_s(kinds.START_OF_SPEECH))
    ]
    stops = [
        delay
        for one in heard
        for delay in stop_delays(one.recording.spans, one.times_s(kinds.END_OF_SPEECH))
    ]
    return VadComparison(
        name=name,
        windows=len(is_speech),
        window_ms=round(window_s * 1000, 1),
        average_precision=round(average_precision(scores, is_speech), 4),
        auc=round(roc_auc(scores, is_speech), 4),
        precision=round(precision, 4),
        recall=round(recall, 4),
        p50_us=p50_us,
        p95_us=_microseconds(times_s, 95),
        us_per_s=round(p50_us / window_s, 1),
        start=sum_up(starts),
        stop=sum_up(stops),
    )


def _scored(heard: list[Heard], window_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The score of every window, and whether it is labelled as speech."""
    scores = [np.array([event.probability for event in one.windows]) for one in heard]
    speech = [label_windows(one.recording.spans, len(one.windows), window_s) for one in heard]
    return np.concatenate(scores), np.concatenate(speech)


async def _through_vad(detector: vad.VAD, samples: np.ndarray) -> list[vad.VADEvent]:
    """The events as a call would get them."""
    stream = detector.stream()
    try:
        for frame in _frames(samples):
            stream.push_frame(frame)
        stream.end_input()
        return [event async for event in stream]
    finally:
        await stream.aclose()


def _frames(samples: np.ndarray) -> list[rtc.AudioFrame]:
    whole = samples[: len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES]
    return [
        rtc.AudioFrame(frame.tobytes(), RATE_HZ, 1, _FRAME_SAMPLES)
        for frame in whole.reshape(-1, _FRAME_SAMPLES)
    ]


def _model_times_s(
    detector: VoiceDetector, samples: np.ndarray, window_samples: int
) -> list[float]:
    """Of the model alone, window by window."""
    times_s = []
    for start in range(0, len(samples) - window_samples + 1, window_samples):
        window = samples[start : start + window_samples].tobytes()
        begun_s = time.perf_counter()
        detector.score(window)
        times_s.append(time.perf_counter() - begun_s)
    return times_s


def _samples(path: Path) -> np.ndarray:
    samples, rate_hz = read_wav(path)
    if rate_hz != RATE_HZ:
        raise VadDataError(f"{path} has {rate_hz} Hz, not {RATE_HZ}")
    return samples


def _microseconds(times_s: list[float], percent: int) -> float:
    return round(float(np.percentile(times_s, percent)) * 1e6, 1)


_COLUMNS = (
    "VAD",
    "window (n)",
    "AP",
    "AUC",
    "P, R",
    "µs a window, p50, p95",
    "µs a second",
    "START, p50, p95 (missed)",
    "END, p50, p95 (missed)",
)


def table(rows: list[VadComparison]) -> str:
    """For people, in Markdown: a row a VAD."""
    return markdown_table(_COLUMNS, map(_cells, rows))


def _cells(row: VadComparison) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.window_ms:g} ms ({row.windows})",
        f"{row.average_precision:.3f}",
        f"{row.auc:.3f}",
        f"{row.precision:.2f}, {row.recall:.2f}",
        f"{row.p50_us:g}, {row.p95_us:g}",
        f"{row.us_per_s:.0f}",
        _delays(row.start),
        _delays(row.stop),
    )


def _delays(delays: Delays) -> str:
    of = f"{delays.missed} of {delays.found + delays.missed}"
    if delays.p50_s is None or delays.p95_s is None:
        return f"never ({of})"
    return f"{delays.p50_s:.2f}, {delays.p95_s:.2f} s ({of})"


def _write(path: Path, figures: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, output: Path) -> list[VadComparison]:
    """Measures every VAD that is installed and writes both files. Raises VadDataError."""
    recordings = read_recordings(folder)
    rows = []
    for candidate in CANDIDATES:
        try:
            heard, window_s = hear_all(candidate, recordings)
        except EngineError as e:
            console.print(f"{candidate.name} is not measured: {e}", markup=False, highlight=False)
            continue
        if candidate is SILERO:
            _write(output, asdict(figures_of(heard, window_s)))
        rows.append(compare(candidate.name, heard, window_s))
    _write(output.with_name("vads.json"), [asdict(row) for row in rows])
    return rows


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
        rows = measure(Path(folder), options.output)
    except (OSError, ValueError) as e:
        console.print(str(e), style="red", markup=False, highlight=False)
        return 1
    console.print(table(rows), markup=False, highlight=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
