"""Configuration of the LiveKit server we start: nothing is looked up or announced outside."""

import sys

import yaml

from agent.ports import LOOPBACK
from agent.private_files import Keys

from .ports import ServerPorts

__all__ = ["server_config"]


def server_config(
    ports: ServerPorts, keys: Keys, *, media_address: str = LOOPBACK, platform: str = sys.platform
) -> str:
    """YAML text. Signalling is on loopback; media on `media_address` (loopback or the LAN's)."""
    rtc: dict[str, object] = {
        "tcp_port": ports.media_tcp,
        "udp_port": ports.media_udp,
        "node_ip": media_address,
        "use_external_ip": False,
        "ips": {"includes": [f"{media_address}/32"]},
        # Without an entry clients are told of public STUN servers; here nobody answers.
        "stun_servers": [f"{LOOPBACK}:3478"],
    }
    if media_address == LOOPBACK:
        rtc["enable_loopback_candidate"] = True
        rtc["interfaces"] = {"includes": ["lo0" if platform == "darwin" else "lo"]}
    config = {
        "port": ports.signal,
        "bind_addresses": [LOOPBACK],
        "rtc": rtc,
        "keys": {keys.api_key: keys.api_secret},
    }
    return yaml.safe_dump(config, sort_keys=False)
