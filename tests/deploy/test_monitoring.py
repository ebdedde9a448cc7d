"""Alerts and dashboard, by Prometheus' own tools and on the series that really exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import tools
from tests.deploy.conftest import Recorded

DEPLOY = tools.CHECKOUT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
pytestmark = pytest.mark.timeout(tools.INSTALLING_S)


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [tools.prometheus("promtool"), *arguments]
    return subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, timeout=60)


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[dict[str, Any]]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (panel, *panel.get("panels", ()))


def test_prometheus_accepts_its_settings_and_the_alerts() -> None:
    done = promtool("check", "config", "--lint-fatal", "prometheus.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_no_other_does() -> None:
    done = promtool("test", "rules", "alerts_test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_limit_is_noticed_by_the_cases(tmp_path: Path) -> None:
    rules = (PROMETHEUS / "alerts.yaml").read_text()
    assert ">= 0.7" in rules
    (tmp_path / "alerts.yaml").write_text(rules.replace(">= 0.7", ">= 0.95"))
    cases = tmp_path / "alerts_test.yaml"
    cases.write_text((PROMETHEUS / "alerts_test.yaml").read_text())
    assert "ParleyPoolFull" in promtool("test", "rules", str(cases)).stderr


def test_every_alert_has_a_case_and_says_what_to_do() -> None:
    cases = (PROMETHEUS / "alerts_test.yaml").read_text()
    for alert in alerts():
        assert alert["alert"] in cases
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert set(alert["annotations"]) == {"summary", "action"}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_series_that_exist(alert: dict[str, Any], recorded: Recorded) -> None:
    for series in series_of(alert["expr"]):
        assert recorded.query(series), f"there is no {series}"


@pytest.mark.parametrize(
    "registry",
    [
        "from agent import metrics; from prometheus_client import REGISTRY as registry",
        "from livekit.plugins.modelserver.metrics import ServerMetrics as S; registry = S().registry",
    ],
    ids=["worker", "model server"],
)
def test_prometheus_finds_no_fault_with_names_units_and_texts(registry: str) -> None:
    code = f"from prometheus_client import generate_latest; {registry}; print(generate_latest(registry).decode())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PROMETHEUS_DISABLE_CREATED_SERIES": "True"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    command = [tools.prometheus("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=told.stdout, capture_output=True, text=True, timeout=60)
    faults = [line for line in done.stderr.splitlines() if "parley_" in line]
    assert not faults


def test_the_dashboard_is_what_its_code_says() -> None:
    make = [tools.program("python"), str(DEPLOY / "grafana" / "make.py"), "--check"]
    done = subprocess.run(make, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_grafanas_own_types_read_the_dashboard_and_lose_nothing() -> None:
    script = (
        "import json, sys; from grafana_foundation_sdk.models.dashboard import Dashboard;"
        "from grafana_foundation_sdk.cog.encoder import JSONEncoder; given = json.load(sys.stdin);"
        "from grafana_foundation_sdk.cog import plugins; plugins.register_default_plugins();"
        "read = json.loads(JSONEncoder().encode(Dashboard.from_json(given)));"
        "sys.exit(None if read == given else 'it reads otherwise than it is written')"
    )
    command = [tools.program("python"), "-c", script]
    text = DASHBOARD.read_text()
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_each_query_of_the_dashboard_finds_something(recorded: Recorded) -> None:
    queries = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    assert len(queries) > 40
    lacking = [q for q in queries if not recorded.query(q.replace("$__rate_interval", "1m"))]
    assert not lacking


def test_the_dashboard_shows_every_metric_of_ours(recorded: Recorded) -> None:
    text = DASHBOARD.read_text()
    kept = recorded.query('group by (__name__) ({__name__=~"parley_.*"})')
    names = {line.split(" ")[0].removesuffix("_created") for line in kept}
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in names}
    assert len(families) > 25
    assert not sorted(family for family in families if family not in text)


def test_grafana_is_given_the_source_and_the_folder_of_the_dashboard() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    scraped = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())["global"]
    assert source["jsonData"]["timeInterval"] == scraped["scrape_interval"]
    variables = json.loads(DASHBOARD.read_text())["templating"]["list"]
    assert [(v["type"], v["query"]) for v in variables] == [("datasource", source["type"])]


def series_of(expr: str) -> set[str]:
    """The names of an expression that are metrics."""
    return set(re.findall(r"\b(?:up|(?:parley|lk|livekit)_[a-z_]+)\b(?:\{[^}]*\})?", expr))
