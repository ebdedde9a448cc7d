from __future__ import annotations

from pathlib import Path

import pytest

from agent.engine_spec import EngineSpec
from agent.local.addresses import LocalAddresses
from agent.local.host import LocalHost
from agent.local.models import is_path, is_url, locate
from agent.local.plan import LocalPlan, SpeechOptions, engine_options, make_plan
from agent.local.tuning import Tuning
from agent.weights import MissingWeights, Store, UnknownWeights, WeightsError


def spec(text: str) -> EngineSpec:
    name, _, model = text.partition(":")
    return EngineSpec(name=name, model=model or None)


def specs(*texts: str) -> list[EngineSpec]:
    return [spec(text) for text in texts]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


def test_a_model_of_ones_own_is_named_by_its_path(models: Path, tmp_path: Path) -> None:
    found = locate(spec(f"faster_whisper:{models}"), Store(tmp_path))
    assert (found.path, str(found.spec)) == (models, f"faster_whisper:{models}")


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"kokoro: there is no model .*nothing"):
        locate(spec(f"kokoro:{tmp_path / 'nothing'}"), Store(tmp_path))


def test_weights_that_are_missing_are_named_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"parley download faster_whisper:base\.en"):
        locate(spec("faster_whisper"), Store(tmp_path))
    with pytest.raises(UnknownWeights, match="did you mean"):
        locate(spec("faster_whisper:base.eng"), Store(tmp_path))


def test_paths_and_urls_are_told_from_variants() -> None:
    assert is_path(spec("kokoro:~/voices")) and is_path(spec("kokoro:./here"))
    assert not is_path(spec("faster_whisper:base.en"))
    assert is_url(spec("llama_cpp:http://127.0.0.1:8080"))
    assert not is_url(spec("llama_cpp:qwen3-4b")) and not is_url(spec("llama_cpp"))


def test_a_draft_model_goes_with_a_model_of_this_host_only(models: Path, tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), f"llama_cpp:{models}"
    plan = make_plan(specs(wanted), store, draft=str(models))
    assert plan.draft is not None and plan.draft.path == models
    assert make_plan(specs(wanted), store, draft=wanted).draft == plan.draft
    assert make_plan(specs("llama_cpp:http://127.0.0.1:8000"), store, draft=wanted).draft is None
    with pytest.raises(MissingWeights, match=r"parley download llama_cpp:qwen2\.5-0\.5b-instruct"):
        make_plan(specs(wanted), store, draft="qwen2.5-0.5b-instruct")


def test_the_plan_has_what_is_local_and_nothing_else(models: Path, tmp_path: Path) -> None:
    plan = make_plan(
        specs(f"faster_whisper:{models}", f"llama_cpp:{models}", "espeak"), Store(tmp_path)
    )
    assert [(served.kind, served.name) for served in plan.served] == [
        ("stt", f"faster_whisper:{models}")
    ]
    assert plan.llm is not None and plan.llm.path == models
    assert make_plan(specs("pocketsphinx", "responder", "espeak"), Store(tmp_path)).is_empty


def test_what_runs_elsewhere_is_not_planned(models: Path, tmp_path: Path) -> None:
    elsewhere = specs(
        f"faster_whisper:{models}", "llama_cpp:http://127.0.0.1:9", f"kokoro:{models}"
    )
    assert make_plan(elsewhere, Store(tmp_path), served=False).is_empty


def test_engines_get_their_files_and_the_language(models: Path, tmp_path: Path) -> None:
    plan = make_plan(specs(f"faster_whisper:{models}", f"kokoro:{models}"), Store(tmp_path))
    whisper, kokoro = plan.served
    tuning, german = Tuning(whisper_threads=2, kokoro_threads=3), SpeechOptions(language="de")
    options = engine_options(whisper, german, tuning)
    assert options["path"] == str(models)
    assert (options["language"], options["threads"]) == ("de", 2)
    assert engine_options(whisper, SpeechOptions(language="auto"), tuning)["language"] is None
    assert engine_options(kokoro, german, tuning)["threads"] == 3
    assert options["compute_type"] is None
    tuned = Tuning(whisper_compute_type="int16")
    assert engine_options(whisper, german, tuned)["compute_type"] == "int16"


def test_the_words_to_listen_for_and_the_voice_reach_their_engines(
    models: Path, tmp_path: Path
) -> None:
    plan = make_plan(specs(f"faster_whisper:{models}", f"kokoro:{models}"), Store(tmp_path))
    host = LocalHost.prepare(
        plan,
        tmp_path,
        speech=SpeechOptions(
            language="en", hot_words="Parley, Ann Example", speaker="kokoro", voice="bf_emma"
        ),
        tuning=Tuning(),
        health_port=None,
    )
    ear, voice = host.server_config().engines
    assert ear.options["hot_words"] == "Parley, Ann Example"
    assert voice.options["voice"] == "bf_emma"
    pipers = engine_options(
        plan.served[1], SpeechOptions(language="en", speaker="piper", voice="ann"), Tuning()
    )
    assert pipers["voice"] is None, "one engine's names say nothing to another"


def test_addresses_reach_the_processes_of_calls(tmp_path: Path) -> None:
    host = LocalHost.prepare(
        LocalPlan(),
        tmp_path,
        speech=SpeechOptions(language="en"),
        tuning=Tuning(),
        llama_slots=7,
        health_port=None,
    )
    environment: dict[str, str] = {}
    host.addresses.publish(environment)
    assert LocalAddresses.published(environment) == host.addresses
    assert host.addresses.llama_slots == 7
    assert LocalAddresses.published({}) is None
