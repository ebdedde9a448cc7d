"""The page in the Helm chart: what it is told, and whom it may ask."""

from __future__ import annotations

import pytest
import yaml

from tests.deploy.test_chart import Resource, template


def of_the_page(kind: str, *values: str) -> Resource:
    """Its resource of a kind, with these values."""
    (resource,) = (
        resource
        for resource in yaml.safe_load_all(template(*values))
        if resource and resource["kind"] == kind and resource["metadata"]["name"].endswith("-web")
    )
    return resource


def test_the_page_is_told_who_may_call_and_how_many_proxies_stand_before_it() -> None:
    values = ("settings.AGENT_WEB_ROOMS=team-*", "settings.AGENT_LANGUAGE=fr")
    ways = ("web.ingress.enabled=true", "web.ingress.proxies=2", "web.settingsSecret=parley-web")
    deployment = of_the_page("Deployment", *values, *ways)
    (page,) = deployment["spec"]["template"]["spec"]["containers"]
    told = {entry["name"]: entry.get("value") for entry in page["env"]}
    assert told["AGENT_WEB_PROXIES"] == "2"
    assert told["AGENT_WEB_ROOMS"] == "team-*"
    assert "AGENT_LANGUAGE" not in told
    assert page["envFrom"] == [{"secretRef": {"name": "parley-web"}}]


@pytest.mark.parametrize("url", ["", "https://login.example.com/check"])
def test_the_page_may_connect_to_others_only_when_there_is_a_hook_to_ask(url: str) -> None:
    policy = of_the_page("NetworkPolicy", f"settings.AGENT_WEB_AUTH_URL={url}")["spec"]
    assert "Egress" in policy["policyTypes"]
    assert bool(policy.get("egress")) is bool(url)
