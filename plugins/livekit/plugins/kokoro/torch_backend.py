"""Kokoro by its own PyTorch package, `kokoro`: its own phonemes, Japanese and Chinese too, and GPUs.

Tested against a recording of the interface of kokoro 0.9.4; the package itself, with random weights,
is run by tests/models/speak_by_torch.py.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from livekit.plugins.speechcore import EngineError

from .backend import STYLE_SHAPE, Sound, import_library
from .voices import LANGUAGES

_GET_IT = "get it with `parley download kokoro:torch`"
_EXTRA = "kokoro-torch"
_REPO = "hexgrad/Kokoro-82M"
"""Only named to the library, which would otherwise say so: every file comes from a path."""

_ENGLISH = "en_core_web_sm"

_G2P = Callable[[str], tuple[str | None, Any]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchOptions:
    """Which files, on which device."""

    model_path: Path
    config_path: Path
    voices_dir: Path
    """One file "<voice>.pt" a voice."""

    device: str = "auto"
    """As torch names it: "cuda", "cuda:1", "mps"; auto is "cuda" where there is such a GPU, else "cpu"."""

    name: str = "kokoro:torch"


class TorchBackend:
    """One model, and for each language that is asked for the library's way to phonemes."""

    def __init__(self, options: TorchOptions) -> None:
        """Raises EngineError when a file is not there."""
        for path in (options.model_path, options.config_path):
            if not path.is_file():
                raise EngineError(f"kokoro's {path.name} is not in {path.parent}: {_GET_IT}")
        self._options = options
        self._load_lock = threading.Lock()
        self._phonemes_lock = threading.Lock()
        self._model: Any = None
        self._g2p: dict[str, _G2P] = {}
        self._styles: dict[str, Any] = {}

    @property
    def model(self) -> str:
        return self._options.name

    @property
    def languages(self) -> Sequence[str]:
        return list(LANGUAGES.values())

    @property
    def voices(self) -> Sequence[str]:
        return sorted(path.stem for path in self._options.voices_dir.glob("*.pt"))

    def load(self) -> None:
        with self._load_lock:
            if self._model is None:
                self._model = _open_model(self._options)

    def phonemes(self, text: str, language: str) -> str:
        with self._phonemes_lock:  # spaCy and espeak-ng take one text at a time
            if language not in self._g2p:
                self._g2p[language] = _open_g2p(language)
            found = self._g2p[language](text)[0] or ""
        return " ".join("".join(p for p in found if p in self._model.vocab or p.isspace()).split())

    def speak(self, phonemes: str, voice: str, speed: float) -> Sound:
        library = import_library("kokoro", extra=_EXTRA)
        output = library.KPipeline.infer(self._model, phonemes, self._style(voice), speed)
        samples = np.asarray(output.audio.numpy(), dtype=np.float32).ravel()
        if output.pred_dur is None:
            return Sound(samples, None)
        # In frames, those of the silent tokens before and after the phonemes included.
        ends = np.cumsum(output.pred_dur.numpy().ravel())
        edges = np.rint(ends[:-1] * (len(samples) / ends[-1])).astype(np.int64)
        return Sound(samples, edges)

    def _style(self, voice: str) -> Any:
        """A table of styles by the number of phonemes."""
        if voice not in self._styles:
            path = self._options.voices_dir / f"{voice}.pt"
            torch = import_library("torch", extra=_EXTRA)
            try:
                style = torch.load(path, weights_only=True)
            except Exception as e:  # torch's loader raises what its layers raise
                raise EngineError(
                    f"torch cannot load {path} ({type(e).__name__}): {_GET_IT}"
                ) from e
            if tuple(getattr(style, "shape", ()))[1:] != STYLE_SHAPE:
                raise EngineError(f"{path} holds no voice of kokoro: {_GET_IT}")
            self._styles[voice] = style
        return self._styles[voice]


def _open_model(options: TorchOptions) -> Any:
    library = import_library("kokoro", extra=_EXTRA)
    try:
        model = library.KModel(
            repo_id=_REPO, config=str(options.config_path), model=str(options.model_path)
        )
    except Exception as e:  # torch's loader raises what its layers raise
        raise EngineError(
            f"torch cannot load {options.model_path} ({type(e).__name__}): {_GET_IT}"
        ) from e
    device = _device(options.device)
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as e:
        raise EngineError(
            f"torch cannot use the device {device!r} on this machine: install what it"
            " needs, or run kokoro on the CPU"
        ) from e


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    torch = import_library("torch", extra=_EXTRA)
    return "cuda" if torch.cuda.is_available() else "cpu"


def _open_g2p(language: str) -> _G2P:
    """The library's text-to-phonemes of one language, without a model of its own."""
    if language.startswith("en") and importlib.util.find_spec(_ENGLISH) is None:
        # The library would fetch it by itself, in the midst of a call.
        logger.warning(
            "kokoro:torch reads English by espeak-ng, for spaCy's model is not here, which knows"
            " words of two readings better: python -m spacy download %s",
            _ENGLISH,
        )
        espeak: _G2P = import_library("misaki.espeak", extra=_EXTRA).EspeakG2P(language=language)
        return espeak
    library = import_library("kokoro", extra=_EXTRA)
    try:
        own: _G2P = library.KPipeline(language, repo_id=_REPO, model=False).g2p
    except ImportError as e:
        raise EngineError(
            f"kokoro:torch needs a package more for {language!r}: pip install 'misaki[{language}]'"
        ) from e
    return own
