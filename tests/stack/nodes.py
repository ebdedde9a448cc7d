"""Several real livekit-servers on one Redis, with the settings for production."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from livekit import api
from redis import Redis

from agent.demo.ports import ServerPorts
from agent.demo.server_config import server_config
from agent.ports import free_port
from tests.stack.processes import KEYS, LiveKit, prepared_livekit, start_livekit

PRODUCTION = Path(__file__).parents[2] / "deploy" / "livekit.yaml"
_ROOMS = "room_node_map"
"""The hash in which LiveKit keeps the node of each room."""


@dataclass(frozen=True)
class Node:
    """One of the servers."""

    livekit: LiveKit
    id: str
    """Its own name for itself, another at each start."""

    @property
    def url(self) -> str:
        return self.livekit.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL: neither its clients nor the other nodes are told."""
        self.livekit.process.kill()
        self.livekit.process.wait()

    async def open_room(self, agent: str, metadata: str = "") -> str:
        """The name of a new room on this node, into which the named agent is asked."""
        room = f"nodes-{uuid.uuid4().hex[:8]}"
        agents = [api.RoomAgentDispatch(agent_name=agent, metadata=metadata)]
        request = api.CreateRoomRequest(name=room, node_id=self.id, agents=agents)
        async with api.LiveKitAPI(self.url, KEYS.api_key, KEYS.api_secret) as server:
            await server.room.create_room(request)
        return room


def node_of(room: str, redis_url: str) -> str:
    """The id of the node that a room is on."""
    with Redis.from_url(redis_url) as redis:
        found = redis.hget(_ROOMS, room)
    assert isinstance(found, bytes), f"LiveKit has no node for {room}"
    return found.decode()


def production_config(ports: ServerPorts, redis_url: str, metrics_port: int) -> dict[str, Any]:
    """deploy/livekit.yaml with what makes it stay on this machine, and nothing else changed."""
    config: dict[str, Any] = yaml.safe_load(PRODUCTION.read_text())
    here = yaml.safe_load(server_config(ports, KEYS))
    config["rtc"] |= here.pop("rtc")
    config["redis"] = {"address": redis_url.removeprefix("redis://")}
    config["prometheus"] = {"port": metrics_port}
    return config | here


@contextmanager
def livekit_nodes(redis_url: str, count: int = 2) -> Iterator[list[Node]]:
    with ExitStack() as stack:
        yield [stack.enter_context(_node(redis_url)) for _ in range(count)]


@contextmanager
def _node(redis_url: str) -> Iterator[Node]:
    with prepared_livekit() as (folder, url):
        file = folder / "livekit.yaml"
        rtc = yaml.safe_load(file.read_text())["rtc"]
        signal = int(url.rpartition(":")[2])
        ports = ServerPorts(signal=signal, media_tcp=rtc["tcp_port"], media_udp=rtc["udp_port"])
        file.write_text(yaml.safe_dump(production_config(ports, redis_url, free_port())))
        livekit = start_livekit(folder, url)
        try:
            log = (folder / "livekit.log").read_text()
            (name,) = set(re.findall(r'"nodeID": ?"(ND_\w+)"', log))
            yield Node(livekit, name)
        finally:
            # On SIGTERM one that has a Redis waits for callers who are gone.
            livekit.process.kill()
            livekit.process.wait()
