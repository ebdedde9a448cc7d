"""The ports of a LiveKit server that the demo starts."""

from dataclasses import dataclass

from agent.ports import EVERYWHERE, pick_port

__all__ = ["ServerPorts", "pick_server_ports"]


@dataclass(frozen=True, kw_only=True)
class ServerPorts:
    """Ports of a LiveKit server."""

    signal: int
    """HTTP and WebSocket, TCP."""
    media_tcp: int
    media_udp: int


def pick_server_ports(media_host: str) -> ServerPorts:
    """Ports for a server whose signalling is on loopback and whose media is on `media_host`."""
    signal = pick_port(7880)
    # The server listens for media over TCP on every interface, whatever its configuration says.
    media_tcp = pick_port(7881, host=EVERYWHERE, taken={signal})
    media_udp = pick_port(7882, host=media_host, udp=True)
    return ServerPorts(signal=signal, media_tcp=media_tcp, media_udp=media_udp)
