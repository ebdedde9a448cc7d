"""How late event loops run while engines work: the model server's, and that of a call's process.

Two conversations at once, in real time: three seconds of speech to Whisper (tiny), the final text,
an answer by llama.cpp, spoken by Kokoro's stand-in. Then the same with Whisper and the voice in the
call's process, each on a thread of its own.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit.agents import llm
from livekit.plugins.llama_cpp import LLM, ServerOptions
from livekit.plugins.modelserver import (
    EngineConfig,
    ModelServerClient,
    RemoteRecogniser,
    RemoteSynthesiser,
)
from livekit.plugins.speechio import (
    InProcessRecogniser,
    InProcessSynthesiser,
    RecogniserHandle,
    SynthesiserHandle,
)

from agent.local import factories
from evals.engines.lag import LagProbe
from evals.engines.llama import running_llama
from evals.engines.watched_server import watched_server
from evals.engines.whisper import RATE_HZ, sentence, speech
from tests.models.hum_kokoro import hum_kokoro
from tests.models.random_whisper import scripted_whisper
from tests.models.tiny_llama import Size, write_tiny_llama

_CALLS = 2
_SPOKEN_S = 3.0
_PIECE_SAMPLES = RATE_HZ // 50
_VOICE_HZ = 24_000
_LLAMA = Size(layers=8, width=512, inner=1536, heads=8)
_TOKENS = 40
_TIMEOUT_S = 30.0
_LAG = "lag.json"


@dataclass(frozen=True)
class _Engines:
    ear: RecogniserHandle
    voice: Callable[[], SynthesiserHandle]
    llama_url: str


def lags(*, turns: int) -> list[dict[str, Any]]:
    """Of `turns` turns of each conversation."""
    with tempfile.TemporaryDirectory(prefix="parley-") as path:
        folder = Path(path)
        model = write_tiny_llama(folder / "llama.gguf", size=_LLAMA)
        with running_llama(ServerOptions(model=model, slots=_CALLS, threads=1)) as llama_url:
            served = asyncio.run(_served(folder, llama_url, turns))
            own = asyncio.run(_own(folder, llama_url, turns))
        server = json.loads((folder / _LAG).read_text())
    return [
        {"what": "model server", **server},
        {"what": "call, engines on the model server", **served},
        {"what": "call, Whisper and the voice in its process", **own},
    ]


async def _served(folder: Path, llama_url: str, turns: int) -> dict[str, Any]:
    whisper = _engine("whisper", "stt", "faster_whisper", _whisper())
    kokoro = _engine("kokoro", "tts", "kokoro", _kokoro(folder))
    async with watched_server(folder / _LAG, whisper, kokoro) as running:
        with closing(ModelServerClient(running.address)) as client:
            engines = _Engines(
                RemoteRecogniser(client, "whisper", sample_rate_hz=RATE_HZ),
                lambda: RemoteSynthesiser(client, "kokoro", sample_rate_hz=_VOICE_HZ),
                llama_url,
            )
            return await _watched(engines, turns)


async def _own(folder: Path, llama_url: str, turns: int) -> dict[str, Any]:
    ear = factories.faster_whisper(**_whisper())
    voice = factories.kokoro(**_kokoro(folder))
    return await _watched(
        _Engines(
            InProcessRecogniser(ear, name="whisper"),
            lambda: InProcessSynthesiser(voice, name="kokoro"),
            llama_url,
        ),
        turns,
    )


async def _watched(engines: _Engines, turns: int) -> dict[str, Any]:
    probe = LagProbe()
    pcm = speech(_SPOKEN_S)
    # As in a call, they are made on another thread: reading certificates takes 50 ms.
    models = [
        await asyncio.to_thread(LLM, engines.llama_url, slot=slot, max_tokens=_TOKENS)
        for slot in range(_CALLS)
    ]
    await _conversation(engines, models[0], pcm, 1)  # imports and the like are no part of it
    probe.begin()
    async with asyncio.TaskGroup() as calls:
        for slot, model in enumerate(models):
            calls.create_task(_conversation(engines, model, pcm, turns), name=f"call-{slot}")
    probe.end()
    for model in models:
        await model.aclose()
    return probe.summary()


async def _conversation(engines: _Engines, model: LLM, pcm: bytes, turns: int) -> None:
    listener = engines.ear.listen(timeout_s=_TIMEOUT_S, language="en")
    voice = engines.voice()
    context = llm.ChatContext.empty()
    try:
        for _ in range(turns):
            begun_s = time.monotonic()
            for start in range(0, len(pcm), 2 * _PIECE_SAMPLES):
                await listener.accept(pcm[start : start + 2 * _PIECE_SAMPLES])
                sent_s = start / (2 * RATE_HZ)
                await asyncio.sleep(begun_s + sent_s - time.monotonic())
            context.add_message(role="user", content=(await listener.finish()).text)
            answer = await _answer(model, context)
            context.add_message(role="assistant", content=answer)
            async for _chunk in voice.speak(answer, timeout_s=_TIMEOUT_S):
                pass
    finally:
        listener.close()


async def _answer(model: LLM, context: llm.ChatContext) -> str:
    async with model.chat(chat_ctx=context) as stream:
        return "".join(
            [chunk.delta.content or "" async for chunk in stream if chunk.delta is not None]
        )


def _engine(name: str, kind: Any, factory: str, options: dict[str, Any]) -> EngineConfig:
    return EngineConfig(
        name=name,
        kind=kind,
        factory=f"agent.local.factories:{factory}",
        options=options,
        capacity=_CALLS + 1,
        lane="cpu",
    )


def _whisper() -> dict[str, Any]:
    path = scripted_whisper(
        sentence(_SPOKEN_S), size="tiny", quantization="int8", english_only=True
    )
    return {"path": str(path), "language": "en", "max_sessions": _CALLS + 1, "threads": 1}


def _kokoro(folder: Path) -> dict[str, Any]:
    voice = folder / "kokoro"
    if not voice.exists():
        voice.mkdir()
        files = hum_kokoro()
        (voice / "model.onnx").symlink_to(files.model_path)
        (voice / "voices.bin").symlink_to(files.voices_path)
    return {"path": str(voice), "model": "v1.0", "threads": 1}
