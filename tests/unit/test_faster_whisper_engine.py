"""What can be wrong before a model is loaded: one sentence each, with what mends it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from livekit.plugins import faster_whisper
from livekit.plugins.faster_whisper import FasterWhisperEngine, WhisperOptions, make_engine
from livekit.plugins.faster_whisper.engine import usual_threads
from livekit.plugins.speechcore import EngineError


def model_files(folder: Path, **config: Any) -> Path:
    """Files with the right names and nothing in them but `config.json`."""
    for name in ("model.bin", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_bytes(b"")
    (folder / "config.json").write_text(json.dumps(config or {"alignment_heads": [[0, 0]]}))
    return folder


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine without a GPU, whose library loads no model."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError(libraries.error)

    libraries = SimpleNamespace(error="File model.bin is incomplete", gpus=0, refuse=refuse)
    backend = SimpleNamespace(
        get_cuda_device_count=lambda: libraries.gpus,
        get_supported_compute_types=lambda device: {"float32", "int8", "int8_float32"},
    )
    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=refuse))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "ctranslate2", backend)  # type: ignore[arg-type]
    return libraries


def error_of(options: WhisperOptions) -> str:
    with pytest.raises(EngineError) as caught:
        FasterWhisperEngine(options).load()
    return str(caught.value)


def test_a_library_that_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)  # type: ignore[arg-type]
    assert "'whisper' extra" in error_of(WhisperOptions(model=str(model_files(tmp_path))))


@pytest.mark.parametrize("missing", ["config.json", "model.bin", "tokenizer.json"])
def test_a_missing_file_is_named_with_the_command_that_mends_it(
    libraries: SimpleNamespace, tmp_path: Path, missing: str
) -> None:
    (model_files(tmp_path) / missing).unlink()
    error = error_of(WhisperOptions(model=str(tmp_path)))
    assert missing in error
    assert "parley download" in error


def test_a_missing_vocabulary_is_noticed_whatever_its_form(
    libraries: SimpleNamespace, tmp_path: Path
) -> None:
    (model_files(tmp_path) / "vocabulary.json").rename(tmp_path / "vocabulary.txt")
    assert "incomplete" in error_of(WhisperOptions(model=str(tmp_path)))
    (tmp_path / "vocabulary.txt").unlink()
    assert "vocabulary" in error_of(WhisperOptions(model=str(tmp_path)))


@pytest.mark.parametrize("config", [b"{", b"[]", b"{}", b"\xff", b'{"alignment_heads": []}'])
def test_a_foreign_config_is_refused(
    libraries: SimpleNamespace, tmp_path: Path, config: bytes
) -> None:
    (model_files(tmp_path) / "config.json").write_bytes(config)
    assert "parley download" in error_of(WhisperOptions(model=str(tmp_path)))


def test_what_the_library_says_of_a_broken_model_is_passed_on(
    libraries: SimpleNamespace, tmp_path: Path
) -> None:
    error = error_of(WhisperOptions(model=str(model_files(tmp_path))))
    assert "incomplete" in error
    assert "parley download" in error


def test_a_gpu_that_is_not_there_is_not_asked(libraries: SimpleNamespace, tmp_path: Path) -> None:
    options = WhisperOptions(model=str(model_files(tmp_path)), device="cuda")
    assert "no CUDA device" in error_of(options)


def test_a_gpu_that_fails_is_not_taken_for_a_broken_model(
    libraries: SimpleNamespace, tmp_path: Path
) -> None:
    libraries.gpus, libraries.error = 1, "Library libcublas.so.12 is not found"
    error = error_of(WhisperOptions(model=str(model_files(tmp_path))))
    assert "GPU" in error and "CUDA_VISIBLE_DEVICES" in error
    assert "download" not in error


def test_a_precision_the_device_lacks_is_refused_with_those_it_has(
    libraries: SimpleNamespace, tmp_path: Path
) -> None:
    options = WhisperOptions(model=str(model_files(tmp_path)), compute_type="float16")
    error = error_of(options)
    assert "float16" in error
    assert "float32, int8, int8_float32" in error


@pytest.mark.parametrize("model", ["", "base.en", "/nowhere/base.en"])
def test_without_a_folder_it_says_how_to_get_one(libraries: SimpleNamespace, model: str) -> None:
    error = error_of(WhisperOptions(model=model))
    assert repr(model) in error
    assert "run `parley download faster_whisper:base.en`" in error


@pytest.mark.parametrize(
    "options",
    [
        {"device": "tpu"},
        {"workers": 0},
        {"max_sessions": 0},
        {"beam_size": 0},
        {"cpu_threads": -1},
        {"padding_s": -1.0},
        {"tokens_per_s": 0.0},
        {"partial_share": 1.5},
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(EngineError):
        make_engine(**options)


@pytest.mark.parametrize(("processors", "threads"), [(1, 1), (2, 1), (4, 2), (8, 4), (64, 4)])
def test_threads_are_half_the_processors_and_four_at_most(processors: int, threads: int) -> None:
    assert usual_threads(processors) == threads


def test_an_engine_is_named_after_its_model() -> None:
    assert make_engine(model="/var/models/faster_whisper/small").model == "small"


def test_an_unknown_language_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(EngineError, match="does not know the language"):
        FasterWhisperEngine().open(language="tlh")
    with pytest.raises(EngineError, match="does not know the language"):
        faster_whisper.STT(options=WhisperOptions(language="tlh"))


def test_a_closed_engine_opens_no_session(libraries: SimpleNamespace) -> None:
    engine = FasterWhisperEngine()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.open()
