"""deploy/sip: a real LiveKit server on Redis takes the trunk and the rule as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from google.protobuf.json_format import Parse
from livekit import api

from agent.demo.ports import pick_server_ports
from agent.demo.server_config import server_config
from agent.dispatch import parse_metadata
from tests.deploy import tools
from tests.deploy.conftest import running_livekit
from tests.stack.processes import KEYS
from tests.stack.redis import redis_server

SIP = tools.CHECKOUT / "deploy" / "sip"
DISPATCH = SIP / "dispatch-rule.json"


@pytest.mark.timeout(60)
async def test_the_server_takes_trunk_and_rule_and_keeps_whom_they_call(tmp_path: Path) -> None:
    ports = pick_server_ports("127.0.0.1")
    config = yaml.safe_load(server_config(ports, KEYS))
    url = f"http://127.0.0.1:{ports.signal}"
    with redis_server() as redis:
        config["redis"] = {"address": redis.removeprefix("redis://")}
        (tmp_path / "livekit.yaml").write_text(yaml.safe_dump(config))
        with running_livekit(tmp_path / "livekit.yaml", tmp_path / "log", f"{url}/"):
            async with api.LiveKitAPI(url, KEYS.api_key, KEYS.api_secret) as livekit:
                await livekit.sip.create_inbound_trunk(
                    Parse(
                        (SIP / "inbound-trunk.json").read_text(),
                        api.CreateSIPInboundTrunkRequest(),
                    )
                )
                await livekit.sip.create_dispatch_rule(
                    Parse(DISPATCH.read_text(), api.CreateSIPDispatchRuleRequest())
                )
                rules = await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    (rule,) = rules.items
    assert rule.rule.dispatch_rule_individual.room_prefix == "phone-"
    (agent,) = rule.room_config.agents
    assert agent.agent_name == "parley"


def test_the_metadata_of_the_rule_is_what_the_agent_understands() -> None:
    rule = json.loads(DISPATCH.read_text())["dispatch_rule"]
    (agent,) = rule["room_config"]["agents"]
    assert parse_metadata(agent["metadata"]).greeting


def test_strangers_cannot_call_for_the_trunk_names_who_may() -> None:
    trunk = json.loads((SIP / "inbound-trunk.json").read_text())["trunk"]
    assert trunk["numbers"] and trunk["allowed_addresses"]
    assert "0.0.0.0/0" not in trunk["allowed_addresses"]
