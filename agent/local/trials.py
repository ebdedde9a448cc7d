"""The local engines, each timed at what callers wait for, in every way that it can be run here."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import numpy as np
from livekit.plugins.faster_whisper import FasterWhisperEngine
from livekit.plugins.llama_cpp import LlamaServer, ServerOptions
from livekit.plugins.speechcore import PartialSession, duration_s
from livekit.plugins.speechio import PcmResampler

from agent.local import factories
from agent.local.models import LocalModel, gguf_of, is_path
from agent.local.plan import LocalPlan
from agent.local.tuning import Measurement, pays_together
from agent.speech.edges import ClauseEdges
from agent.speech.planner import Cost

_SENTENCES = (
    "The last ferry to the island leaves at a quarter past nine.",
    "You can park behind the station for four euros a day.",
    "Two rooms are free until Sunday, both with breakfast.",
)
"""Each is spoken once: a voice remembers what it has said."""

_MOST_PRECISE_FIRST = ("float32", "bfloat16", "float16", "int16", "int8_float16", "int8")
"""CTranslate2's types that differ; on a CPU int8 is int8_float32."""

_WHISPER_HZ, _KOKORO_HZ = 16_000, 24_000
_ANSWER_TOKENS = 24
_REPEATS = 20
"""Of a sentence: as long as instructions and a few turns."""
_CALLERS = 4
"""Of whom it is tried whether they are better served together."""
_LOADING_TIMEOUT_S = 180.0


@dataclass(frozen=True)
class Timing:
    """What one trial took."""

    seconds: list[float]
    """Of each try."""
    clause_cost: Cost = field(default_factory=lambda: Cost(0.0, 0.0))
    """Of a voice."""
    batch: int = 1
    """How many callers are better served together."""
    first_s: float = 0.0
    """Of a language model: until the first token, as `Measurement` has it."""


@dataclass(frozen=True)
class Trial:
    """One way to run an engine."""

    engine: str
    variant: str
    """Its precision; empty where there is but one."""
    threads: int
    time: Callable[[], Timing]
    """Loads the engine, tries it and closes it."""

    def run(self) -> Measurement:
        """Raises EngineError when the engine cannot be loaded."""
        timing = self.time()
        return Measurement(
            engine=self.engine,
            variant=self.variant,
            threads=self.threads,
            seconds=round(statistics.median(timing.seconds), 4),
            fixed_s=round(timing.clause_cost.fixed_s, 4),
            per_s=round(timing.clause_cost.per_s, 4),
            batch=timing.batch,
            first_s=round(timing.first_s, 4),
        )


def trials_of(plan: LocalPlan, voices: Sequence[LocalModel]) -> list[Trial]:
    """For what is planned. `voices`: the files that Kokoro may use, the most precise first.

    Raises EngineError when there is a voice that cannot be loaded.
    """
    models = {served.model.spec.name: served.model for served in plan.served}
    counts = thread_counts(os.cpu_count() or 1)
    trials: list[Trial] = []
    if whisper := models.get("faster_whisper"):
        pcm = _speech(voices[0] if voices else None)
        trials += [
            Trial("faster_whisper", kind, threads, partial(_whisper, whisper, pcm, threads, kind))
            for kind, threads in itertools.product(compute_types(), counts)
        ]
    trials += [
        Trial("kokoro", _precision(voice), threads, partial(_kokoro, voice, threads))
        for voice in voices
        for threads in ([0] if voice.spec.model == "torch" else counts)  # PyTorch has its own
    ]
    if llama := plan.llm:
        trials += [
            Trial("llama_cpp", "", threads, partial(_llama, llama, threads)) for threads in counts
        ]
    return trials


def thread_counts(cores: int) -> list[int]:
    """1, 2, 4 … and all cores."""
    powers = itertools.takewhile(lambda n: n < cores, (2**k for k in itertools.count()))
    return [*powers, cores]


def compute_types() -> list[str]:
    """The precisions in which CTranslate2 runs Whisper on this machine, the most precise first."""
    import ctranslate2

    device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    offered = ctranslate2.get_supported_compute_types(device)
    return [each for each in _MOST_PRECISE_FIRST if each in offered]


def _precision(voice: LocalModel) -> str:
    """Of a voice of the user's own nothing is known."""
    return "" if is_path(voice.spec) else voice.spec.model or ""


def _whisper(model: LocalModel, pcm: bytes, threads: int, compute_type: str) -> Timing:
    """The final text of a sentence of which nothing was decoded before; and whether the interims of
    several callers are better decoded together."""
    engine = factories.faster_whisper(
        path=str(model.path),
        language="en",
        max_sessions=_CALLERS,
        threads=threads,
        compute_type=compute_type,
    )
    engine.load()
    taken_s = []
    for _ in _SENTENCES:
        session = cast(PartialSession, engine.open(language="en"))
        session.feed(pcm)
        started_s = time.perf_counter()
        session.finish()
        taken_s.append(time.perf_counter() - started_s)
        session.close()
    batch = _CALLERS if _pays_together(engine, pcm) else 1
    engine.close()
    return Timing(taken_s, batch=batch)


def _pays_together(engine: FasterWhisperEngine, pcm: bytes) -> bool:
    """`pcm`: a sentence, of which the callers are in the midst."""
    sessions = [cast(PartialSession, engine.open(language="en")) for _ in range(_CALLERS)]
    for session in sessions:
        session.feed(pcm[: len(pcm) // 4 * 2])
    together_s, one_s = [], []
    for _ in _SENTENCES:
        started_s = time.perf_counter()
        engine.decode_batch(sessions)
        together_s.append(time.perf_counter() - started_s)
        started_s = time.perf_counter()
        sessions[0].decode()
        one_s.append(time.perf_counter() - started_s)
    for session in sessions:
        session.close()
    return pays_together(
        _CALLERS, one_s=statistics.median(one_s), together_s=statistics.median(together_s)
    )


def _kokoro(model: LocalModel, threads: int) -> Timing:
    """A sentence, whole; and what its clauses, which differ in length, took each."""
    engine = factories.kokoro(path=str(model.path), model=model.spec.model or "", threads=threads)
    taken_s = []
    clauses: list[tuple[bytes, float]] = []
    for sentence in _SENTENCES:
        began_s = clause_began_s = time.perf_counter()
        for chunk in engine.steps(sentence):
            now_s = time.perf_counter()
            clauses.append((chunk.pcm, now_s - clause_began_s))
            clause_began_s = now_s
        taken_s.append(time.perf_counter() - began_s)
    engine.close()
    return Timing(taken_s, clause_cost(clauses, _KOKORO_HZ))


def clause_cost(clauses: Iterable[tuple[bytes, float]], sample_rate_hz: int) -> Cost:
    """Of the sound of some clauses and the seconds that each took: for what is heard of it, as in
    a call, where silence at its edges is cut off."""
    cost = Cost(0.0, 0.0)
    for pcm, took_s in clauses:
        edges = ClauseEdges(sample_rate_hz)
        if heard_s := duration_s(edges.process(pcm) + edges.finish(), sample_rate_hz):
            cost.add(heard_s, took_s)
    return cost


def _llama(model: LocalModel, threads: int) -> Timing:
    """A prompt of some hundred tokens read, and a short answer written; then first tokens alone."""
    server = LlamaServer(ServerOptions(model=gguf_of(model), slots=1, threads=threads))
    server.start(timeout_s=_LOADING_TIMEOUT_S)
    try:
        taken_s = [_answer_s(server.url, it * _REPEATS, _ANSWER_TOKENS) for it in _SENTENCES]
        return Timing(taken_s, first_s=_first_token_s(server.url))
    finally:
        server.stop()


def _first_token_s(url: str) -> float:
    """As in a call: all of the conversation has been read but for its last sentence."""
    conversation, taken_s = _SENTENCES[0] * _REPEATS, []
    _answer_s(url, conversation, tokens=1, is_cached=True)
    for sentence in _SENTENCES:
        conversation += sentence
        taken_s.append(_answer_s(url, conversation, tokens=1, is_cached=True))
    return statistics.median(taken_s)


def _answer_s(url: str, prompt: str, tokens: int, *, is_cached: bool = False) -> float:
    body = {"prompt": prompt, "n_predict": tokens, "cache_prompt": is_cached}
    request = urllib.request.Request(
        f"{url}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
    started_s = time.perf_counter()
    with opener.open(request, timeout=_LOADING_TIMEOUT_S) as answer:
        answer.read()
    return time.perf_counter() - started_s


def _speech(voice: LocalModel | None) -> bytes:
    """A sentence in the settings' own voice; without one, noise with the rhythm of speech."""
    if voice is not None:
        engine = factories.kokoro(path=str(voice.path), model=voice.spec.model or "")
        pcm = b"".join(chunk.pcm for chunk in engine.steps(_SENTENCES[0]))
        engine.close()
        resampler = PcmResampler(_KOKORO_HZ, _WHISPER_HZ)
        return resampler.push(pcm) + resampler.flush()
    times_s = np.arange(3 * _WHISPER_HZ) / _WHISPER_HZ
    loudness = np.abs(np.sin(2 * np.pi * 1.5 * times_s))
    samples = np.random.default_rng(0).standard_normal(len(times_s)) * loudness * 3000
    return samples.astype(np.int16).tobytes()
