"""Whisper: the FINAL after a flush against plain faster-whisper, and what partials cost.

The models have the exact architecture of their size and say as many words as somebody would in that
time, whatever is played to them: what they cost is real, what they say is not.
"""

from __future__ import annotations

import time
from itertools import product
from string import ascii_lowercase
from typing import Any

import numpy as np
from livekit.plugins.faster_whisper import FasterWhisperEngine, WhisperOptions
from numpy.typing import NDArray

from evals.engines.timing import Comparison, compare
from tests.fakes.audio import speech_like
from tests.models.random_whisper import scripted_whisper

RATE_HZ = 16_000
LENGTHS_S = (1.0, 3.0, 10.0)
WORDS_PER_S = 2.5
_THREADS = 1
"""For both: on two cores the decoder is quicker with one (2.4 ms a token against 6.5, base)."""

_CHUNK_BYTES = 2 * RATE_HZ // 25


def finals(*, n: int) -> list[Comparison]:
    """For each size and length: a flush right at the end of speech, nothing decoded before."""
    return [_final(size, length_s, n=n) for size in sizes() for length_s in LENGTHS_S]


def device() -> str:
    """Where Whisper runs, ours and the plain one."""
    import ctranslate2

    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"


def sizes() -> tuple[str, str]:
    """Those that somebody would take on this machine, the smaller one first."""
    return ("base", "turbo") if device() == "cuda" else ("tiny", "base")


def _final(size: str, length_s: float, *, n: int) -> Comparison:
    from faster_whisper import WhisperModel

    path = scripted_whisper(sentence(length_s), size=size, quantization="int8", english_only=True)
    engine = FasterWhisperEngine(WhisperOptions(model=str(path), cpu_threads=_THREADS))
    engine.load()
    precision = "int8" if device() == "cpu" else "float16"  # as ours chooses
    plain = WhisperModel(str(path), device=device(), compute_type=precision, cpu_threads=_THREADS)
    pcm = speech(length_s)
    samples = to_float(pcm)

    def ours() -> str:
        session = engine.open(language="en")
        session.feed(pcm)
        text = session.finish().text
        session.close()
        return text

    def baseline() -> list[str]:
        # At one temperature and without word times, both of which depend on what is said: in its favour.
        segments, _ = plain.transcribe(samples, language="en", beam_size=5, temperature=0.0)
        return [segment.text for segment in segments]

    if not ours() or not baseline():
        raise AssertionError("a model that has to speak said nothing")
    return compare(f"whisper {size}, FINAL of {length_s:g} s", ours, baseline, n=n)


def partials(size: str, *, length_s: float = 10.0) -> dict[str, Any]:
    """Processor time that the interims of a turn take, for each second of speech.

    The caller's clock is made: sound comes as it would, and waits while a decode lasts.
    """
    path = scripted_whisper(sentence(length_s), size=size, quantization="int8", english_only=True)
    engine = FasterWhisperEngine(WhisperOptions(model=str(path), cpu_threads=_THREADS))
    engine.load()
    session = engine.open(language="en")
    pcm = speech(length_s)
    now_s = fed_s = 0.0
    decodes = 0
    processor_s = -time.process_time()
    for start in range(0, len(pcm), _CHUNK_BYTES):
        session.feed(pcm[start : start + _CHUNK_BYTES])
        fed_s += _CHUNK_BYTES / (2 * RATE_HZ)
        now_s = max(now_s, fed_s)
        if now_s <= fed_s and session.is_due:  # else sound is waiting: it is heard first
            begun_s = time.perf_counter()
            session.decode()
            now_s += time.perf_counter() - begun_s
            decodes += 1
    processor_s += time.process_time()
    session.close()
    return {
        "what": f"whisper {size}, partials of {length_s:g} s",
        "partials_per_s": round(decodes / length_s, 2),
        "processor_s_per_s": round(processor_s / length_s, 3),
    }


def to_float(pcm: bytes) -> NDArray[np.float32]:
    """Between -1 and 1, as the library takes sound."""
    return np.frombuffer(pcm, np.int16).astype(np.float32) / np.float32(32768)


def speech(length_s: float) -> bytes:
    """Sound with the ups and downs of speech."""
    spans = [(start, min(start + 0.35, length_s)) for start in np.arange(0.0, length_s, 0.4)]
    return speech_like(length_s, [(float(a), float(b)) for a, b in spans], RATE_HZ)


def sentence(length_s: float) -> str:
    """Different words, as many as are said in that time."""
    words = ("".join(letters) for letters in product(ascii_lowercase, repeat=3))
    return " ".join(
        word for word, _ in zip(words, range(round(length_s * WORDS_PER_S)), strict=False)
    )
