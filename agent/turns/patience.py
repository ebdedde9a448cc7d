"""How long this caller is waited for: the setting, and the caller's own pauses."""

from __future__ import annotations

import math
from dataclasses import dataclass

BUDGETS = {"eager": 0.12, "normal": 0.09, "patient": 0.04}
"""Share of pauses in the middle of a phrase in which the agent may begin to speak."""

TYPICAL_PAUSE_S = 1.1
_PRIOR_PAUSES = 4.0
_SHAPE = 1.8
_SLOWEST_PAUSE_S = 1.6
_QUICKEST_PAUSE_S = 0.5


def parse_patience(text: str) -> float:
    """The false-cut-off budget as a share: of a name, or of a number of percent.

    Raises ValueError with a sentence.
    """
    if text in BUDGETS:
        return BUDGETS[text]
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = math.nan
    if not 0.1 <= percent <= 15:
        raise ValueError(
            "write eager, normal or patient, or the share of pauses in which the agent may cut in, "
            "from 0.1 to 15 percent"
        )
    return percent / 100


@dataclass
class Pace:
    """The pauses of one caller: how probable is it that one lasts longer than some time?

    A Weibull distribution whose scale follows the mean of the pauses seen, from a prior worth
    four of them.
    """

    _count: float = _PRIOR_PAUSES
    _sum_s: float = _PRIOR_PAUSES * TYPICAL_PAUSE_S

    def paused(self, pause_s: float) -> None:
        """A pause after which the caller went on."""
        self._count += 1
        self._sum_s += pause_s

    @property
    def mean_pause_s(self) -> float:
        return min(_SLOWEST_PAUSE_S, max(_QUICKEST_PAUSE_S, self._sum_s / self._count))

    def outlasts(self, silence_s: float) -> float:
        """The probability that a pause of this caller is longer than `silence_s`."""
        scale_s = self.mean_pause_s / math.gamma(1 + 1 / _SHAPE)
        return math.exp(-((max(0.0, silence_s) / scale_s) ** _SHAPE))
