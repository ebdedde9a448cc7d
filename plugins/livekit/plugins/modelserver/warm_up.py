"""The first work of an engine: it makes later work quick, and tells what that will cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import numpy as np
from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    Recogniser,
    RecogniserSession,
    Synthesiser,
    duration_s,
)

from .config import EngineConfig

_SPOKEN_S, _QUIET_S = 2.0, 2.0
"""People speak for less than half of a call."""

_PIECE_S = 0.04
_LEVEL = 0.1
_TEXT = "One moment, please. I am looking for the answer to that."
_LONGEST_S = 5.0
"""For each of two rounds; a model that is slower than that is measured on what it has done."""


def measured_cost(config: EngineConfig, engine: Recogniser | Synthesiser) -> float | None:
    """Seconds of work for a second of sound; None when no sound came. Blocks, for 10 s at most
    unless one step takes longer. Raises what the engine raises.

    What a recogniser makes of sound that is no speech is a first guess, which calls correct.
    """
    run = _listen if config.kind == "stt" else _speak
    run(engine)
    begun_s = time.monotonic()
    sound_s = run(engine)
    return (time.monotonic() - begun_s) / sound_s if sound_s else None


def _listen(engine: Recogniser | Synthesiser) -> float:
    """How much sound a session has heard in the time that there is."""
    recogniser = cast(Recogniser, engine)
    pcm = _sound(recogniser.sample_rate_hz)
    piece_bytes = 2 * round(_PIECE_S * recogniser.sample_rate_hz)
    is_over = _timer()
    session: RecogniserSession = recogniser.open()
    try:
        heard_bytes = 0
        while heard_bytes < len(pcm) and not is_over():
            session.accept(pcm[heard_bytes : heard_bytes + piece_bytes])
            heard_bytes += piece_bytes
        session.finish()
        return duration_s(pcm[:heard_bytes], recogniser.sample_rate_hz)
    finally:
        session.close()


def _speak(engine: Recogniser | Synthesiser) -> float:
    """How much speech was made in the time that there is."""
    synthesiser = cast(Synthesiser, engine)
    is_over = _timer()
    made_s = 0.0
    for chunk in synthesiser.steps(_TEXT, DEFAULT_VOICING):
        made_s += duration_s(chunk.pcm, synthesiser.sample_rate_hz)
        if is_over():
            break
    return made_s


def _sound(rate_hz: int) -> bytes:
    """Noise in bursts as long as syllables, then quiet."""
    random = np.random.default_rng(0)
    times_s = np.arange(round(_SPOKEN_S * rate_hz)) / rate_hz
    spoken = (
        random.standard_normal(len(times_s)) * _LEVEL * (np.sin(2 * np.pi * 4 * times_s) > -0.5)
    )
    samples = np.concatenate([spoken, np.zeros(round(_QUIET_S * rate_hz))])
    pcm: bytes = np.clip(samples * 32768, -32768, 32767).astype(np.int16).tobytes()
    return pcm


def _timer() -> Callable[[], bool]:
    end_s = time.monotonic() + _LONGEST_S
    return lambda: time.monotonic() > end_s
