"""A voice that was downloaded in several precisions runs in the one that was measured to be best."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.local.models import locate
from agent.local.plan import LocalPlan, SpeechOptions, engine_options, make_plan
from agent.local.precision import precisions_of, with_precision
from agent.local.tuning import Tuning
from agent.weights import Store
from tests.fakes.hub import catalogue_of

FILES = {"model.onnx": b"weights", "voices.bin": b"voices"}
VOICES = ("kokoro:v1.0", "kokoro:v1.0-int8", "kokoro:torch")
TUNED = Tuning(kokoro_variant="v1.0-int8")
ANY = Settings(_env_file=None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """All voices are there, whole."""
    catalogue = catalogue_of(tmp_path, {name: dict(FILES) for name in VOICES})
    store = Store(tmp_path / "models", catalogue)
    for model in catalogue.models:
        store.folder(model).mkdir(parents=True)
        for name, content in FILES.items():
            (store.folder(model) / name).write_bytes(content)
    return store


def plan_of(store: Store, voice: str = "kokoro") -> LocalPlan:
    name, _, variant = voice.partition(":")
    return make_plan([EngineSpec(name=name, model=variant or None)], store)


def asked(voice: str) -> Settings:
    return Settings(_env_file=None, agent_tts=voice)


def test_all_precisions_of_a_voice_are_measured_the_most_precise_first(store: Store) -> None:
    found = precisions_of(plan_of(store), ANY, store)
    assert [str(model.spec) for model in found] == ["kokoro:v1.0", "kokoro:v1.0-int8"]
    assert found[1].path == store.root / "kokoro" / "v1.0-int8"


def test_one_that_is_not_downloaded_is_not_measured(store: Store) -> None:
    (store.root / "kokoro" / "v1.0-int8" / "model.onnx").unlink()
    assert [str(model.spec) for model in precisions_of(plan_of(store), ANY, store)] == [
        "kokoro:v1.0"
    ]
    assert with_precision(plan_of(store), ANY, store, TUNED) == plan_of(store)


@pytest.mark.parametrize("voice", ["kokoro:v1.0", "kokoro:torch"])
def test_a_voice_that_the_settings_name_is_the_only_one(store: Store, voice: str) -> None:
    plan = plan_of(store, voice)
    assert [str(model.spec) for model in precisions_of(plan, asked(voice), store)] == [voice]
    assert with_precision(plan, asked(voice), store, TUNED) == plan


def test_a_voice_of_ones_own_is_the_only_one(store: Store) -> None:
    voice = f"kokoro:{store.root}"
    (model,) = precisions_of(plan_of(store, voice), asked(voice), store)
    assert model.path == store.root


def test_without_a_local_voice_there_is_nothing_to_measure(store: Store) -> None:
    assert precisions_of(make_plan([EngineSpec(name="espeak")], store), ANY, store) == []


def test_the_server_runs_the_chosen_files_under_the_name_that_calls_know(store: Store) -> None:
    (served,) = with_precision(plan_of(store), asked("kokoro"), store, TUNED).served
    assert served.name == str(locate(EngineSpec(name="kokoro"), store).spec) == "kokoro:v1.0"
    options = engine_options(served, SpeechOptions(language="en"), TUNED)
    assert options["path"] == str(store.root / "kokoro" / "v1.0-int8")
    assert options["model"] == "v1.0-int8"


def test_without_a_choice_the_first_files_run(store: Store) -> None:
    (served,) = with_precision(plan_of(store), ANY, store, Tuning()).served
    assert served.model.path == store.root / "kokoro" / "v1.0"
