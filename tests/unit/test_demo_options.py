from pathlib import Path

import pytest

from agent.config import load_settings
from agent.demo.options import DemoOptions


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "PARLEY_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AGENT_WEB_PORT", "AGENT_HEALTH_PORT", "AGENT_METRICS_PORT", "AGENT_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_ports_that_are_not_set_may_move() -> None:
    options = DemoOptions.from_settings(load_settings(None))
    assert (options.web_port, options.health_port, options.metrics_port) == (None, None, None)
    assert options.livekit_url is None
    assert not options.lan
    assert not options.offline


def test_ports_that_are_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_WEB_PORT", "8080")
    monkeypatch.setenv("AGENT_METRICS_PORT", "0")
    options = DemoOptions.from_settings(load_settings(None))
    assert (options.web_port, options.metrics_port) == (8080, 0)


def test_a_given_server_is_passed_on_and_its_secret_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIVEKIT_URL", "wss://live.example")
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "very-secret-value")
    monkeypatch.setenv("AGENT_CACHE_DIR", str(tmp_path))
    options = DemoOptions.from_settings(load_settings(None), lan=True, lan_address="10.0.0.7")
    assert options.livekit_url == "wss://live.example"
    assert (options.api_key, options.api_secret) == ("key", "very-secret-value")
    assert (options.lan, options.lan_address) == (True, "10.0.0.7")
    assert options.cache_dir == tmp_path
    assert "very-secret-value" not in repr(options)


def test_the_page_of_the_demo_keeps_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_WEB_PASSWORD", "a-password-of-some-length")
    monkeypatch.setenv("AGENT_WEB_CHOICES", "voice, greeting")
    options = DemoOptions.from_settings(load_settings(None))
    assert options.web_rules.password == "a-password-of-some-length"
    assert options.web_rules.choices == {"voice", "greeting"}
    assert "a-password" not in repr(options)


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("true", True), ("0", False), ("", False), ("No", False)]
)
def test_offline_is_asked_for_by_a_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, offline: bool
) -> None:
    monkeypatch.setenv("PARLEY_OFFLINE", value)
    assert DemoOptions.from_settings(load_settings(None)).offline is offline


def test_in_a_checkout_the_state_is_kept_there() -> None:
    options = DemoOptions.from_settings(load_settings(None))
    assert (options.root / "pyproject.toml").is_file()
    assert options.state_dir == options.root / ".parley"
    assert options.dist == options.root / "agent" / "web" / "page" / "dist"
