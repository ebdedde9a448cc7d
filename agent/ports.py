"""Free ports near the usual ones."""

import socket
from collections.abc import Collection

__all__ = ["EVERYWHERE", "LOOPBACK", "free_port", "is_free", "pick_port"]

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # nosec B104 # what a person may have set; nothing of ours by itself
_NEIGHBOURS = 20
_CONNECT_S = 0.2


def is_free(port: int, *, host: str = LOOPBACK, udp: bool = False) -> bool:
    """Whether a server could listen on `port` of this machine's address `host` just now."""
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if not udp:
            # As servers do: a port whose last connections linger in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    # macOS lets one address be bound while somebody listens on all of them.
    return udp or not _answers(port, LOOPBACK if host == EVERYWHERE else host)


def pick_port(
    preferred: int, *, host: str = LOOPBACK, udp: bool = False, taken: Collection[int] = ()
) -> int:
    """`preferred` when it is free, else the next free one, else any. Skips those in `taken`."""
    for port in range(preferred, min(preferred + _NEIGHBOURS, 65536)):
        if port not in taken and is_free(port, host=host, udp=udp):
            return port
    return free_port(host=host, udp=udp)


def free_port(*, host: str = LOOPBACK, udp: bool = False) -> int:
    """Any free port, as the system gives it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _answers(port: int, host: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_S)
        return probe.connect_ex((host, port)) == 0
