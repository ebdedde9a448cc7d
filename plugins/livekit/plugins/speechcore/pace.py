"""How often a partial hypothesis is worth its computing."""

from __future__ import annotations

from dataclasses import dataclass, field

_PAUSE_SHARE = 0.5
"""A pause is believed after so much of what its decode will cost: the dearer, the surer."""


@dataclass
class PartialPace:
    """Paces the decodes of one session by what the last one cost. Pure: costs are told.

    After a decode of c seconds the next is due after c / `share` seconds of new audio, so partials
    never take more than `share` of real time, and come more slowly while the engine is loaded.
    """

    least_step_s: float = 0.4
    """Of new audio between two decodes."""
    share: float = 0.5
    """Of real time that partials may take, 0..1."""
    least_pause_s: float = 0.14
    longest_pause_s: float = 0.4
    _last_cost_s: float = field(default=0.0, init=False)

    def note(self, cost_s: float) -> None:
        """Tells what a decode took, from its call to its answer."""
        self._last_cost_s = cost_s

    @property
    def step_s(self) -> float:
        """New audio before the next decode, while somebody speaks."""
        return max(self.least_step_s, self._last_cost_s / self.share)

    @property
    def pause_s(self) -> float:
        """Quiet after which a pause is decoded; once for each pause, whatever the share."""
        wanted_s = self._last_cost_s * _PAUSE_SHARE
        return min(self.longest_pause_s, max(self.least_pause_s, wanted_s))
