"""The settings of a model server."""

from __future__ import annotations

import json

import pytest
from livekit.plugins.modelserver import (
    ConfigError,
    EngineConfig,
    Limits,
    ServerConfig,
    config_from_json,
)

ENGINE = EngineConfig(
    name="ear", kind="stt", factory="package.module:ear", options={"threads": 4}, capacity=8
)
CONFIG = ServerConfig(
    address="unix:/run/parley/models.sock", engines=(ENGINE,), limits=Limits(drain_s=3.0)
)


def test_they_survive_being_written_and_read() -> None:
    assert config_from_json(CONFIG.to_json()) == CONFIG


def test_the_token_is_not_shown() -> None:
    shown = repr(ServerConfig(address="tcp://127.0.0.1:1", engines=(ENGINE,), token="hush-hush"))
    assert "hush-hush" not in shown


def test_all_problems_are_told_together() -> None:
    broken = EngineConfig(name="ear", kind="stt", factory="a:b", threads=0, capacity=0)
    config = ServerConfig(address="tcp://127.0.0.1:7900", engines=(ENGINE, broken))
    with pytest.raises(ConfigError) as error:
        config.check()
    problems = str(error.value).splitlines()
    assert len(problems) == 4
    for word in ("token", "two engines", "threads", "capacity"):
        assert any(word in problem for problem in problems), word


def test_a_server_without_engines_is_refused() -> None:
    with pytest.raises(ConfigError, match="no engine"):
        ServerConfig(address="/run/parley/models.sock", engines=()).check()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        '{"address": "/run/x.sock"}',
        '{"adress": "/run/x.sock"}',
        json.dumps({"address": "/run/x.sock", "engines": [{"name": "ear"}]}),
        json.dumps({"address": "/x", "engines": [{"name": "e", "kind": "llm", "factory": "a:b"}]}),
    ],
)
def test_settings_that_cannot_be_read_are_one_error(text: str) -> None:
    with pytest.raises(ConfigError):
        config_from_json(text)
