"""What is between a telephone and a worker: Redis, a LiveKit server, livekit-sip, trunk and rule, all on
loopback and out of `deploy/`."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import yaml
from google.protobuf.json_format import ParseDict
from livekit import api

from agent.config import Settings
from agent.ports import LOOPBACK, free_port, pick_port
from evals.ear.systems import ROOT, SystemFailed
from tests.stack.processes import (
    KEYS,
    LiveKit,
    prepared_livekit,
    start_livekit,
    stop,
    wait_until,
)
from tests.stack.redis import redis_server

DEPLOY = ROOT / "deploy" / "sip"
_GOES_S = 2.0
"""A LiveKit server on Redis would take half a minute."""


@dataclass(frozen=True)
class Bridge:
    """A running livekit-sip and its server."""

    livekit: LiveKit
    sip_port: int

    def api(self) -> api.LiveKitAPI:
        """A client that is to be closed."""
        return api.LiveKitAPI(self.livekit.url, KEYS.api_key, KEYS.api_secret)


def program() -> str:
    """livekit-sip on PATH or in Parley's tool cache. Raises SystemFailed."""
    cached = Settings().cache_dir / "bin" / "livekit-sip"
    found = shutil.which("livekit-sip") or (str(cached) if cached.exists() else None)
    if found is None:
        raise SystemFailed("There is no livekit-sip: docs/phone.md says how it is built.")
    return found


@contextmanager
def bridge() -> Iterator[Bridge]:
    """Raises SystemFailed where a program is missing."""
    command = program()
    with redis_server() as redis, prepared_livekit() as (folder, url):
        at = {"address": redis.removeprefix("redis://")}
        _change(folder / "livekit.yaml", {"redis": at})
        livekit = start_livekit(folder, url)
        try:
            config = sip_config(url, at)
            with _livekit_sip(command, folder, config):
                yield Bridge(livekit, config["sip_port"])
        finally:
            stop(livekit.process, timeout_s=_GOES_S)


def sip_config(livekit_url: str, redis: Mapping[str, str]) -> dict[str, Any]:
    """deploy/sip/livekit-sip.yaml with what is different on loopback."""
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "livekit-sip.yaml").read_text())
    first = random.randrange(30_000, 31_000)  # above the LiveKit servers of tests
    return config | {
        "ws_url": livekit_url,
        "redis": dict(redis),
        "sip_port": pick_port(first, udp=True),
        "rtp_port": f"{first + 100}-{first + 500}",
        "listen_ip": LOOPBACK,
        "nat_1_to_1_ip": LOOPBACK,
        "use_external_ip": False,
        "health_port": free_port(),
    }


@contextmanager
def _livekit_sip(command: str, folder: Path, config: Mapping[str, Any]) -> Iterator[None]:
    path, log = folder / "sip.yaml", folder / "sip.log"
    path.write_text(yaml.safe_dump(dict(config)))
    keys = {"LIVEKIT_API_KEY": KEYS.api_key, "LIVEKIT_API_SECRET": KEYS.api_secret}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [command, "--config", str(path)],
            env=os.environ | keys,
            stdout=output,
            stderr=output,
            cwd=folder,
        )
    try:
        health = f"http://{LOOPBACK}:{config['health_port']}"
        wait_until(lambda: _answers(health), log, 20, process)
        yield
    finally:
        if keep := os.environ.get("PARLEY_TEST_LOGS"):
            shutil.copy(log, Path(keep) / "livekit-sip.log")
        stop(process, timeout_s=_GOES_S)


async def take_calls(client: api.LiveKitAPI, metadata: Mapping[str, Any] | None = None) -> None:
    """Trunk and rule of deploy/sip, for callers on this machine; `metadata` in place of the rule's own.
    Rules that were there are gone."""
    rules = await client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    for rule in rules.items:
        old = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
        await client.sip.delete_dispatch_rule(old)
    trunks = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    if not trunks.items:
        trunk = json.loads((DEPLOY / "inbound-trunk.json").read_text())
        trunk["trunk"]["allowed_addresses"] = [f"{LOOPBACK}/32"]
        await client.sip.create_inbound_trunk(ParseDict(trunk, api.CreateSIPInboundTrunkRequest()))
    rule = json.loads((DEPLOY / "dispatch-rule.json").read_text())
    if metadata is not None:
        (agent,) = rule["dispatch_rule"]["room_config"]["agents"]
        agent["metadata"] = json.dumps(metadata)
    await client.sip.create_dispatch_rule(ParseDict(rule, api.CreateSIPDispatchRuleRequest()))


def _change(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | dict(values)))


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except HTTPError as e:
        return e.code == 429  # up, and the machine is busy
    except OSError:
        return False
