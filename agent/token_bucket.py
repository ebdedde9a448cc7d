"""How often something may happen. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field

_ROUNDING = 1e-9
"""Waiting as long as was told is enough, whatever sums of floats make of it."""


@dataclass
class TokenBucket:
    """`burst` times at once, `per_s` times a second in the long run. It begins full."""

    per_s: float
    burst: float
    _level: float = field(init=False)
    _at_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._level = self.burst

    def take(self, now_s: float) -> bool:
        """Whether it may happen now, which is counted then. `now_s`: seconds on any clock."""
        if self.wait_s(now_s) > 0:
            return False
        self._level -= 1
        return True

    def wait_s(self, now_s: float) -> float:
        """Seconds until it may happen again; 0 for now."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        if passed_s > 0:  # a clock that goes back gives nothing and takes nothing
            self._level = min(self.burst, self._level + passed_s * self.per_s)
        if self._at_s is None or passed_s > 0:
            self._at_s = now_s
        missing = 1 - self._level
        return missing / self.per_s if missing > _ROUNDING else 0.0


class RateLimiter:
    """A bucket for each key. Of more than `most_keys` the one that was unused longest is forgotten,
    so that strangers cannot fill the memory."""

    def __init__(self, *, per_s: float, burst: float, most_keys: int = 10_000) -> None:
        self._per_s, self._burst, self._most_keys = per_s, burst, most_keys
        self._buckets: dict[str, TokenBucket] = {}
        """The one used last stands last."""

    @property
    def size(self) -> int:
        """How many keys are known."""
        return len(self._buckets)

    def take(self, key: str, now_s: float) -> float:
        """0 when it may happen for `key` now, which is counted then; else the seconds to wait."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._per_s, self._burst)
        self._buckets[key] = bucket
        if len(self._buckets) > self._most_keys:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if bucket.take(now_s) else bucket.wait_s(now_s)
