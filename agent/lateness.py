"""How late the answers of a worker's calls are: its job processes tell, the worker asks."""

from __future__ import annotations

import contextlib
import math
import os
import struct
from collections import deque
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

WINDOW_S = 60.0
FEWEST = 20
"""Turns without which there is no p95 to speak of."""

_VARIABLE = "PARLEY_LATENESS"
_FILE = "lateness"
_TOLD = struct.Struct("<dd")


@dataclass
class Lateness:
    """The answers of the last minute. Pure."""

    _heard: deque[tuple[float, float]] = field(default_factory=deque)
    """When, and the response time as a share of the budget."""

    def heard(self, share: float, at_s: float) -> None:
        self._heard.append((at_s, share))

    def p95(self, now_s: float) -> float:
        """0 with too few answers."""
        while self._heard and now_s - self._heard[0][0] > WINDOW_S:
            self._heard.popleft()
        if len(self._heard) < FEWEST:
            return 0.0
        shares = sorted(share for _, share in self._heard)
        return shares[math.ceil(0.95 * len(shares)) - 1]


def share_lateness(folder: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """A worker's calls tell their response times in a file of `folder` from now on."""
    environment[_VARIABLE] = str(folder / _FILE)


def tell(share: float, at_s: float, environment: Mapping[str, str] = os.environ) -> None:
    """An answer that took this share of the budget; `at_s` on the monotonic clock, which processes
    have in common. Without a worker nobody is told."""
    if path := environment.get(_VARIABLE):
        with contextlib.suppress(OSError), open(path, "ab", buffering=0) as file:
            file.write(_TOLD.pack(at_s, share))


def told(environment: Mapping[str, str] = os.environ) -> list[tuple[float, float]]:
    """What was told since the last time: when, and the share.

    What is told in between the reading and the emptying of the file is lost: one answer of many.
    """
    try:
        with open(environment[_VARIABLE], "r+b") as file:
            content = file.read()
            file.truncate(0)
    except (KeyError, OSError):
        return []
    whole = len(content) - len(content) % _TOLD.size
    return [(at_s, share) for at_s, share in _TOLD.iter_unpack(content[:whole])]
