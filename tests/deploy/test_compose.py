"""compose.yaml by Compose itself, and what must hold for every container."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import Settings
from agent.farewell import FAREWELL_S
from tests.deploy import tools
from tests.deploy.project import DEPLOY, compose, read, write_env

pytestmark = pytest.mark.timeout(tools.INSTALLING_S)
LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """.env.example with a value for everything that has none."""
    return write_env(tmp_path_factory.mktemp("compose") / "env")


@pytest.fixture(scope="module")
def project(env: Path) -> dict[str, Any]:
    return read(env, "compose.yaml")


def test_every_part_is_a_service_and_nothing_else_is(project: dict[str, Any]) -> None:
    assert set(project["services"]) == {
        *("livekit", "redis", "worker", "modelserver", "models", "web"),
        *("prometheus", "grafana", "livekit-sip"),
    }


def test_without_its_secrets_nothing_starts(tmp_path: Path) -> None:
    empty = tmp_path / "env"
    empty.write_text("")
    done = compose(empty, "config", "--quiet")
    assert done.returncode != 0 and "set it in .env" in done.stderr


def test_no_container_may_write_or_do_more_than_it_has_to(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service, name


def test_what_is_published_is_published_on_loopback(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        for port in service.get("ports", ()):
            assert port["host_ip"] == LOOPBACK, name


def test_images_of_others_have_a_tag_that_is_not_latest(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        if not service["image"].startswith("parley-"):
            assert ":" in service["image"] and not service["image"].endswith(":latest"), name


def test_images_of_ours_are_built_from_a_stage_that_exists(project: dict[str, Any]) -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    targets = {s["build"]["target"] for s in project["services"].values() if "build" in s}
    assert targets == {"worker", "modelserver", "web"}
    for target in targets:
        assert f"FROM runtime AS {target}\n" in dockerfile


def test_redis_asks_for_a_password_that_all_who_need_it_have(project: dict[str, Any]) -> None:
    services = project["services"]
    command = services["redis"]["command"]
    password = command[command.index("--requirepass") + 1]
    assert password and services["redis"]["environment"]["REDISCLI_AUTH"] == password
    assert services["livekit"]["environment"]["REDIS_PASSWORD"] == password
    told = yaml.safe_load(services["livekit-sip"]["environment"]["SIP_CONFIG_BODY"])
    assert told["redis"].pop("password") == password
    assert told == yaml.safe_load((DEPLOY / "sip/livekit-sip.yaml").read_text())


@pytest.mark.parametrize("name", ["LIVEKIT_API_SECRET", "REDIS_PASSWORD", "GRAFANA_PASSWORD"])
def test_without_one_of_its_secrets_nothing_starts(tmp_path: Path, name: str) -> None:
    done = compose(write_env(tmp_path / "env", {name: ""}), "config", "--quiet")
    assert done.returncode != 0 and name in done.stderr


def test_page_and_what_watches_share_no_network_with_redis_and_llama(env: Path) -> None:
    services = read(env, "compose.yaml", "compose.gpu.yaml")["services"]
    networks = {name: set(service.get("networks", ())) for name, service in services.items()}
    secluded = networks["redis"] | networks["llama"]
    for name in ("web", "prometheus", "grafana"):
        assert networks[name] and not networks[name] & secluded, name
    assert networks["worker"] >= secluded
    for name in ("worker", "modelserver"):
        assert networks[name] & networks["prometheus"], name
    assert services["llama"]["environment"]["LLAMA_API_KEY"]


def test_a_worker_is_given_longer_than_it_waits_for_its_last_call(project: dict[str, Any]) -> None:
    calls_s = Settings.model_fields["agent_drain_s"].default + FAREWELL_S
    assert seconds(project["services"]["worker"]["stop_grace_period"]) >= calls_s + 20


def test_the_parts_that_others_wait_for_have_a_health_check(project: dict[str, Any]) -> None:
    own = {"worker", "modelserver", "web", "models"}  # in their images
    for name, service in project["services"].items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy" and other not in own:
                assert project["services"][other]["healthcheck"], f"{name} waits for {other}"


def test_every_setting_of_ours_in_the_files_is_one(project: dict[str, Any], env: Path) -> None:
    known = {name.upper() for name in Settings.model_fields}
    for files in (("compose.yaml",), ("compose.yaml", "compose.gpu.yaml")):
        for service in read(env, *files)["services"].values():
            for name in service.get("environment") or {}:
                assert not name.startswith("AGENT_") or name in known, name
    text = (DEPLOY / "Dockerfile").read_text() + (DEPLOY / ".env.example").read_text()
    assert set(re.findall(r"\bAGENT_[A-Z_]+", text)) <= known


def test_scraped_names_and_ports_are_those_of_the_services(project: dict[str, Any]) -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())["scrape_configs"]
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for job in scraped:
        for found in job.get("dns_sd_configs", ()):
            (service,) = found["names"]
            assert service in project["services"]
            target = dockerfile.partition(f"FROM runtime AS {service}\n")[2]
            (exposed,) = re.findall(r"EXPOSE (.*)", target)[:1]
            assert str(found["port"]) in exposed.split()


def test_with_a_gpu_the_model_server_and_llama_have_one(env: Path) -> None:
    services = read(env, "compose.yaml", "compose.gpu.yaml")["services"]
    for name in ("modelserver", "llama"):
        (device,) = services[name]["deploy"]["resources"]["reservations"]["devices"]
        assert device["driver"] == "nvidia"
    lock = services["modelserver"]["build"]["args"]["EXTRA_LOCK"]
    assert (tools.CHECKOUT / lock).is_file()
    assert services["worker"]["environment"]["AGENT_LLM"].endswith("http://llama:8000")


def seconds(duration: str) -> float:
    """Of a duration as Compose writes it: 1h1m0s."""
    parts = re.findall(r"([\d.]+)(h|m|s)", duration)
    return sum(float(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)
