"""A stand-in for Kokoro's weights that kokoro-onnx itself loads and runs: it hums.

Its graph has Kokoro's inputs and outputs. A phoneme is 2..4 frames of 600 samples long by its token,
as the real model's are by what it learnt, divided by the speed; the tone is the mean of the style:
each voice has its own. The tokens before and after the phonemes are silent, as they nearly are.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from livekit.plugins.kokoro import OnnxOptions
from onnx import TensorProto, helper, numpy_helper

FRAME_SAMPLES = 600
VOICES = {"af_heart": 200.0, "am_adam": 120.0, "bf_emma": 180.0, "ff_siwis": 220.0}
"""The tone of each, in Hz."""

Durations = Literal["rounded", "raw", "none"]
"""What the graph tells: kokoro-onnx's exports round, the one called timestamped does not, the
first ones told nothing."""

_VERSION = "1"
_FOLDER = Path(__file__).parents[2] / ".parley" / "test-models"


@cache
def hum_kokoro(durations: Durations = "rounded") -> OnnxOptions:
    """The files, made once for all test sessions."""
    folder = _FOLDER / f"hum-kokoro-{_VERSION}"
    model_path, voices_path = folder / f"{durations}.onnx", folder / "voices.bin"
    folder.mkdir(parents=True, exist_ok=True)
    if not model_path.exists():
        _write(model_path, _model(durations).SerializeToString())
    if not voices_path.exists():
        with tempfile.TemporaryFile() as file:
            np.savez(file, **{name: _style(hz) for name, hz in VOICES.items()})
            file.seek(0)
            _write(voices_path, file.read())
    return OnnxOptions(model_path=model_path, voices_path=voices_path, threads=1)


def _style(hz: float) -> np.ndarray:
    return np.full((510, 1, 256), hz / 100, dtype=np.float32)


def _write(path: Path, content: bytes) -> None:
    """At once and whole: two test sessions may come here together."""
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.rename(path)


def _model(durations: Durations) -> onnx.ModelProto:
    outputs = [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["samples"])]
    if durations == "rounded":
        outputs.append(helper.make_tensor_value_info("duration", TensorProto.INT64, ["tokens"]))
    elif durations == "raw":
        outputs.append(helper.make_tensor_value_info("durations", TensorProto.FLOAT, [1, "tokens"]))
    graph = helper.make_graph(
        _nodes(),
        "hum",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
            helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
        ],
        outputs,
        initializer=[numpy_helper.from_array(value, name) for name, value in _CONSTANTS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


_CONSTANTS = {
    "zero": np.array(0, np.int64),
    "one": np.array(1, np.int64),
    "last": np.array(-1, np.int64),
    "two": np.array(2, np.int64),
    "three": np.array(3, np.int64),
    "first_axis": np.array([0], np.int64),
    "least": np.array(1.0, np.float32),
    "frame": np.array(FRAME_SAMPLES, np.int64),
    "radians": np.array(2 * np.pi * 100 / 24_000, np.float32),
    "loudness": np.array(0.2, np.float32),
}


def _nodes() -> list[onnx.NodeProto]:
    steps = [
        ("Gather", ["input_ids", "zero"], "ids"),
        ("Mod", ["ids", "three"], "rest"),
        ("Add", ["rest", "two"], "whole"),
        ("Cast", ["whole"], "long"),
        ("Div", ["long", "speed"], "wanted"),
        ("Round", ["wanted"], "round"),
        ("Max", ["round", "least"], "frames"),
        ("Cast", ["frames"], "duration"),
        ("Unsqueeze", ["wanted", "first_axis"], "durations"),
        ("Mul", ["duration", "frame"], "lengths"),
        ("ReduceSum", ["lengths"], "total"),
        ("Range", ["zero", "total", "one"], "places"),
        ("Gather", ["lengths", "zero"], "begin"),
        ("Gather", ["lengths", "last"], "tail"),
        ("Sub", ["total", "tail"], "end"),
        ("GreaterOrEqual", ["places", "begin"], "begun"),
        ("Less", ["places", "end"], "unended"),
        ("And", ["begun", "unended"], "is_loud"),
        ("Cast", ["is_loud"], "gate"),
        ("Cast", ["places"], "time"),
        ("ReduceMean", ["style"], "pitch"),
        ("Mul", ["time", "radians"], "turns"),
        ("Mul", ["turns", "pitch"], "phase"),
        ("Sin", ["phase"], "tone"),
        ("Mul", ["tone", "loudness"], "hum"),
        ("Mul", ["hum", "gate"], "waveform"),
    ]
    options = {
        "long": {"to": TensorProto.FLOAT},
        "duration": {"to": TensorProto.INT64},
        "gate": {"to": TensorProto.FLOAT},
        "time": {"to": TensorProto.FLOAT},
        "total": {"keepdims": 0},
        "pitch": {"keepdims": 0},
    }
    return [
        helper.make_node(operator, inputs, [output], **options.get(output, {}))
        for operator, inputs, output in steps
    ]
