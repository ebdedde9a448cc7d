"""What a bad network does to packets. Pure: time and randomness are passed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Network:
    """One way of it; the other way is as bad."""

    loss: float = 0.0
    """Share of the packets that never arrive."""
    burst: float | None = None
    """How many are lost in a row, in the mean (Gilbert's model); None: each for itself."""
    delay_s: float = 0.02
    jitter_s: float = 0.0
    """Mean of what is added to the delay of a packet, exponentially distributed. Packets stay in
    order: who is late holds up those behind."""

    def __post_init__(self) -> None:
        if not 0 <= self.loss < 1 or min(self.delay_s, self.jitter_s) < 0:
            raise ValueError("a network needs a loss from 0 to below 1 and no negative times")
        if self.burst is not None and self.burst < 1:
            raise ValueError("bursts are one packet long at least")

    @property
    def name(self) -> str:
        loss = f"{self.loss:.0%} lost" + (f", {self.burst:g} in a row" if self.burst else "")
        return f"{loss}, jitter {self.jitter_s * 1000:.0f} ms"


class Wire:
    """Packets of one direction."""

    def __init__(self, network: Network, rng: np.random.Generator) -> None:
        self._network = network
        self._rng = rng
        self._is_losing = False
        self._last_s = 0.0

    def process(self, now_s: float) -> float | None:
        """When a packet arrives that leaves now; None when it is lost."""
        if self._is_lost():
            return None
        network = self._network
        jitter_s = float(self._rng.exponential(network.jitter_s)) if network.jitter_s else 0.0
        self._last_s = max(self._last_s, now_s + network.delay_s + jitter_s)
        return self._last_s

    def _is_lost(self) -> bool:
        loss, burst = self._network.loss, self._network.burst
        if burst is None:
            return bool(self._rng.random() < loss)
        # Chosen such that a share of `loss` is lost in the long run, in runs of `burst`.
        begins, ends = loss / (burst * (1 - loss)), 1 / burst
        goes_on = self._rng.random() >= ends
        self._is_losing = goes_on if self._is_losing else bool(self._rng.random() < begins)
        return self._is_losing
