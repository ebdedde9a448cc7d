"""Kokoro with its full architecture and random weights: what it costs is real, what it says is not.

Its files are written once, by the `kokoro` package in an environment of its own, for it brings
PyTorch:

    uv venv .parley/kokoro-venv
    uv pip install --python .parley/kokoro-venv kokoro==0.9.4 onnx
"""

from __future__ import annotations

import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from livekit.plugins.kokoro import OnnxOptions

Precision = Literal["fp32", "int8"]

_VERSION = "2"
_STATE = Path(__file__).parents[2] / ".parley"
_PYTHON = _STATE / "kokoro-venv" / "bin" / "python"
_WRITER = Path(__file__).with_name("write_kokoro.py")
_WRITING_TIMEOUT_S = 600.0


def random_kokoro(precision: Precision = "fp32", *, threads: int = 1) -> OnnxOptions:
    """For onnxruntime. Raises FileNotFoundError without the environment that writes it."""
    folder = kokoro_folder()
    path = folder / "model.onnx"
    if precision == "int8":
        path = folder / "int8.onnx"
        if not path.exists():
            _quantise(folder / "model.onnx", path)
    return OnnxOptions(
        model_path=path,
        voices_path=folder / "voices.bin",
        threads=threads,
        name=f"kokoro:{precision}",
    )


def kokoro_folder() -> Path:
    """As `parley download` leaves them for ONNX and for PyTorch, in one.

    Raises FileNotFoundError without the environment that writes it.
    """
    folder = _STATE / "test-models" / f"random-kokoro-{_VERSION}"
    if folder.exists():
        return folder
    if not _PYTHON.exists():
        raise FileNotFoundError(
            f"there is no {_PYTHON}: see {Path(__file__).name} for how to make it"
        )
    library = find_spec("kokoro_onnx")
    if library is None or library.origin is None:
        raise FileNotFoundError("kokoro-onnx is not installed: pip install 'parley-agent[kokoro]'")
    config = Path(library.origin).with_name("config.json")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as part:
        subprocess.run(
            [str(_PYTHON), str(_WRITER), str(config), f"{part}/kokoro"],
            check=True,
            stderr=subprocess.DEVNULL,
            timeout=_WRITING_TIMEOUT_S,
        )
        Path(part, "kokoro").rename(folder)
    return folder


def _quantise(path: Path, quantised: Path) -> None:
    from onnxruntime.quantization import quantize_dynamic

    part = quantised.with_suffix(".part")
    quantize_dynamic(path, part)
    part.rename(quantised)
