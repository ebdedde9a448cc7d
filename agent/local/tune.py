"""`parley tune`: times the local engines of the settings on this machine and keeps the best choice."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from livekit.plugins.llama_cpp import LlamaServer, ServerOptions
from livekit.plugins.speechcore import PartialSession
from livekit.plugins.speechio import PcmResampler
from rich.console import Console
from rich.progress import track
from rich.table import Table

from agent.config import ConfigError, Settings
from agent.local import factories
from agent.local.models import LocalModel, gguf_of
from agent.local.plan import LocalPlan
from agent.local.tuning import Measurement, best, save, tuning_of

_SENTENCES = (
    "The last ferry to the island leaves at a quarter past nine.",
    "You can park behind the station for four euros a day.",
    "Two rooms are free until Sunday, both with breakfast.",
)
"""Each is spoken once: a voice remembers what it has said."""

_WHISPER_HZ, _KOKORO_HZ = 16_000, 24_000
_ANSWER_TOKENS = 24
_LOADING_TIMEOUT_S = 180.0

Seconds = Callable[[int], list[float]]
"""With so many threads: how long each of some tries took."""


@dataclass(frozen=True)
class Trial:
    """An engine and how it is timed."""

    engine: str
    seconds: Seconds


def run_tune(settings: Settings, plan: LocalPlan) -> int:
    """Prints what was measured and saves the choice; the exit status.

    Raises ConfigError when nothing is local, EngineError when a model cannot be loaded.
    """
    trials = _trials(plan)
    if not trials:
        raise ConfigError(
            [
                "None of the engines of these settings is local: there is nothing to tune. "
                "Run `parley download`, then set AGENT_PROFILE=local."
            ]
        )
    console = Console()
    work = list(itertools.product(trials, thread_counts(os.cpu_count() or 1)))
    measurements = [
        Measurement(
            engine=trial.engine,
            threads=threads,
            seconds=round(statistics.median(trial.seconds(threads)), 4),
        )
        for trial, threads in track(work, description="measuring", console=console, transient=True)
    ]
    chosen = best(measurements)
    path = save(settings.cache_dir, tuning_of(chosen), measurements)
    console.print(_table(measurements, chosen))
    console.print(f"kept in {path}", highlight=False, soft_wrap=True)
    return 0


def thread_counts(cores: int) -> list[int]:
    """1, 2, 4 … and all cores."""
    powers = itertools.takewhile(lambda n: n < cores, (2**k for k in itertools.count()))
    return [*powers, cores]


def _trials(plan: LocalPlan) -> list[Trial]:
    models = {served.model.spec.name: served.model for served in plan.served}
    trials = []
    if whisper := models.get("faster_whisper"):
        pcm = _speech(models.get("kokoro"))
        trials.append(Trial("faster_whisper", lambda threads: _whisper_s(whisper, pcm, threads)))
    if kokoro := models.get("kokoro"):
        trials.append(Trial("kokoro", lambda threads: _kokoro_s(kokoro, threads)))
    if llama := plan.llm:
        trials.append(Trial("llama_cpp", lambda threads: _llama_s(llama, threads)))
    return trials


def _whisper_s(model: LocalModel, pcm: bytes, threads: int) -> list[float]:
    """The final text of a sentence of which nothing was decoded before."""
    engine = factories.faster_whisper(
        path=str(model.path), language="en", max_sessions=1, threads=threads
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
    engine.close()
    return taken_s


def _kokoro_s(model: LocalModel, threads: int) -> list[float]:
    """A sentence, whole."""
    engine = factories.kokoro(path=str(model.path), model=model.spec.model or "", threads=threads)
    taken_s = []
    for sentence in _SENTENCES:
        started_s = time.perf_counter()
        for _ in engine.steps(sentence):
            pass
        taken_s.append(time.perf_counter() - started_s)
    engine.close()
    return taken_s


def _llama_s(model: LocalModel, threads: int) -> list[float]:
    """A prompt of some hundred tokens read, and a short answer written."""
    server = LlamaServer(ServerOptions(model=gguf_of(model), slots=1, threads=threads))
    server.start(timeout_s=_LOADING_TIMEOUT_S)
    try:
        return [_answer_s(server.url, sentence) for sentence in _SENTENCES]
    finally:
        server.stop()


def _answer_s(url: str, sentence: str) -> float:
    body = {"prompt": sentence * 20, "n_predict": _ANSWER_TOKENS, "cache_prompt": False}
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


def _table(measurements: list[Measurement], chosen: dict[str, int]) -> Table:
    table = Table("engine", "threads", "seconds", "")
    for each in measurements:
        mark = "chosen" if chosen[each.engine] == each.threads else ""
        table.add_row(each.engine, str(each.threads), f"{each.seconds:.3f}", mark)
    return table
