"""Where a piece of speech begins and ends. Pure: fed with windows and their scores."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from livekit.plugins.speechcore.vad import SpeechBounds, SpeechChange, SpeechState

END_S = 0.64
"""So much silence ends a piece. Before, words go on in it, and are understood together."""

LONG_S = 12.0
PAUSE_S = 0.16
"""A piece longer than that ends at the next silence longer than this."""

LONGEST_S = 25.0
"""And one so long at once, in the midst of a word if need be; the model was made for 30 s."""

_PREROLL_S = 0.3
"""Heard before speech was noticed: a soft beginning."""


@dataclass(slots=True)
class Piece:
    """Speech without a long silence in it."""

    start_s: float
    """Where speech begins, in seconds from the first sample the session was given."""
    end_s: float
    """Where it was last heard."""
    unheard: list[bytes] = field(default_factory=list)
    """Windows that the model has not heard."""
    heard_s: float = 0.0
    has_news: bool = True
    """There is speech among the unheard windows."""
    is_over: bool = False
    text: str = ""


class Pieces:
    """Cuts a stream of windows. Holds `LONGEST_S` of sound for each piece that was not taken yet."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._preroll: deque[bytes] = deque(maxlen=round(_PREROLL_S / window_s))
        self.waiting: deque[Piece] = deque()
        """The ended ones that were not taken, and behind them the open one."""
        self._now_s = 0.0
        self._begin_listening()

    @property
    def open(self) -> Piece | None:
        """The piece in which somebody speaks, or has just spoken."""
        last = self.waiting[-1] if self.waiting else None
        return last if last is not None and not last.is_over else None

    @property
    def silence_s(self) -> float:
        return self._state.unlikely_s

    def push(self, window: bytes, probability: float) -> None:
        self._now_s += self._window_s
        change = self._state.process(probability, self._window_s)
        piece = self.open
        if piece is None:
            self._preroll.append(window)
            if change is SpeechChange.STARTED:
                start_s = self._now_s - self._state.likely_s
                self.waiting.append(Piece(start_s, self._now_s, list(self._preroll)))
            return
        piece.unheard.append(window)
        if self._state.likely_s > 0:
            piece.end_s = self._now_s
            piece.has_news = True
        length_s = self._now_s - piece.start_s
        is_long = length_s >= LONG_S and self._state.unlikely_s >= PAUSE_S
        if change is SpeechChange.ENDED or is_long or length_s >= LONGEST_S:
            self.end()

    def end(self) -> None:
        """Ends the open piece; what comes next is another, though it be the same word."""
        if (piece := self.open) is not None:
            piece.is_over = True
        self._begin_listening()

    def _begin_listening(self) -> None:
        self._preroll.clear()
        self._state = SpeechState(SpeechBounds(least_speech_s=0.06, least_silence_s=END_S))
