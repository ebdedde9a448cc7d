"""A whole call in a network namespace where every packet that would leave the machine is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CALL = Path(__file__).with_name("call_in_namespace.py")
OUTSIDE = "outside0"


def test_a_whole_call_sends_no_packet_outside() -> None:
    """The namespace has loopback and an interface with the default route and nobody behind it.

    Any attempt to reach a cloud, a STUN server or a name server goes there and is counted.
    """
    setup = (
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 && "
        "ip link set lo up && "
        f"ip link add {OUTSIDE} type veth peer name nobody && ip link set nobody up && "
        f"ip addr add 198.51.100.2/24 dev {OUTSIDE} && "
        f"ip link set {OUTSIDE} up && ip route add default via 198.51.100.1 dev {OUTSIDE} && "
        f"ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev {OUTSIDE} && "
        f"exec {sys.executable} {CALL} {OUTSIDE}"
    )
    isolate = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    finished = subprocess.run(
        [*isolate, "--mount", "sh", "-c", setup], capture_output=True, text=True, timeout=110
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
    assert "counted before the call: works" in finished.stdout
    assert "packets sent outside: 0" in finished.stdout, finished.stdout
