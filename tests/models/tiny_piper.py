"""A stand-in for a Piper voice: the same inputs, outputs and description, and a plucked hum for speech.

Each phoneme is a pluck whose length follows the length scale; the speaker, where there are several,
sets the pitch.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE_HZ = 22_050
PLUCK_SAMPLES = 600
_PITCH_HZ = 180.0
_SPEAKER_STEP_HZ = 60.0
_DECAY_SAMPLES = 200.0

_PHONEMES = (
    "_^$ !'(),-.:;?\"abcdefghijklmnopqrstuvwxyzæçðøħŋœɐɑɒɔəɚɛɜɝɡɪɫɬɹɾʀʁʃʊʋʌʒʔˈˌːθᵻ0123456789̩̃ʰ"
)


def tiny_piper(folder: Path, *, speakers: tuple[str, ...] = ()) -> Path:
    """Writes `voice.onnx` and `voice.onnx.json` into `folder` and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(has_speakers=bool(speakers)), str(folder / "voice.onnx"))
    description = {
        "audio": {"sample_rate": RATE_HZ, "quality": "medium"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "language": {"code": "en_US"},
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "phoneme_type": "espeak",
        "phoneme_id_map": {phoneme: [number] for number, phoneme in enumerate(_PHONEMES)},
        "speaker_id_map": {name: number for number, name in enumerate(speakers)},
    }
    (folder / "voice.onnx.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def _graph(*, has_speakers: bool) -> onnx.ModelProto:
    constants = {
        "one": np.array(1, np.int64),
        "zero": np.array(0, np.int64),
        "pluck": np.array(PLUCK_SAMPLES, np.float32),
        "pitch": np.array(_PITCH_HZ, np.float32),
        "step": np.array(_SPEAKER_STEP_HZ, np.float32),
        "turn": np.array(2 * np.pi / RATE_HZ, np.float32),
        "decay": np.array(-1 / _DECAY_SAMPLES, np.float32),
        "shape": np.array([1, 1, 1, -1], np.int64),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))
        for name, value in constants.items()
    ]
    nodes += [
        helper.make_node("Shape", ["input"], ["input_shape"]),
        helper.make_node("Gather", ["input_shape", "one"], ["count"]),
        helper.make_node("Cast", ["count"], ["plucks"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scales", "one"], ["length_scale"]),
        helper.make_node("Mul", ["pluck", "length_scale"], ["scaled"]),
        helper.make_node("Floor", ["scaled"], ["length"]),
        helper.make_node("Mul", ["plucks", "length"], ["total"]),
        helper.make_node("Cast", ["total"], ["samples"], to=TensorProto.INT64),
        helper.make_node("Range", ["zero", "samples", "one"], ["index"]),
        helper.make_node("Cast", ["index"], ["time"], to=TensorProto.FLOAT),
        *_pitch(has_speakers),
        helper.make_node("Mul", ["time", "speed"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["hum"]),
        helper.make_node("Mod", ["time", "length"], ["since_pluck"], fmod=1),
        helper.make_node("Mul", ["since_pluck", "decay"], ["fading"]),
        helper.make_node("Exp", ["fading"], ["level"]),
        helper.make_node("Mul", ["hum", "level"], ["wave"]),
        helper.make_node("Reshape", ["wave", "shape"], ["output"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if has_speakers:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "samples"])
    graph = helper.make_graph(nodes, "tiny_piper", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _pitch(has_speakers: bool) -> list[onnx.NodeProto]:
    if not has_speakers:
        return [helper.make_node("Mul", ["pitch", "turn"], ["speed"])]
    return [
        helper.make_node("Gather", ["sid", "zero"], ["speaker"]),
        helper.make_node("Cast", ["speaker"], ["speaker_number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["speaker_number", "step"], ["higher"]),
        helper.make_node("Add", ["pitch", "higher"], ["speaker_pitch"]),
        helper.make_node("Mul", ["speaker_pitch", "turn"], ["speed"]),
    ]
