"""What the listener of a turn is given, whoever heard it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .stt_heard import Heard, HeardKind


class Outlet:
    """Speech begins and ends once for the listener, and words that come to nothing are taken back."""

    def __init__(self, give: Callable[[Heard], None]) -> None:
        self._give = give
        self._is_shown = False
        """The listener has words that are not final."""
        self._speaking: int | None = None
        """Key of the ear that said so."""

    def give(self, heard: Heard) -> None:
        """A transcript."""
        self._is_shown = heard.is_partial and bool(heard.text)
        self._give(heard)

    def finish(self, final: Heard) -> None:
        """The FINAL of what was given before."""
        if not final.text and self._is_shown:
            self._give(replace(final, kind=HeardKind.INTERIM))
        self.give(final)

    def mark(self, key: int, heard: Heard) -> None:
        """The ear says that speech begins or ends."""
        is_start = heard.kind is HeardKind.STARTED
        if is_start == (self._speaking is None):
            self._give(heard)
        self._speaking = key if is_start else None

    def end_speech_of_others(self, key: int) -> None:
        """The turn is over, and whoever said that speech begins is not there to say that it ends."""
        if self._speaking not in (None, key):
            self._speaking = None
            self._give(Heard(HeardKind.ENDED))
