"""Which call holds which slot of a llama.cpp server. Pure: the time comes in as an argument.

A slot keeps the evaluated conversation of the call that used it last; a call that stays on its slot
pays only for what is new.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


class SlotTable:
    """Slots 0 to `count` - 1. With more calls than slots the one silent the longest loses its own."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"a server has at least one slot, not {count}")
        self._free = list(range(count))
        self._slots: dict[str, int] = {}
        self._used_s: dict[str, float] = {}

    @property
    def free(self) -> int:
        """How many slots no call holds."""
        return len(self._free)

    def pin(self, call: str, now_s: float) -> int:
        """The slot of `call`, which holds it from here on; asked before each request."""
        slot = self._slots.get(call)
        if slot is None:
            slot = self._free.pop(0) if self._free else self._take_from_the_oldest()
            self._slots[call] = slot
        self._used_s[call] = now_s
        return slot

    def release(self, call: str) -> None:
        """The call is over; harmless for one that holds none."""
        slot = self._slots.pop(call, None)
        self._used_s.pop(call, None)
        if slot is not None:
            # To the end: the longer a slot rests, the likelier its old call is truly over.
            self._free.append(slot)

    def _take_from_the_oldest(self) -> int:
        oldest = min(self._used_s, key=self._used_s.__getitem__)
        del self._used_s[oldest]
        return self._slots.pop(oldest)


@dataclass(frozen=True, slots=True)
class SlotLease:
    """One call's hold on a table, to be given to its LLM."""

    table: SlotTable
    call: str
    clock: Callable[[], float] = time.monotonic

    def slot(self) -> int:
        return self.table.pin(self.call, self.clock())

    def release(self) -> None:
        self.table.release(self.call)
