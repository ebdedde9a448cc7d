"""A cable between two network namespaces that passes each packet through a `Wire`.

The kernel's own `tc … netem` does the same where it is built in; a pair of TUN devices needs nothing
but /dev/net/tun, and the same seed loses the same packets.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import selectors
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import numpy as np

from evals.opus.wire import Network, Wire

NEAR, FAR = "10.77.0.1", "10.77.0.2"
"""Addresses of the two ends."""

_NAMES = ("parley-near", "parley-far")
_SET_INTERFACE = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001
_LONGEST = 65_536
_IDLE_S = 0.05
_START_S = 5.0


class TunnelError(RuntimeError):
    """The namespaces cannot be set up; the message says why."""


class Tunnel:
    """Both ends, and the thread between them. Made within the near namespace, see `far_namespace`."""

    def __init__(self, seed: int) -> None:
        self._ends = tuple(_open(name) for name in _NAMES)
        self._seeds = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="wire", daemon=True)
        self.set(Network())
        run("ip", "addr", "add", f"{NEAR}/24", "dev", _NAMES[0])
        run("ip", "link", "set", _NAMES[0], "up")

    def __enter__(self) -> Tunnel:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for end in self._ends:
            os.close(end)

    def stop(self) -> None:
        """Before one of the ends goes away. Twice is fine."""
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Raises TunnelError when packets are carried no longer."""
        if not self._thread.is_alive():
            raise TunnelError("the tunnel between the namespaces broke, see the error above.")

    def give_far_end(self, pid: int) -> None:
        """To the network namespace of a process."""
        run("ip", "link", "set", _NAMES[1], "netns", str(pid))

    def set(self, network: Network) -> None:
        """From now on, both ways."""
        with self._lock:
            self._wires = tuple(Wire(network, rng) for rng in self._seeds.spawn(len(self._ends)))

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        count = 0
        with selectors.DefaultSelector() as selector:
            for index, end in enumerate(self._ends):
                selector.register(end, selectors.EVENT_READ, index)
            while not self._over.is_set():
                until_s = waiting[0][0] - time.monotonic() if waiting else _IDLE_S
                for key, _ in selector.select(max(0.0, min(until_s, _IDLE_S))):
                    packet = os.read(key.fd, _LONGEST)
                    with self._lock:
                        arrives_s = self._wires[key.data].process(time.monotonic())
                    if arrives_s is not None:
                        count += 1
                        other = self._ends[1 - key.data]
                        heapq.heappush(waiting, (arrives_s, count, other, packet))
                while waiting and waiting[0][0] <= time.monotonic():
                    _, _, end, packet = heapq.heappop(waiting)
                    _write(end, packet)


@contextmanager
def far_namespace(tunnel: Tunnel) -> Iterator[tuple[str, ...]]:
    """What to put before a command so that it runs at the far end. Raises TunnelError."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        _wait_for_own_namespace(holder.pid)
        tunnel.give_far_end(holder.pid)
        there = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        run(*there, "ip", "link", "set", "lo", "up")
        run(*there, "ip", "addr", "add", f"{FAR}/24", "dev", _NAMES[1])
        run(*there, "ip", "link", "set", _NAMES[1], "up")
        yield there
    finally:
        tunnel.stop()
        holder.kill()
        holder.wait()


def _wait_for_own_namespace(pid: int) -> None:
    ours, end_s = os.readlink("/proc/self/ns/net"), time.monotonic() + _START_S
    while os.readlink(f"/proc/{pid}/ns/net") == ours:
        if time.monotonic() > end_s:
            raise TunnelError("`unshare --net` makes no network namespace here.")
        time.sleep(_IDLE_S / 5)


def run(*command: str) -> None:
    """Raises TunnelError."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TunnelError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")


def _open(name: str) -> int:
    try:
        end = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(end, _SET_INTERFACE, struct.pack("16sH", name.encode(), _TUN_WITHOUT_HEADER))
    except OSError as e:
        raise TunnelError(f"no TUN device can be made ({e}): load the kernel's module tun.") from e
    return end


def _write(end: int, packet: bytes) -> None:
    try:
        os.write(end, packet)
    except OSError:  # not up yet, or its queue is full: as on a real cable, it is lost
        pass
