"""Kokoro's files missing, broken or foreign: one sentence each, with what mends it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from livekit.plugins.kokoro import KokoroEngine, KokoroOptions, OnnxBackend, OnnxOptions
from livekit.plugins.speechcore import EngineError
from onnx import TensorProto, helper

from tests.models.hum_kokoro import hum_kokoro

REMEDY = "parley download kokoro"


@pytest.fixture
def options(tmp_path: Path) -> OnnxOptions:
    """Files that may be spoiled."""
    whole = hum_kokoro()
    for name, path in (("model.onnx", whole.model_path), ("voices.bin", whole.voices_path)):
        (tmp_path / name).write_bytes(path.read_bytes())
    return replace(whole, model_path=tmp_path / "model.onnx", voices_path=tmp_path / "voices.bin")


def error_of(options: OnnxOptions) -> str:
    with pytest.raises(EngineError) as caught:
        OnnxBackend(options).load()
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def foreign_model() -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "foreign",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def test_whole_files_are_loaded_once(options: OnnxOptions) -> None:
    backend = OnnxBackend(options)
    backend.load()
    options.model_path.unlink()
    backend.load()
    assert list(KokoroEngine(backend).steps("Hello."))


@pytest.mark.parametrize("name", ["model.onnx", "voices.bin"])
def test_a_missing_file(options: OnnxOptions, name: str) -> None:
    (options.model_path.parent / name).unlink()
    sentence = error_of(options)
    assert f"{name} is not in" in sentence
    assert REMEDY in sentence


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_model_that_is_cut_short(options: OnnxOptions, share: float) -> None:
    content = options.model_path.read_bytes()
    options.model_path.write_bytes(content[: int(len(content) * share)])
    sentence = error_of(options)
    assert str(options.model_path) in sentence
    assert REMEDY in sentence


def test_a_model_of_something_else(options: OnnxOptions) -> None:
    options.model_path.write_bytes(foreign_model())
    assert f"is not a model of kokoro: get it with `{REMEDY}`" in error_of(options)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_voices_that_are_cut_short(options: OnnxOptions, share: float) -> None:
    content = options.voices_path.read_bytes()
    options.voices_path.write_bytes(content[: int(len(content) * share)])
    sentence = error_of(options)
    assert "is not kokoro's file of voices, or cut short" in sentence
    assert REMEDY in sentence


def test_a_file_of_something_else_than_voices(options: OnnxOptions) -> None:
    options.voices_path.write_text("a: b\n")
    assert "is not kokoro's file of voices" in error_of(options)
    with options.voices_path.open("wb") as file:
        np.savez(file, af_heart=np.zeros((3, 7), dtype=np.float32))
    assert "holds no voices of kokoro" in error_of(options)
    with options.voices_path.open("wb") as file:
        np.save(file, np.zeros(4))
    assert "is not kokoro's file of voices" in error_of(options)


def test_a_voice_that_the_file_lacks(options: OnnxOptions) -> None:
    engine = KokoroEngine(OnnxBackend(options), KokoroOptions(voice="am_adan"))
    with pytest.raises(EngineError, match="no voice 'am_adan'; it has am_adam"):
        engine.load()


def test_a_device_that_is_not_there_is_no_slow_call(options: OnnxOptions) -> None:
    sentence = error_of(replace(options, providers=("CUDAExecutionProvider",)))
    assert "has no CUDAExecutionProvider, only" in sentence


@pytest.mark.parametrize("library", ["kokoro_onnx", "onnxruntime", "espeakng_loader"])
def test_what_is_not_installed(
    options: OnnxOptions, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert f"{library} is not installed" in error_of(options)
    assert "pip install 'parley-agent[kokoro]'" in error_of(options)


def test_a_broken_file_is_reported_each_time_and_can_be_mended(options: OnnxOptions) -> None:
    content = options.model_path.read_bytes()
    options.model_path.write_bytes(content[:100])
    backend = OnnxBackend(options)
    for _ in range(2):
        with pytest.raises(EngineError):
            backend.load()
    options.model_path.write_bytes(content)
    backend.load()
    assert list(KokoroEngine(backend).steps("Hello."))


def test_importing_the_plugin_loads_no_library() -> None:
    code = (
        "import sys, livekit.plugins.kokoro;"
        "print({'kokoro_onnx', 'phonemizer', 'kokoro', 'torch'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=15
    )
    assert ran.stdout.strip() == "set()"
