"""The Helm chart by Helm and kubeconform, and what must hold between its parts."""

from __future__ import annotations

import functools
import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from livekit.plugins.modelserver.config import Limits

from agent.config import Settings
from agent.farewell import FAREWELL_S
from tests.deploy import tools
from tests.deploy.conftest import Recorded

CHART = tools.CHECKOUT / "deploy" / "helm" / "parley"
pytestmark = pytest.mark.timeout(tools.INSTALLING_S)

EVERYTHING = (
    "modelServer.enabled=true", "modelServer.gpus=1", "modelServer.replicas=2",
    "web.ingress.enabled=true", "podMonitor.enabled=true", "prometheusRule.enabled=true", "settingsSecret=parley-keys",
    "models.storageClassName=nfs", "settings.AGENT_NAME=parley", "settings.AGENT_PROFILE=local",
)  # fmt: skip
NOTHING = (
    "web.enabled=false", "podDisruptionBudget.enabled=false", "networkPolicy.enabled=false",
)  # fmt: skip
VARIANTS: dict[str, tuple[str, ...]] = {
    "as it comes": (),
    "everything, KEDA": (*EVERYTHING, "autoscaling.kind=keda"),
    "everything, HPA by calls": (
        *EVERYTHING, "autoscaling.kind=hpa", "autoscaling.hpa.metric=calls",
    ),
    "HPA by processor": ("autoscaling.kind=hpa",),
    "weights in the images": ("modelServer.enabled=true", "models.source=baked"),
    "weights in the images, no server": ("settings.AGENT_PROFILE=local", "models.source=baked"),
    "weights in an own claim": ("modelServer.enabled=true", "models.existingClaim=mine"),
    "a model server and llama.cpp": (
        "modelServer.enabled=true", "llama.enabled=true", "llama.replicas=2", "llama.nodeSelector.gpu=l4",
        "llama.tolerations[0].key=gpu", "llama.tolerations[0].operator=Exists",
    ),
    "llama.cpp alone": ("llama.enabled=true",),
    "llama.cpp that fetches its weights": (
        "llama.enabled=true", "llama.repository=Qwen/Qwen3-8B-GGUF:Q4_K_M", "llama.gpus=0", "models.source=baked",
    ),
    "next to nothing": NOTHING,
}  # fmt: skip
Resource = dict[str, Any]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(tools.helm()), *arguments, "--kube-version", tools.KUBERNETES[-1]]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def template(*values: str) -> str:
    options = [word for value in values for word in ("--set", value)]
    done = helm("template", "talk", str(CHART), "--namespace", "voice", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def rendered(variant: str) -> str:
    return template(*VARIANTS[variant])


def resources(variant: str = "everything, KEDA") -> list[Resource]:
    return [r for r in yaml.safe_load_all(rendered(variant)) if r]


def one(kind: str, name: str = "", variant: str = "everything, KEDA") -> Resource:
    (found,) = (
        r for r in resources(variant) if r["kind"] == kind and name in r["metadata"]["name"]
    )
    return found


def pods(variant: str) -> list[Resource]:
    return [r["spec"]["template"] for r in resources(variant) if r["kind"] in ("Deployment", "Job")]


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_accepts_the_chart(variant: str) -> None:
    options = [word for value in VARIANTS[variant] for word in ("--set", value)]
    linted = helm("lint", "--strict", str(CHART), *options)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("version", tools.KUBERNETES)
def test_the_api_of_kubernetes_accepts_the_chart(version: str) -> None:
    done = kubeconform("".join(map(rendered, VARIANTS)), version)
    assert done.returncode == 0, done.stdout
    summary = json.loads(done.stdout)["summary"]
    assert summary["valid"] > 50 and summary["skipped"] == 7


def test_kubeconform_finds_a_word_that_kubernetes_does_not_know() -> None:
    wrong = rendered("as it comes").replace("readOnlyRootFilesystem", "readonlyRootFilesystem")
    assert kubeconform(wrong, tools.KUBERNETES[-1]).returncode == 1


def kubeconform(manifests: str, version: str) -> subprocess.CompletedProcess[str]:
    options = ["-strict", "-summary", "-output", "json", "-kubernetes-version", version]
    options += ["-schema-location", str(tools.kubernetes_schemas())]
    options += [
        "-skip",
        "ScaledObject,PodMonitor,PrometheusRule",
    ]  # judged below and in test_chart_alerts.py
    command = [str(tools.kubeconform()), *options]
    return subprocess.run(command, input=manifests, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "kind, package, folder",
    [
        ("ScaledObject", "keda", "keda.sh/v1alpha1"),
        ("PodMonitor", "prometheus-operator", "monitoring.coreos.com/v1"),
    ],
)
def test_the_kinds_of_others_accept_what_is_asked(kind: str, package: str, folder: str) -> None:
    module = f"@kubernetes-models/{package}"
    resource = one(kind, "worker")
    assert crd_verdict(f"{module}/{folder}", kind, resource) == ""
    assert crd_verdict(f"{module}/{folder}", kind, {**resource, "spec": {}}) != ""
    files = (tools.crd_models() / "node_modules" / module / folder).glob("*.d.ts")
    declared = "".join(file.read_text() for file in files)
    unknown = [key for key in keys(resource["spec"]) if f'"{key}"' not in declared]
    assert set(unknown) <= {"matchLabels"}  # of Kubernetes itself


def crd_verdict(module: str, kind: str, resource: Resource) -> str:
    """Why the types of the kind's makers refuse it; empty when they do not."""
    script = (
        f"import {{ {kind} }} from '{module}'; import {{ readFileSync }} from 'fs';"
        f"try {{ new {kind}(JSON.parse(readFileSync(0))).validate() }}"
        "catch (e) { console.log(e.message) }"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        input=json.dumps(resource),
        cwd=tools.crd_models(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def keys(value: object) -> set[str]:
    """All keys below `value`, but for those of the free maps of a trigger and of labels."""
    match value:
        case dict():
            fixed = {k: v for k, v in value.items() if k not in ("metadata", "matchLabels")}
            return set(value).union(*map(keys, fixed.values()))
        case list():
            return set().union(*map(keys, value))
    return set()


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_container_may_write_to_its_root_or_become_root(variant: str) -> None:
    for pod in pods(variant):
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_mounts_have_volumes_and_probes_and_policies_have_ports(variant: str) -> None:
    named = {}
    for pod in pods(variant):
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        for container in pod["spec"]["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            ports = {port["name"] for port in container.get("ports", ())}
            named[pod["metadata"]["labels"]["app.kubernetes.io/component"]] = ports
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                get = container.get(probe, {}).get("httpGet")
                assert not get or get["port"] in ports
    for resource in resources(variant):
        spec = resource.get("spec", {})
        if resource["kind"] == "NetworkPolicy":
            wanted = {p["port"] for rule in spec["ingress"] for p in rule["ports"]}
            component = spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
            assert wanted <= named[component]
        if resource["kind"] == "Service":
            component = spec["selector"]["app.kubernetes.io/component"]
            assert {port["targetPort"] for port in spec["ports"]} <= named[component]


def test_pods_are_given_longer_than_they_wait_for_their_calls() -> None:
    worker = one("Deployment", "worker")["spec"]["template"]["spec"]
    (container,) = worker["containers"]
    (drain_s,) = (v["value"] for v in container["env"] if v["name"] == "AGENT_DRAIN_S")
    assert worker["terminationGracePeriodSeconds"] >= int(drain_s) + FAREWELL_S + 20
    server = one("Deployment", "modelserver")["spec"]["template"]["spec"]
    assert server["terminationGracePeriodSeconds"] >= Limits().drain_s + 10


def test_a_worker_is_ready_by_what_it_says_and_alive_as_long_as_it_says_anything() -> None:
    (worker,) = one("Deployment", "worker")["spec"]["template"]["spec"]["containers"]
    paths = {probe: worker[probe]["httpGet"]["path"] for probe in worker if "Probe" in probe}
    assert paths.pop("readinessProbe") == "/readyz"
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz"}


def test_secrets_come_by_reference_only() -> None:
    assert "Secret" not in {resource["kind"] for resource in resources()}
    by_reference = {
        variable["name"]
        for pod in pods("everything, KEDA")
        for container in pod["spec"]["containers"]
        for variable in container.get("env", ())
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    assert by_reference == {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "AGENT_MODELSERVER_TOKEN"}


@pytest.mark.parametrize(
    "wrong",
    [
        "autoscaling.kind=magic",
        "settings.OPENAI_API_KEY=sk",
        "settings.AGENT_WEB_PASSWORD=open-sesame",
        "settings.HOME=/root",
        "settings.AGENT_DRAIN_S=7200",
        "worker.replica=3",
        "livekit.url=livekit:7880",
        "modelServer.gpus=-1",
        "worker.terminationGracePeriodSeconds=5",
        "llama.keySecret=",
        "llama.slots=0",
        "llama.contextTokens=100",
        "llama.model=Qwen/Qwen3-8B-GGUF",
        "llama.repository=qwen3-8b",
        "llama.image=ghcr.io/ggml-org/llama.cpp",
        "llama.arguments={--api-key=open-sesame}",
        "settings.AGENT_LLM_SERVER_KEY=open-sesame",
    ],
)
def test_values_that_cannot_be_meant_are_refused(wrong: str) -> None:
    done = helm("template", "talk", str(CHART), "--set", wrong)
    assert done.returncode != 0 and "schema" in done.stderr


@pytest.mark.parametrize(
    "values, why",
    [
        (("modelServer.enabled=true", "settings.AGENT_PROFILE=embedded"), "nothing to serve"),
        (("settings.AGENT_PROFILE=local",), "no weights"),
        (("modelServer.enabled=true", "settings.AGENT_MODELSERVER=tcp://m:8085"), "leave it out"),
        (("web.ingress.enabled=true", "settings.AGENT_WEB_HOSTS=a.example"), "leave it out"),
        (("web.ingress.enabled=true", "settings.AGENT_WEB_PROXIES=2"), "leave it out"),
    ],
)
def test_values_of_a_release_that_could_not_start_are_refused(
    values: tuple[str, ...], why: str
) -> None:
    options = [word for value in values for word in ("--set", value)]
    done = helm("template", "talk", str(CHART), *options)
    assert done.returncode != 0 and why in done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_name_comes_twice_in_settings_and_environments(variant: str) -> None:
    class OnlyOnce(yaml.SafeLoader):
        """Refuses what YAML calls an error and PyYAML lets pass."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            found = super().construct_mapping(node, deep)
            assert len(found) == len(node.value), node.start_mark
            return found

    list(yaml.load_all(rendered(variant), OnlyOnce))  # nosec B506 # a SafeLoader
    for pod in pods(variant):
        for container in pod["spec"]["containers"]:
            names = [variable["name"] for variable in container.get("env", ())]
            assert len(set(names)) == len(names)


def test_a_model_server_takes_local_engines_unless_it_is_told_otherwise() -> None:
    assert one("ConfigMap", variant="as it comes")["data"]["AGENT_PROFILE"] == "embedded"
    assert one("ConfigMap", variant="weights in an own claim")["data"]["AGENT_PROFILE"] == "local"
    server = one("Deployment", "modelserver", "weights in an own claim")
    (container,) = server["spec"]["template"]["spec"]["containers"]
    assert {"name": "AGENT_PROFILE", "value": "local"} in container["env"]


def test_traces_can_be_sent_somewhere() -> None:
    address = "http://tempo:4317"
    (config,) = (
        resource
        for resource in yaml.safe_load_all(
            template(f"settings.OTEL_EXPORTER_OTLP_ENDPOINT={address}")
        )
        if resource and resource["kind"] == "ConfigMap"
    )
    assert config["data"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == address


@pytest.mark.parametrize(
    "changed",
    ["image.registry=other.example", "image.pullPolicy=Always", "models.download={kokoro}"],
)
def test_a_job_with_another_pod_has_another_name(changed: str) -> None:
    def job(*values: str) -> Resource:
        everything = yaml.safe_load_all(template("modelServer.enabled=true", *values))
        (found,) = (r for r in everything if r and r["kind"] == "Job")
        return dict(found)

    first, other = job(), job(changed)
    assert first["spec"]["template"] != other["spec"]["template"]
    assert first["metadata"]["name"] != other["metadata"]["name"]
    assert job() == first
    assert "helm.sh/chart" not in first["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize("part", ["worker", "modelserver"])
def test_pods_wait_for_the_weights_that_the_job_downloads(part: str) -> None:
    spec = one("Deployment", part)["spec"]["template"]["spec"]
    (waiting,) = spec["initContainers"]
    (job,) = one("Job")["spec"]["template"]["spec"]["containers"]
    assert waiting["args"] == job["args"][2:]
    assert waiting["image"] == spec["containers"][0]["image"]
    assert {"name": "models", "mountPath": "/var/lib/parley/models", "readOnly": True} in waiting[
        "volumeMounts"
    ]
    baked = one("Deployment", part, "weights in the images") if part == "modelserver" else None
    assert baked is None or "initContainers" not in baked["spec"]["template"]["spec"]


def test_the_wait_ends_when_the_check_succeeds(tmp_path: Path) -> None:
    """The wait's own command, with a `parley` that finds its weights at the second look."""
    (waiting,) = one("Deployment", "worker")["spec"]["template"]["spec"]["initContainers"]
    asked = tmp_path / "asked"
    fakes = {
        "parley": f'echo "$@" >>{asked}; [ "$(wc -l <{asked})" -ge 2 ]',
        "sleep": "exit 0",
    }
    for name, does in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    command = [*waiting["command"][2:], *waiting["args"]]
    clean = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert subprocess.run(command, env=clean, timeout=20).returncode == 0
    assert asked.read_text() == "download --check local\n" * 2


def test_every_setting_of_ours_in_the_chart_is_one() -> None:
    known = {name.upper() for name in Settings.model_fields}
    data = one("ConfigMap")["data"]
    variables = [
        variable["name"]
        for pod in pods("everything, KEDA")
        for container in pod["spec"]["containers"]
        for variable in container.get("env", ())
    ]
    ours = [n for n in itertools.chain(data, variables) if n.startswith(("AGENT_", "LIVEKIT_"))]
    assert ours and set(ours) <= known


def test_keda_asks_prometheus_for_something_that_it_knows(recorded: Recorded) -> None:
    (trigger,) = one("ScaledObject")["spec"]["triggers"]
    (answer,) = recorded.query(trigger["metadata"]["query"])
    assert answer.startswith("{} => 1 ")


def test_a_scaled_pool_has_no_fixed_number_of_workers() -> None:
    assert "replicas" not in one("Deployment", "worker")["spec"]
    assert one("Deployment", "worker", "as it comes")["spec"]["replicas"] == 2
