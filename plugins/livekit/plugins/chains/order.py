"""Whom of a chain to ask next. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .member import Member

T = TypeVar("T")


class Order(Generic[T]):
    """For one request: the members in order, then once more; first those whose breaker is closed.

    Twice, for faults of the moment: with one fault in five calls, two members fail one request in
    25 if each is asked once, and one in 625 if twice.
    """

    def __init__(
        self,
        members: Sequence[Member[T]],
        *,
        may_try: Callable[[str], bool],
        is_hopeless: Callable[[str], bool],
    ) -> None:
        """`is_hopeless`: of a member that nothing is to be asked of, not even when all else fails."""
        self._members = members
        self._may_try = may_try
        self._is_hopeless = is_hopeless
        self._tries: Counter[str] = Counter()

    def take(self, *, only_new: bool = False) -> Member[T] | None:
        """The next one, which counts as asked; None if there is nobody left.

        `only_new`: nobody who was asked before, for those asked while another one still works.
        """
        member = self._of(0, self._may_try)
        if member is None and not only_new:
            # Better an engine in doubt than no answer.
            member = self._of(1, self._may_try) or self._of(0, self._may_hope)
            member = member or self._of(1, self._may_hope)
        if member is not None:
            self._tries[member.name] += 1
        return member

    @property
    def has_new(self) -> bool:
        """Whether there is a healthy one that was not asked before."""
        return self._of(0, self._may_try) is not None

    def _may_hope(self, name: str) -> bool:
        return not self._is_hopeless(name)

    def _of(self, tries: int, is_wanted: Callable[[str], bool]) -> Member[T] | None:
        wanted = (m for m in self._members if self._tries[m.name] == tries and is_wanted(m.name))
        return next(wanted, None)
