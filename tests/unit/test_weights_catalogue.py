"""What may be downloaded is known to the last bit, and settings find it by name."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from livekit.agents import Plugin
from pydantic import ValidationError

from agent.profiles import PROFILES, STAGES
from agent.weights import Catalogue, UnknownWeights, load_catalogue, our_catalogue
from tests.fakes.hub import REVISION, catalogue_of

NAMES = [
    "faster_whisper:tiny.en",
    "faster_whisper:base.en",
    "faster_whisper:small.en",
    "faster_whisper:distil-small.en",
    "faster_whisper:tiny",
    "faster_whisper:base",
    "faster_whisper:small",
    "faster_whisper:large-v3-turbo",
    "moonshine:tiny",
    "moonshine:base",
    "kokoro:v1.0",
    "kokoro:v1.0-int8",
    "kokoro:torch",
    "llama_cpp:qwen2.5-0.5b-instruct",
    "llama_cpp:qwen2.5-1.5b-instruct",
    "llama_cpp:qwen3-4b",
    "piper:en_US-ljspeech-medium",
]

ENTRY: dict[str, Any] = {
    "stage": "stt",
    "licence": "MIT",
    "languages": ["en"],
    "extra": "whisper",
    "hub": "makers/tiny",
    "revision": REVISION,
    "files": {"model.bin": {"size": 3, "sha256": "0" * 64}},
}


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return catalogue_of(tmp_path, {"ears:small": {"a": b"1"}, "ears:tiny": {"a": b"2"}})


def loaded(folder: Path, entry: dict[str, Any]) -> Catalogue:
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump({"profiles": {}, "models": {"ears:tiny": entry}}))
    return load_catalogue(path)


@pytest.mark.parametrize("name", NAMES)
def test_each_model_that_settings_may_name_is_there(name: str) -> None:
    assert our_catalogue().model(name).name == name


@pytest.mark.parametrize("engine", ["faster_whisper", "moonshine", "llama_cpp", "kokoro", "piper"])
def test_the_model_that_a_plugin_tells_to_download_is_there(
    engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    package = importlib.import_module(f"livekit.plugins.{engine}").__name__
    [plugin] = [each for each in Plugin.registered_plugins if each.package == package]
    with caplog.at_level("INFO", logger=package):
        plugin.download_files()
    told = caplog.messages[-1].rpartition("parley download ")[2]
    assert our_catalogue().model(told).name == told


def test_what_a_profile_needs_is_one_model_a_stage() -> None:
    models = our_catalogue().select(["local"])
    assert [model.stage for model in models] == ["stt", "llm", "tts"]


def test_a_profile_runs_what_is_downloaded_for_it() -> None:
    ours = our_catalogue()
    for name, models in ours.profiles.items():
        engines = (getattr(PROFILES[name], stage) for stage in STAGES)
        assert tuple(ours.model(engine).name for engine in engines) == models


def test_a_repository_is_always_pinned_and_a_url_always_encrypted() -> None:
    for model in our_catalogue().models:
        assert model.revision or (model.url or "").startswith("https://"), model.name


def test_every_model_can_be_read_by_its_engine() -> None:
    needed = {
        "faster_whisper": {"config.json", "model.bin", "tokenizer.json"},
        "moonshine": {"encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"},
        "llama_cpp": {"model.gguf"},
        "kokoro": {"model.onnx", "voices.bin"},
        "piper": {"voice.onnx", "voice.onnx.json"},
    }
    needed_by_variant = {"kokoro:torch": {"config.json", "kokoro-v1_0.pth", "voices/af_heart.pt"}}
    for model in our_catalogue().models:
        files = {file.name for file in model.files}
        assert needed_by_variant.get(model.name, needed[model.engine]) <= files, model.name


@pytest.mark.parametrize(("variant", "architecture"), [("tiny", 0), ("base", 1)])
def test_moonshines_files_are_those_its_library_asks_for(variant: str, architecture: int) -> None:
    from moonshine_voice.moonshine_api import moonshine_get_stt_dependencies_string

    wanted = json.loads(moonshine_get_stt_dependencies_string("en", {"model_arch": architecture}))[
        "groups"
    ][0]
    model = our_catalogue().model(f"moonshine:{variant}")
    assert model.url == wanted["base_url"]
    ours = {file.name: file.size_bytes for file in model.files}
    assert ours == {file["name"]: file["size"] for file in wanted["files"]}


def test_an_engine_alone_means_its_first_model(catalogue: Catalogue) -> None:
    assert catalogue.model("ears").name == "ears:small"


def test_a_profile_and_one_of_its_models_are_fetched_once(catalogue: Catalogue) -> None:
    assert [m.name for m in catalogue.select(["ears:tiny", "local"])] == ["ears:tiny", "ears:small"]


def test_an_unknown_name_is_answered_with_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownWeights, match="did you mean ears:tiny"):
        catalogue.select(["ears:tini"])


@pytest.mark.parametrize(
    "mistake",
    [
        {"revision": "main"},
        {"revision": None},
        {"hub": None},
        {"url": "https://elsewhere.example/models"},
        {"hub": None, "revision": None, "url": "http://elsewhere.example/models"},
        {"stage": "ears"},
        {"languages": []},
        {"files": {}},
        {"files": {"../model.bin": {"size": 3, "sha256": "0" * 64}}},
        {"files": {".lock": {"size": 3, "sha256": "0" * 64}}},
        {"files": {"/model.bin": {"size": 3, "sha256": "0" * 64}}},
        {"files": {"model.bin": {"size": 0, "sha256": "0" * 64}}},
        {"files": {"model.bin": {"size": 3, "sha256": "0" * 63}}},
        {"files": {"model.bin": {"size": 3}}},
        {"license": "MIT"},
    ],
)
def test_a_mistake_in_the_catalogue_is_refused(mistake: dict[str, Any], tmp_path: Path) -> None:
    assert loaded(tmp_path, ENTRY).model("ears:tiny").size_bytes == 3
    with pytest.raises(ValidationError):
        loaded(tmp_path, ENTRY | mistake)
