"""What the model server calls to make its engines; the arguments come as JSON.

Named by import path in its settings, so that the server needs no list of engines. The plugins are
imported here and not when they are called: livekit wants that on the main thread. Their libraries
are imported by the engines that are made.
"""

from __future__ import annotations

from pathlib import Path

from livekit.plugins.faster_whisper import FasterWhisperEngine, WhisperOptions
from livekit.plugins.kokoro import (
    Backend,
    KokoroEngine,
    KokoroOptions,
    OnnxBackend,
    OnnxOptions,
    TorchBackend,
    TorchOptions,
)
from livekit.plugins.moonshine import MoonshineEngine
from livekit.plugins.piper import Piper
from livekit.plugins.speechcore import CachingEngine, PhraseCache, Recogniser, Synthesiser


def faster_whisper(
    *,
    path: str,
    language: str | None,
    max_sessions: int,
    threads: int = 0,
    compute_type: str | None = None,
    hot_words: str = "",
) -> FasterWhisperEngine:
    """`language` None detects it."""
    return FasterWhisperEngine(
        WhisperOptions(
            model=path,
            language=language,
            max_sessions=max_sessions,
            cpu_threads=threads,
            compute_type=compute_type,
            hot_words=hot_words,
        )
    )


def moonshine(*, path: str, max_sessions: int) -> Recogniser:
    """The folder is named after its model: `tiny`, `base-es`."""
    return MoonshineEngine(Path(path), model=Path(path).name, max_sessions=max_sessions)


def kokoro(*, path: str, model: str, threads: int = 0, voice: str | None = None) -> Synthesiser:
    """Loads it, and speaks in `voice`, so that one that is not there is told now."""
    backend = kokoro_backend(Path(path), model=model, threads=threads)
    engine = KokoroEngine(backend, KokoroOptions(voice=voice) if voice else None)
    engine.load()
    return CachingEngine(engine, PhraseCache())  # greetings and the like, of all calls


def kokoro_backend(folder: Path, *, model: str = "", threads: int = 0) -> Backend:
    """The ONNX file, or the PyTorch package for the variant `torch` and a folder with its weights alone."""
    onnx, torch = folder / "model.onnx", folder / "kokoro-v1_0.pth"
    if model == "torch" or (torch.exists() and not onnx.exists()):
        return TorchBackend(
            TorchOptions(
                model_path=torch,
                config_path=folder / "config.json",
                voices_dir=folder / "voices",
            )
        )
    return OnnxBackend(
        OnnxOptions(
            model_path=onnx,
            voices_path=folder / "voices.bin",
            threads=threads,
            name=f"kokoro:{model}",
        )
    )


def piper(*, path: str, model: str, voice: str | None = None) -> Synthesiser:
    """`voice`: one of the model's speakers, or its own name."""
    return Piper(Path(path), name=model, speaker=None if voice == model else voice)
