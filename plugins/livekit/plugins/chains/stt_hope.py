"""While no member works: when it is tried again, and how long there is hope. Pure."""

from __future__ import annotations

_WAIT_S = (0.5, 5.0)
"""Until members are tried again, doubled up to the second."""
_HOPE_S = 3.0
"""So long in a turn: a network that is gone for a moment takes all members with it."""


class Hope:
    def __init__(self) -> None:
        self.retry_s: float | None = None
        """When members are to be tried again; None while one works."""
        self._wait_s = _WAIT_S[0]
        self._until_s: float | None = None

    @property
    def is_tested(self) -> bool:
        """Whether nobody hears what is being said."""
        return self._until_s is not None

    def lasts(self, now_s: float, *, may_begin: bool) -> bool:
        """Whether it does; `may_begin`: it is worth while to wait."""
        if self._until_s is None and may_begin:
            self._until_s, self._wait_s = now_s + _HOPE_S, _WAIT_S[0]
            return True
        return self._until_s is not None and now_s < self._until_s

    def wait(self, now_s: float) -> None:
        """Until the next try."""
        self.retry_s = now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, _WAIT_S[1])

    def heard(self) -> None:
        """What is said has been heard, or nothing is."""
        self._until_s = None

    def restart(self) -> None:
        """A turn has ended well."""
        self._wait_s = _WAIT_S[0]
