"""Which member goes on with a turn. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .faults import Fault, FaultKind

_TRIES = 2
"""A turn: with one fault in five, two members fail one turn in 25 if each is tried once, and one in
625 if twice."""

_PASSING = (FaultKind.UNREACHABLE, FaultKind.RATE_LIMIT)


class Choice:
    """Members by their place in the list, the preferred one first."""

    def __init__(
        self, count: int, may_try: Callable[[int], bool], is_hopeless: Callable[[int], bool]
    ) -> None:
        """`is_hopeless`: nothing is to be asked of it, not even when all else fails."""
        self._late: set[int] = set()
        self._members = range(count)
        self._may_try = may_try
        self._is_hopeless = is_hopeless
        self._failures: Counter[int] = Counter()
        self._last: dict[int, FaultKind] = {}
        self.faults: list[Fault] = []
        """Of this turn."""

    def failed(self, member: int, fault: Fault) -> None:
        self._failures[member] += 1
        if fault.kind is FaultKind.TIMEOUT:
            self._late.add(member)
        self._last[member] = fault.kind
        self.faults.append(fault)

    @property
    def may_pass(self) -> bool:
        """Whether what some member last failed of may be over in a moment."""
        return any(kind in _PASSING for kind in self._last.values())

    def begin(self) -> None:
        """A new turn: whoever failed may be tried again."""
        self._failures.clear()
        self._late.clear()
        self.faults = []

    def best(self) -> int | None:
        """Whom a turn is best begun with; None if nobody may be tried."""
        return next((member for member in self._members if self._may_try(member)), None)

    def first(self) -> int | None:
        """The same, but somebody has to, unless all are hopeless."""
        best = self.best()
        return best if best is not None else self._of(0, self._has_hope)

    def next(self) -> int | None:
        """Whom to go on with after a fault: the next, then each once more, then one in doubt."""
        for failures in range(_TRIES):
            if (member := self._of(failures, self._may_try)) is not None:
                return member
        return self._of(0, self._has_hope)

    def others(self, member: int) -> list[int]:
        """Who may be asked beside `member`: those that have failed come last, late ones never. One that
        is alone is asked itself: by another stream."""
        is_alone = len(self._members) == 1
        willing = [
            other
            for other in self._members
            if (other != member or is_alone)
            and other not in self._late
            and self._failures[other] < _TRIES
            and self._may_try(other)
        ]
        return sorted(willing, key=lambda other: self._failures[other])

    def _has_hope(self, member: int) -> bool:
        return not self._is_hopeless(member)

    def _of(self, failures: int, is_wanted: Callable[[int], bool]) -> int | None:
        wanted = (m for m in self._members if self._failures[m] == failures and is_wanted(m))
        return next(wanted, None)
