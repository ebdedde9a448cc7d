"""Kokoro: how soon a reply is heard clause by clause, and whether the voice runs dry.

The model has the exact architecture and random weights, and speaks about 13 phonemes a second: what
it costs is real, what it says is not. It is written by the `kokoro` package, which needs an
environment of its own: see tests/models/random_kokoro.py.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from livekit.agents import APIConnectOptions, tts
from livekit.plugins import kokoro
from livekit.plugins.kokoro.backend import SAMPLE_RATE_HZ
from livekit.plugins.speechcore import PhraseCache

from agent.local.factories import kokoro_backend
from agent.local.tuning import Tuning
from agent.speech import clause_tts
from evals.engines.timing import Comparison, Times
from evals.engines.whisper import device
from evals.first_audio import HEARD_GAP_S, SENTENCES, TOKENS_PER_S, stock
from tests.fakes.listener import Heard, listen
from tests.models.random_kokoro import Precision, kokoro_folder, random_kokoro

THREADS = 2
_SENTENCES_A_REPLY = 3
_VOICE = "af_heart"
_PATIENT = APIConnectOptions(max_retry=0, timeout=120.0)
_WHOLE = kokoro.KokoroOptions(first_chars=400, max_chars=400)
"""The engine parts no sentence."""


def reply(number: int) -> str:
    """Some 40 words, always the same for a number; without an opening that is soon spoken."""
    return " ".join(random.Random(number).sample(SENTENCES, _SENTENCES_A_REPLY))


def first_audio(*, n: int) -> list[Comparison]:
    """Of a reply that is written already, in turn: clause by clause, whole, a sentence at a time."""
    return asyncio.run(_first_audio(n))


def playouts(*, n: int) -> list[dict[str, Any]]:
    """Replies as an LLM writes them: the first one of a call, with and without what `parley tune`
    knows of the voice's speed, and later ones."""
    return [row for threads in (2, 1) for row in asyncio.run(_playout(threads, n))]


def precisions(*, n: int) -> list[dict[str, Any]]:
    """Seconds of work for a second of speech, by weights and threads."""
    weights: tuple[Precision, ...] = ("fp32", "int8")
    return [_speed(precision, threads, n) for precision in weights for threads in (1, 2)]


async def _first_audio(n: int) -> list[Comparison]:
    backend, whole_s = _by_torch() if device() == "cuda" else _by_onnx()
    taken: dict[str, list[float]] = {"clauses": [], "sentences": [], "whole": []}
    async with _voice(backend) as voice, _voice(backend, _WHOLE) as unparted:
        ways = {"clauses": clause_tts(voice), "sentences": stock(unparted)}
        for number in range(n + 1):
            for name in sorted(taken, reverse=bool(number % 2)):
                text = reply(number)
                if name == "whole":
                    taken_s = await asyncio.to_thread(whole_s, text)
                else:
                    taken_s = _first_s(await listen(ways[name], text, options=_PATIENT))
                if number:  # the first one loads the model and teaches the planner
                    taken[name].append(taken_s)
        for way in ways.values():
            await way.aclose()
    return [
        Comparison.of(
            f"kokoro, first audio of a reply, against {baseline}",
            {"ours": taken["clauses"], "baseline": taken[name]},
        )
        for name, baseline in (("whole", "the whole text"), ("sentences", "a sentence at a time"))
    ]


def _by_onnx() -> tuple[kokoro.Backend, Callable[[str], float]]:
    """Ours, and how long the library takes for a whole text."""
    options = random_kokoro("fp32", threads=THREADS)
    plain = _plain(options)
    return kokoro.OnnxBackend(options), lambda text: _create_s(plain, text)


def _by_torch() -> tuple[kokoro.Backend, Callable[[str], float]]:
    """The same on a GPU."""
    backend = kokoro_backend(kokoro_folder(), model="torch")

    def whole_s(text: str) -> float:
        started_s = time.perf_counter()
        backend.speak(backend.phonemes(text, "en-us"), _VOICE, 1.0)
        return time.perf_counter() - started_s

    return backend, whole_s


async def _playout(threads: int, n: int) -> list[dict[str, Any]]:
    backend = _backend("fp32", threads)
    tuned = Tuning(kokoro_per_s=statistics.median(_rtfs(backend, 3)))
    heard: dict[str, list[Heard]] = {"first reply": [], "first reply, tuned": [], "later": []}
    async with _voice(backend) as voice:
        later = clause_tts(voice)
        await _hear(later, n)
        for number in range(n):
            untaught, taught = clause_tts(voice), clause_tts(voice, planner=tuned.planner())
            for name, way in zip(heard, (untaught, taught, later), strict=True):
                heard[name].append(await _hear(way, number))
            await untaught.aclose()
            await taught.aclose()
        await later.aclose()
    return [
        _heard_row(f"kokoro fp32, {threads} threads, {name}", tuned.kokoro_per_s, replies)
        for name, replies in heard.items()
    ]


def _heard_row(what: str, rtf: float, replies: Sequence[Heard]) -> dict[str, Any]:
    first = Times.of([_first_s(each) for each in replies])
    starved_s = [_starved_s(each) for each in replies]
    return {
        "what": what,
        "n": first.n,
        "rtf": round(rtf, 2),
        "first_audio_p50_s": round(first.p50_s, 2),
        "first_audio_p95_s": round(first.p95_s, 2),
        "starved_max_s": round(max(starved_s), 2),
        "with_a_gap": sum(each > 0 for each in starved_s),
    }


def _speed(precision: Precision, threads: int, n: int) -> dict[str, Any]:
    rtf = Times.of(_rtfs(_backend(precision, threads), n))
    what = f"kokoro {precision}, {threads} threads"
    return {"what": what, "n": n, "rtf_p50": round(rtf.p50_s, 3), "rtf_p95": round(rtf.p95_s, 3)}


async def _hear(way: tts.TTS[Any], number: int) -> Heard:
    return await listen(way, reply(number), tokens_per_s=TOKENS_PER_S, options=_PATIENT)


def _backend(precision: Precision, threads: int) -> kokoro.OnnxBackend:
    backend = kokoro.OnnxBackend(random_kokoro(precision, threads=threads))
    backend.load()
    return backend


def _voice(backend: kokoro.Backend, options: kokoro.KokoroOptions | None = None) -> kokoro.TTS:
    """One that remembers no phrase."""
    return kokoro.TTS(backend, options=options, cache=PhraseCache(0))


def _plain(options: kokoro.OnnxOptions) -> Any:
    """The library, on as many threads."""
    import onnxruntime
    from kokoro_onnx import Kokoro

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(
        str(options.model_path), settings, providers=list(options.providers)
    )
    return Kokoro.from_session(session, str(options.voices_path))


def _create_s(plain: Any, text: str) -> float:
    started_s = time.perf_counter()
    plain.create(text, voice=_VOICE, lang="en-us")
    return time.perf_counter() - started_s


def _rtfs(backend: kokoro.OnnxBackend, n: int) -> list[float]:
    """Seconds of work for a second of speech, of some sentences; the first run is left out."""
    found = []
    for number in range(n + 1):
        phonemes = backend.phonemes(SENTENCES[number % len(SENTENCES)], "en-us")
        started_s = time.perf_counter()
        sound = backend.speak(phonemes, _VOICE, 1.0)
        found.append((time.perf_counter() - started_s) * SAMPLE_RATE_HZ / len(sound.samples))
    return found[1:]


def _first_s(heard: Heard) -> float:
    if heard.first_s is None:
        raise AssertionError("a voice that has to speak said nothing")
    return heard.first_s


def _starved_s(heard: Heard) -> float:
    """How long there was nothing to play in a reply that had begun."""
    return sum(gap_s for gap_s in heard.gaps_s if gap_s >= HEARD_GAP_S)
