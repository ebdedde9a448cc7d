"""A stand-in for Moonshine's `tiny` model: the same files, inputs and outputs, understood by the real
library. It counts aloud: one number word for each 0.3 s of loud sound.
"""

from __future__ import annotations

import contextlib
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
WORD_S = 0.3
LOUD = 0.02
"""Of full scale: what is softer is no word."""

_VERSION = "1"
_FOLDER = Path(__file__).parents[2] / ".parley" / "test-models"

_FRAME_SAMPLES = 320
_LAYERS, _HEADS, _HEAD_SIZE = 6, 8, 36
_END, _FIRST_WORD = 2, 3
_TOKENS = ["<unk>", "<s>", "</s>", *(f"\u2581{word}" for word in WORDS)]


@cache
def tiny_moonshine() -> Path:
    """The folder of the model's three files, made once for all test sessions."""
    folder = _FOLDER / f"tiny-moonshine-{_VERSION}"
    if not folder.exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_FOLDER) as made:
            _write(Path(made) / "model")
            with contextlib.suppress(OSError):  # another session was faster
                (Path(made) / "model").rename(folder)
    return folder


def _write(folder: Path) -> None:
    folder.mkdir()
    _save(_encoder(), folder / "encoder_model.ort")
    _save(_decoder(), folder / "decoder_model_merged.ort")
    tokens = [token.encode() for token in _TOKENS]
    (folder / "tokenizer.bin").write_bytes(b"".join(bytes([len(t)]) + t for t in tokens))


def _save(model: onnx.ModelProto, path: Path) -> None:
    """In onnxruntime's own format, which the library wants."""
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _model(
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        name,
        inputs,
        outputs,
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _encoder() -> onnx.ModelProto:
    """The loudest sample of each 20 ms."""
    nodes = [
        helper.make_node("Abs", ["input_values"], ["level"]),
        helper.make_node("Unsqueeze", ["level", "first"], ["channel"]),
        helper.make_node(
            "MaxPool",
            ["channel"],
            ["pooled"],
            kernel_shape=[_FRAME_SAMPLES],
            strides=[_FRAME_SAMPLES],
            ceil_mode=1,
        ),
        helper.make_node("Transpose", ["pooled"], ["last_hidden_state"], perm=[0, 2, 1]),
    ]
    return _model(
        "tiny_moonshine_encoder",
        nodes,
        [helper.make_tensor_value_info("input_values", TensorProto.FLOAT, [1, "samples"])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [1, "frames", 1])],
        {"first": np.array([1], np.int64)},
    )


def _decoder() -> onnx.ModelProto:
    """Number words by place, until the loud frames are used up. The place is the cache's length."""
    cache = [
        f"{layer}.{side}.{part}"
        for layer in range(_LAYERS)
        for side in ("decoder", "encoder")
        for part in ("key", "value")
    ]
    shape = [1, _HEADS, "past", _HEAD_SIZE]
    frames_a_word = round(WORD_S * 16_000 / _FRAME_SAMPLES)
    nodes = [
        helper.make_node("Greater", ["encoder_hidden_states", "loud"], ["is_loud"]),
        helper.make_node("Cast", ["is_loud"], ["loud_frames"], to=TensorProto.INT64),
        helper.make_node("ReduceSum", ["loud_frames"], ["count"], keepdims=0),
        helper.make_node("Div", ["count", "frames_a_word"], ["words"]),
        helper.make_node("Shape", ["past_key_values.0.decoder.key"], ["cache_shape"]),
        helper.make_node("Gather", ["cache_shape", "two"], ["past"]),
        helper.make_node("Sub", ["past", "one"], ["place"]),
        helper.make_node("Less", ["place", "words"], ["goes_on"]),
        helper.make_node("Mod", ["place", "word_count"], ["which"]),
        helper.make_node("Add", ["which", "first_word"], ["word"]),
        helper.make_node("Where", ["goes_on", "word", "end"], ["token"]),
        helper.make_node("Reshape", ["token", "one_token"], ["tokens"]),
        helper.make_node("OneHot", ["tokens", "vocabulary", "off_on"], ["logits"]),
    ]
    for name in cache:
        past, present = f"past_key_values.{name}", f"present.{name}"
        if ".decoder." in name:
            nodes.append(helper.make_node("Concat", [past, "step"], [present], axis=2))
        else:
            nodes.append(helper.make_node("Identity", [past], [present]))
    value = helper.make_tensor_value_info
    inputs = [
        value("input_ids", TensorProto.INT64, [1, "tokens_in"]),
        value("encoder_hidden_states", TensorProto.FLOAT, [1, "frames", 1]),
        *(value(f"past_key_values.{name}", TensorProto.FLOAT, shape) for name in cache),
        value("use_cache_branch", TensorProto.BOOL, [1]),
    ]
    grown = [1, _HEADS, "present", _HEAD_SIZE]
    outputs = [
        value("logits", TensorProto.FLOAT, [1, 1, len(_TOKENS)]),
        *(value(f"present.{name}", TensorProto.FLOAT, grown) for name in cache),
    ]
    constants = {
        "loud": np.array(LOUD, np.float32),
        "frames_a_word": np.array(frames_a_word, np.int64),
        "one": np.array(1, np.int64),
        "two": np.array(2, np.int64),
        "word_count": np.array(len(WORDS), np.int64),
        "first_word": np.array(_FIRST_WORD, np.int64),
        "end": np.array(_END, np.int64),
        "one_token": np.array([1, 1], np.int64),
        "vocabulary": np.array(len(_TOKENS), np.int64),
        "off_on": np.array([0, 1], np.float32),
        "step": np.zeros((1, _HEADS, 1, _HEAD_SIZE), np.float32),
    }
    return _model("tiny_moonshine_decoder", nodes, inputs, outputs, constants)
