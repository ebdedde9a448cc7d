"""The chart's llama.cpp server: what it is started with, and how workers come to it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from agent.config import Settings
from agent.profiles import choose
from agent.weights.catalogue import our_catalogue
from tests.deploy import tools
from tests.deploy.project import read, write_env
from tests.deploy.test_chart import CHART, Resource, helm, one, resources, template

ON = ("llama.enabled=true",)
BOTH, ALONE, FETCHING = (
    "a model server and llama.cpp",
    "llama.cpp alone",
    "llama.cpp that fetches its weights",
)
ADDRESS = "llama_cpp:http://talk-llama:8000"
KEY = {"secretKeyRef": {"name": "parley-llama", "key": "AGENT_LLM_SERVER_KEY"}}
pytestmark = pytest.mark.timeout(tools.INSTALLING_S)


def pod(part: str, variant: str = ALONE) -> Resource:
    return dict(one("Deployment", part, variant)["spec"]["template"]["spec"])


def container(part: str, variant: str = ALONE) -> Resource:
    (found,) = pod(part, variant)["containers"]
    return dict(found)


def environment(described: Resource) -> dict[str, Any]:
    return {v["name"]: v.get("value", v.get("valueFrom")) for v in described["env"]}


def options(arguments: list[str]) -> dict[str, str]:
    """Each option with its value, or nothing."""
    return {
        option: "" if value.startswith("--") else value
        for option, value in pairwise([*arguments, "--"])
        if option.startswith("--")
    }


def told(*values: str) -> tuple[Settings, Resource]:
    """What a worker is told: its settings, and the environment of its container."""
    everything = [r for r in yaml.safe_load_all(template(*ON, *values)) if r]
    (config,) = (r["data"] for r in everything if r["kind"] == "ConfigMap")
    (worker,) = (
        r["spec"]["template"]["spec"]["containers"][0]
        for r in everything
        if r["kind"] == "Deployment" and r["metadata"]["name"] == "talk-worker"
    )
    settings = {name.lower(): value for name, value in config.items()}
    return Settings(_env_file=None, **settings), environment(worker)


def test_without_being_asked_for_there_is_none() -> None:
    for variant in ("as it comes", "everything, KEDA"):
        assert not [r for r in resources(variant) if "llama" in r["metadata"]["name"]]
        assert "AGENT_LLM" not in one("ConfigMap", variant=variant)["data"]
        assert "AGENT_LLM_SERVER_KEY" not in environment(container("worker", variant))


def test_it_has_a_service_a_budget_and_a_policy_of_its_own() -> None:
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"):
        assert one(kind, "llama", ALONE)["metadata"]["name"] == "talk-llama"


@pytest.mark.parametrize("variant", [BOTH, ALONE, FETCHING])
def test_server_and_workers_have_one_key_by_reference_and_on_no_command_line(variant: str) -> None:
    server = container("llama", variant)
    assert environment(server)["LLAMA_API_KEY"] == KEY
    assert environment(container("worker", variant))["AGENT_LLM_SERVER_KEY"] == KEY
    assert not [argument for argument in server["args"] if "key" in argument]


@pytest.mark.parametrize("variant", [ALONE, FETCHING])
def test_llama_cpp_knows_its_options_and_variables(variant: str) -> None:
    spec = find_spec("xllamacpp")
    assert spec is not None and spec.origin is not None, "the extra llama is not installed"
    (library,) = Path(spec.origin).parent.glob("xllamacpp*.so")
    known = library.read_bytes()
    server = container("llama", variant)
    variables = set(environment(server)) - {"HOME"}
    for word in (*options(server["args"]), *variables):
        assert re.search(rb"\b" + word.lstrip("-").encode() + rb"\b", known), word


def test_it_runs_as_the_one_of_compose_does(tmp_path: Path) -> None:
    services = read(write_env(tmp_path / "env"), "compose.yaml", "compose.gpu.yaml")["services"]
    server = container("llama")
    assert options(server["args"]) == options(services["llama"]["command"])
    assert server["image"] == services["llama"]["image"]
    assert set(services["llama"]["environment"]) <= set(environment(server))


def test_each_slot_has_the_context_that_it_is_given() -> None:
    text = template(*ON, "llama.slots=8", "llama.contextTokens=16384")
    assert re.search(r'--parallel\n +- "8"\n +- --ctx-size\n +- "131072"\n', text)


def test_it_is_waited_for_while_it_fetches_and_loads_and_then_asked_without_a_key() -> None:
    server = container("llama")
    probes = [server[probe] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert {probe["httpGet"]["path"] for probe in probes} == {"/health"}
    assert probes[0]["failureThreshold"] * probes[0]["periodSeconds"] == 1800


def test_it_ends_when_new_requests_go_elsewhere() -> None:
    _, wait_s = container("llama")["lifecycle"]["preStop"]["exec"]["command"]
    assert pod("llama")["terminationGracePeriodSeconds"] >= int(wait_s) + 20


def test_it_has_the_gpus_and_the_machines_that_it_is_given() -> None:
    assert container("llama", BOTH)["resources"]["limits"] == {"memory": "8Gi", "nvidia.com/gpu": 1}
    assert options(container("llama", BOTH)["args"])["--n-gpu-layers"] == "999"
    assert pod("llama", BOTH)["nodeSelector"] == {"gpu": "l4"}
    assert pod("llama", BOTH)["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    without = container("llama", FETCHING)
    assert "nvidia.com/gpu" not in without["resources"]["limits"]
    assert "--n-gpu-layers" not in options(without["args"])


def test_only_workers_reach_it_and_it_reaches_nobody() -> None:
    policy = one("NetworkPolicy", "llama", ALONE)["spec"]
    ((asking,),) = (rule["from"] for rule in policy["ingress"])
    component = asking["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
    assert component == "worker" and len(asking) == 1
    assert "egress" not in policy and "Egress" in policy["policyTypes"]


def test_one_that_fetches_its_weights_reaches_names_and_the_web() -> None:
    policy = one("NetworkPolicy", "llama", FETCHING)["spec"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443}
    server = container("llama", FETCHING)
    assert options(server["args"])["--hf-repo"] == "Qwen/Qwen3-8B-GGUF:Q4_K_M"
    assert "--model" not in options(server["args"])
    assert {"name": "cache", "mountPath": environment(server)["LLAMA_CACHE"]} in server[
        "volumeMounts"
    ]
    assert environment(server)["HF_TOKEN"]["secretKeyRef"]["optional"] is True
    kinds = {resource["kind"] for resource in resources(FETCHING)}
    assert not kinds & {"Job", "PersistentVolumeClaim"}
    assert "initContainers" not in pod("llama", FETCHING)


@pytest.mark.parametrize(
    "variant, before", [(BOTH, ["local"]), (ALONE, [])], ids=["with speech", "alone"]
)
def test_the_job_downloads_its_model_and_it_waits_for_that_alone(
    variant: str, before: list[str]
) -> None:
    name = "llama_cpp:qwen2.5-1.5b-instruct"
    (job,) = one("Job", variant=variant)["spec"]["template"]["spec"]["containers"]
    assert job["args"] == ["download", "--yes", *before, name]
    (waiting,) = pod("llama", variant)["initContainers"]
    assert waiting["args"] == [name] and waiting["image"] == job["image"]


def test_its_model_is_where_the_download_puts_it() -> None:
    models = [m for m in our_catalogue().models if m.name.startswith("llama_cpp:")]
    assert len(models) > 2
    for model in models:
        variant = model.name.partition(":")[2]
        text = template(*ON, f"llama.model={variant}")
        (file,) = model.files
        assert f"- /models/llama_cpp/{variant}/{file.name}\n" in text


def test_a_file_in_the_volume_is_taken_as_it_is() -> None:
    text = template(*ON, "llama.model=/models/mine/model.gguf", "models.existingClaim=mine")
    assert "- /models/mine/model.gguf\n" in text
    assert "kind: Job" not in text and "initContainers" not in text


def test_a_worker_takes_it_as_the_loader_of_settings_understands() -> None:
    settings, has = told()
    assert has["AGENT_LLM_SERVER_KEY"] == KEY
    keyed = settings.model_copy(update={"agent_llm_server_key": SecretStr("sesame")})
    choice = choose(keyed, is_installed=lambda package: package != "xllamacpp")
    assert str(choice.llm) == ADDRESS and not choice.warnings


def test_the_model_server_of_speech_and_it_make_the_profile_local() -> None:
    settings, _ = told("modelServer.enabled=true")
    choice = choose(settings, is_installed=lambda package: package != "xllamacpp")
    assert choice.profile == "local" and str(choice.llm) == ADDRESS
    assert choice.stt.name == "faster_whisper" and choice.tts.name == "kokoro"


def test_behind_it_the_profile_hybrid_has_its_hosted_model() -> None:
    settings, _ = told("modelServer.enabled=true", "settings.AGENT_PROFILE=hybrid")
    assert settings.agent_llm == f"{ADDRESS}, openai"


@pytest.mark.parametrize(
    "named, asks",
    [
        (ADDRESS, True),
        (f"openai\\, {ADDRESS}/", True),
        ("llama_cpp:http://talk-llama.voice.svc.cluster.local:8000\\, responder", True),
        ("openai", False),
        ("llama_cpp:http://elsewhere:8000", False),
        ("llama_cpp:http://not-talk-llama:8000", False),
        ("llama_cpp:http://talk-llama.other.svc:8000", False),
    ],
)
def test_a_worker_that_is_told_another_model_does_not_have_its_key(named: str, asks: bool) -> None:
    settings, has = told(f"settings.AGENT_LLM={named}")
    assert settings.agent_llm == named.replace("\\", "")
    assert ("AGENT_LLM_SERVER_KEY" in has) is asks


@pytest.mark.parametrize(
    "values, why",
    [
        (("models.source=baked",), "llama.cpp's image brings none"),
        (("settings.AGENT_LLM=llama_cpp",), "of their own"),
        (("settings.AGENT_LLM=openai\\, llama_cpp:qwen3-4b",), f"write {ADDRESS}"),
    ],
)
def test_what_could_not_start_is_refused(values: tuple[str, ...], why: str) -> None:
    words = [word for value in (*ON, *values) for word in ("--set", value)]
    done = helm("template", "talk", str(CHART), *words)
    assert done.returncode != 0 and why in done.stderr
