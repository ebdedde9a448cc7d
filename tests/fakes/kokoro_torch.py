"""The interface of the `kokoro` package 0.9.4 as far as it is used, recorded from its source.

Same names, arguments and results; the model is a tone. The package itself needs PyTorch, two
gigabytes that are not there in tests.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

FRAME_SAMPLES = 600


class Tensor:
    """What is used of a tensor."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __getitem__(self, index: int) -> Tensor:
        return Tensor(self.values[index])

    def numpy(self) -> np.ndarray:
        return self.values

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape


class KModel:
    has_gpu = False
    moved_to: list[str] = []  # noqa: RUF012

    @dataclass
    class Output:
        audio: Tensor
        pred_dur: Tensor | None = None

    def __init__(self, repo_id: str | None, config: str, model: str) -> None:
        assert repo_id == "hexgrad/Kokoro-82M"
        self.vocab = json.loads(Path(config).read_text())["vocab"]
        if Path(model).read_bytes() != b"weights":
            raise EOFError("Ran out of input")
        self.is_evaluating = False

    def to(self, device: str) -> KModel:
        if device == "cuda" and not self.has_gpu:
            raise AssertionError("Torch not compiled with CUDA enabled")
        self.moved_to.append(device)
        return self

    def eval(self) -> KModel:
        self.is_evaluating = True
        return self

    def __call__(
        self, phonemes: str, ref_s: Tensor, speed: float = 1, return_output: bool = False
    ) -> KModel.Output:
        assert return_output and self.is_evaluating
        assert all(phoneme in self.vocab for phoneme in phonemes)
        assert len(phonemes) <= 510
        frames = np.full(len(phonemes) + 2, round(4 / speed))
        samples = np.full(int(frames.sum()) * FRAME_SAMPLES, 0.1, dtype=np.float32)
        silent = int(frames[0]) * FRAME_SAMPLES
        samples[:silent] = samples[-silent:] = 0.0
        return self.Output(Tensor(samples), Tensor(frames))


class KPipeline:
    made: list[str] = []  # noqa: RUF012

    def __init__(
        self, lang_code: str, repo_id: str | None = None, model: KModel | bool = True
    ) -> None:
        assert lang_code in ("en-us", "en-gb", "es", "fr-fr", "hi", "it", "pt-br", "ja", "zh")
        assert model is False, "it would load a model of its own"
        if lang_code == "ja":
            raise ImportError("No module named 'pyopenjtalk'")
        type(self).made.append(lang_code)

    def g2p(self, text: str) -> tuple[str, Any]:
        return text.lower().replace("!", "❓"), None

    @staticmethod
    def infer(model: KModel, ps: str, pack: Tensor, speed: float = 1) -> KModel.Output:
        return model(ps, pack[len(ps) - 1], speed, return_output=True)


class EspeakG2P:
    """Of `misaki.espeak`."""

    def __init__(self, language: str) -> None:
        assert language in ("en-us", "en-gb")

    def __call__(self, text: str) -> tuple[str, None]:
        return text.lower(), None


def load(path: Path, *, weights_only: bool) -> Tensor:
    assert weights_only
    if path.read_bytes() == b"foreign":
        return Tensor(np.zeros(3, dtype=np.float32))
    if path.read_bytes() != b"voice":
        raise EOFError("Ran out of input")
    return Tensor(np.zeros((510, 1, 256), dtype=np.float32))


@dataclass
class TorchFiles:
    """A folder as `parley download kokoro:torch` leaves it."""

    folder: Path
    voices: tuple[str, ...] = ("af_heart", "jf_alpha")
    model_path: Path = field(init=False)
    config_path: Path = field(init=False)
    voices_dir: Path = field(init=False)

    def __post_init__(self) -> None:
        self.model_path = self.folder / "kokoro-v1_0.pth"
        self.config_path = self.folder / "config.json"
        self.voices_dir = self.folder / "voices"
        self.model_path.write_bytes(b"weights")
        vocab = {
            character: number for number, character in enumerate("abcdefghijklmnopqrstuvwxyz .,")
        }
        self.config_path.write_text(json.dumps({"vocab": vocab}))
        self.voices_dir.mkdir()
        for voice in self.voices:
            (self.voices_dir / f"{voice}.pt").write_bytes(b"voice")


def install(
    patch: pytest.MonkeyPatch, *, with_spacy_model: bool = True, has_gpu: bool = False
) -> None:
    """Makes `import kokoro` and `import torch` find this."""
    kokoro, torch, espeak = (ModuleType(name) for name in ("kokoro", "torch", "misaki.espeak"))
    espeak.EspeakG2P = EspeakG2P  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "misaki.espeak", espeak)
    patch.setattr(KPipeline, "made", [])
    patch.setattr(KModel, "moved_to", [])
    patch.setattr(KModel, "has_gpu", has_gpu)
    for name, value in (("KModel", KModel), ("KPipeline", KPipeline)):
        setattr(kokoro, name, value)
    torch.load = load  # type: ignore[attr-defined]
    torch.cuda = SimpleNamespace(is_available=lambda: has_gpu)  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "kokoro", kokoro)
    patch.setitem(sys.modules, "torch", torch)
    if with_spacy_model:
        spacy_model = ModuleType("en_core_web_sm")
        spacy_model.__spec__ = ModuleSpec("en_core_web_sm", None)
        patch.setitem(sys.modules, "en_core_web_sm", spacy_model)
