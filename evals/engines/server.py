"""The model server: what it adds to an engine in the process. The engines here take no time."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from livekit.plugins.modelserver import (
    EngineConfig,
    ModelServerClient,
    ModelServerProcess,
    RemoteRecogniser,
    RemoteSynthesiser,
    ServerConfig,
)
from livekit.plugins.speechcore import Transcript
from livekit.plugins.speechio import (
    InProcessRecogniser,
    InProcessSynthesiser,
    RecogniserHandle,
    SynthesiserHandle,
)

from evals.engines.timing import Comparison
from tests.server.dummies import DummyEar, DummyVoice

_TIMEOUT_S = 10.0
_TENTH = bytes(2 * 1600)
"""Of a second of sound: the dummy ear gives a partial for each."""


def costs(*, n: int) -> list[Comparison]:
    """Of a chunk of speech and of a partial transcript."""
    return asyncio.run(_costs(n))


async def _costs(n: int) -> list[Comparison]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-"))
        config = _config(Path(folder))
        process = ModelServerProcess(config)
        stack.push_async_callback(process.aclose)
        await process.start(timeout_s=30)
        client = ModelServerClient(config.address)
        stack.callback(client.close)
        voice, ear = DummyVoice(), DummyEar()
        return [
            await _chunks(
                RemoteSynthesiser(client, "voice", sample_rate_hz=voice.sample_rate_hz),
                InProcessSynthesiser(voice, name="dummy"),
                n,
            ),
            await _partials(
                RemoteRecogniser(client, "ear", sample_rate_hz=ear.sample_rate_hz),
                InProcessRecogniser(ear, name="dummy"),
                n,
            ),
        ]


def _config(folder: Path) -> ServerConfig:
    return ServerConfig(
        address=f"unix:{folder / 'models.sock'}",
        engines=(
            EngineConfig(name="voice", kind="tts", factory="tests.server.dummies:DummyVoice"),
            EngineConfig(name="ear", kind="stt", factory="tests.server.dummies:DummyEar"),
        ),
        health_port=None,
    )


async def _chunks(ours: SynthesiserHandle, baseline: SynthesiserHandle, n: int) -> Comparison:
    taken: dict[str, list[float]] = {"ours": [], "baseline": []}
    for _ in range(n):
        for name, handle in (("ours", ours), ("baseline", baseline)):
            started_s = time.perf_counter()
            speech = handle.speak("one two three", timeout_s=_TIMEOUT_S)
            await anext(speech)
            taken[name].append(time.perf_counter() - started_s)
            await speech.aclose()
    return Comparison.of("a text's first chunk", taken)


async def _partials(ours: RecogniserHandle, baseline: RecogniserHandle, n: int) -> Comparison:
    """From the sound to the hypothesis that has it."""
    news: asyncio.Queue[Transcript] = asyncio.Queue()
    remote = ours.listen(timeout_s=_TIMEOUT_S, on_update=news.put_nowait)
    local = baseline.listen(timeout_s=_TIMEOUT_S)
    taken: dict[str, list[float]] = {"ours": [], "baseline": []}
    try:
        for _ in range(n):
            started_s = time.perf_counter()
            await remote.accept(_TENTH)
            await news.get()
            taken["ours"].append(time.perf_counter() - started_s)
            started_s = time.perf_counter()
            await local.accept(_TENTH)
            taken["baseline"].append(time.perf_counter() - started_s)
    finally:
        remote.close()
        local.close()
    return Comparison.of("a partial transcript", taken)
