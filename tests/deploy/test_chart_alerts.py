"""The chart's alerts are those that promtool has judged, as the Prometheus operator takes them."""

from __future__ import annotations

import pytest
import yaml

from tests.deploy import tools
from tests.deploy.test_chart import CHART, crd_verdict, one, resources

KIND = "PrometheusRule"
pytestmark = pytest.mark.timeout(tools.INSTALLING_S)


def test_the_chart_has_the_alerts_of_prometheus_word_for_word() -> None:
    judged = tools.CHECKOUT / "deploy" / "prometheus" / "alerts.yaml"
    assert (CHART / "alerts.yaml").read_text() == judged.read_text()
    assert one(KIND)["spec"] == yaml.safe_load(judged.read_text())


def test_the_operators_own_type_accepts_them() -> None:
    module = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"
    assert crd_verdict(module, KIND, one(KIND)) == ""
    assert crd_verdict(module, KIND, {**one(KIND), "spec": {"groups": [{}]}}) != ""


def test_they_are_off_unless_they_are_asked_for() -> None:
    assert KIND not in {resource["kind"] for resource in resources("as it comes")}
