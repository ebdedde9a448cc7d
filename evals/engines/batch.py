"""Whether interims of several callers are better decoded together: the real engine, on this machine.

The model server does so with `max_batch`, which `parley tune` sets by a measurement like this one.
"""

from __future__ import annotations

from typing import Any

from livekit.plugins.faster_whisper import FasterWhisperEngine, WhisperOptions
from livekit.plugins.faster_whisper.session import WhisperSession

from evals.engines.timing import compare
from evals.engines.whisper import device, sentence, sizes, speech
from tests.models.random_whisper import scripted_whisper

TOGETHER = (2, 4, 8)
_LENGTH_S = 3.0


def batches(*, n: int) -> list[dict[str, Any]]:
    """Ours: one batch for all; the baseline: one call after the other. Times are for all of them."""
    threads = (1,) if device() == "cuda" else (1, 2)
    return [row for size in sizes() for each in threads for row in _rows(size, each, n=n)]


def _rows(size: str, threads: int, *, n: int) -> list[dict[str, Any]]:
    path = scripted_whisper(sentence(_LENGTH_S), size=size, quantization="int8", english_only=True)
    engine = FasterWhisperEngine(WhisperOptions(model=str(path), cpu_threads=threads))
    rows = []
    for count in TOGETHER:
        sessions = [engine.open(language="en") for _ in range(count)]
        for session in sessions:
            session.feed(speech(_LENGTH_S))
        what = f"whisper {size}, {count} callers' {_LENGTH_S:g} s at once, {threads} threads"
        rows.append(_row(what, engine, sessions, n=n))
        for session in sessions:
            session.close()
    engine.close()
    return rows


def _row(
    what: str, engine: FasterWhisperEngine, sessions: list[WhisperSession], *, n: int
) -> dict[str, Any]:
    if not all(session.next_interim() for session in sessions):
        raise AssertionError("callers have to be in the midst of speaking")
    comparison = compare(
        what,
        lambda: engine.decode_batch(sessions),
        lambda: [session.decode() for session in sessions],
        n=n,
    )
    count = len(sessions)
    # One after the other the n-th waits for n of them.
    in_turn_s = comparison.baseline.p50_s * (count + 1) / 2 / count
    return comparison.to_dict() | {
        "mean_wait_together_s": comparison.ours.p50_s,
        "mean_wait_in_turn_s": round(in_turn_s, 6),
    }
