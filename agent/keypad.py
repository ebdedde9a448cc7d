"""The keys that a caller presses on a telephone, as something that was said."""

from __future__ import annotations

from collections.abc import Callable

from livekit.plugins.speechcore import Timer

PAUSE_S = 2.0
"""After so long without a key the number is complete; # completes it at once."""

MOST_KEYS = 32
"""Of one number; that of a card has 19."""

_KEYS = frozenset("0123456789*#ABCD")


class Keypad:
    """Gathers keys into numbers. Needs a running event loop; `close()` forgets what is not complete."""

    def __init__(self, on_first: Callable[[], None], on_number: Callable[[str], None]) -> None:
        """`on_first` is called with the first key of a number, `on_number` with a sentence for the
        language model when it is complete: “(the caller pressed 4 2 #)”."""
        self._on_first = on_first
        self._on_number = on_number
        self._pressed = ""
        self._timer = Timer()

    def press(self, key: str) -> None:
        """Takes the next key; what is none is dropped."""
        if key not in _KEYS:
            return
        self._timer.cancel()
        self._pressed += key
        if len(self._pressed) == 1:
            self._on_first()
        if key == "#" or len(self._pressed) == MOST_KEYS:
            self._complete()
        else:
            self._timer.after(PAUSE_S, self._complete)

    def close(self) -> None:
        """Twice is fine."""
        self._timer.cancel()
        self._pressed = ""

    def _complete(self) -> None:
        self._timer.cancel()
        pressed, self._pressed = self._pressed, ""
        self._on_number(f"(the caller pressed {' '.join(pressed)})")
