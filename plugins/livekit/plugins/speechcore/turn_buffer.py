"""The audio of a turn that is worth decoding: speech with a little quiet around it, bounded.

Quiet beyond `_QUIET_AFTER_S` is left out, so that decoding costs what the speech is long, and a
recogniser gets no silence to invent words for. Every word is put back to its own time afterwards.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .gate import PAUSE_S, WINDOW_S

_QUIET_BEFORE_S = 0.3
"""Kept from before the gate opens: soft first sounds."""

_QUIET_AFTER_S = 0.3
"""Kept from after it shuts."""

_EARLIEST_CUT = 0.4
"""Share of a full buffer before which it is not cut: short pieces are understood worse."""

_FORCED_CUT = (0.7, 0.95)
"""Shares of a full buffer between which speech without a pause is cut."""

_OVERLAP_S = 1.0
"""Audio that both sides of such a cut hear, so that the word at the cut is heard whole."""

_LENIENCE_S = 0.1
_ROUNDING = 1e-6

_HUSH_S = 0.1
"""A forced cut is where so much is quietest."""


class _Window(NamedTuple):
    pcm: bytes
    number: int
    """Of the window in the stream, from 0."""
    is_open: bool
    is_loud: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio to be decoded in one go. Times in it are in seconds from its first sample."""

    pcm: bytes
    """Mono int16."""
    windows: tuple[int, ...]
    """The number in the stream of each window of `WINDOW_S`."""
    loud: tuple[bool, ...]
    """Of each window, whether it is louder than a pause."""
    words_until_s: float
    """In the stream: words whose middle is later belong to the next piece, which hears them whole."""
    is_overlapping: bool
    """It begins with sound that the piece before has too."""

    @property
    def loud_s(self) -> float:
        """How much of it is louder than a pause."""
        return round(sum(self.loud) * WINDOW_S, 3)

    def samples(self) -> NDArray[np.float32]:
        """-1..1."""
        scale = np.float32(1 / 32768)
        samples: NDArray[np.float32] = np.frombuffer(self.pcm, np.int16).astype(np.float32) * scale
        return samples

    def sounding(self, start_s: float, end_s: float) -> tuple[float, float]:
        """The same times without the quiet at either end, if that is longer than `_LENIENCE_S`.

        Recognisers count the quiet before and after a word as its own.
        """
        first, last = int(start_s / WINDOW_S + _ROUNDING), math.ceil(end_s / WINDOW_S - _ROUNDING)
        loud = [window for window in range(first, min(last, len(self.loud))) if self.loud[window]]
        if not loud:
            return start_s, end_s
        begun_s, ended_s = loud[0] * WINDOW_S, (loud[-1] + 1) * WINDOW_S
        return (
            begun_s if begun_s - start_s > _LENIENCE_S else start_s,
            ended_s if end_s - ended_s > _LENIENCE_S else end_s,
        )

    def stream_s(self, time_s: float, *, is_end: bool = False) -> float:
        """A time in the piece as one in the stream; at a left-out quiet an end stays before it."""
        position = time_s / WINDOW_S
        window = math.ceil(position - _ROUNDING) - 1 if is_end else int(position + _ROUNDING)
        window = min(max(window, 0), len(self.windows) - 1)
        return round((self.windows[window] + position - window) * WINDOW_S, 3)


class TurnBuffer:
    """At most `longest_s` of audio. Pure: time is counted in windows."""

    def __init__(self, *, longest_s: float) -> None:
        self._longest = round(longest_s / WINDOW_S)
        self._kept: list[_Window] = []
        self._before: deque[_Window] = deque(maxlen=round(_QUIET_BEFORE_S / WINDOW_S))
        self._quiet = 0
        self._number = 0
        self._is_overlapping = False

    def __len__(self) -> int:
        """Windows kept."""
        return len(self._kept)

    def push(self, pcm: bytes, *, is_open: bool, is_loud: bool) -> Piece | None:
        """Takes the stream's next window; returns the older piece when the buffer was full."""
        window = _Window(pcm, self._number, is_open, is_loud)
        self._number += 1
        self._quiet = 0 if is_open else self._quiet + 1
        is_after = bool(self._kept) and self._quiet <= round(_QUIET_AFTER_S / WINDOW_S)
        if not (is_open or is_after):
            self._before.append(window)
            return None
        self._kept += (*self._before, window)
        self._before.clear()
        return self._cut() if len(self._kept) >= self._longest else None

    def piece(self, start: int = 0) -> Piece:
        """What is kept from window `start` on, up to where the gate shut.

        So what a recogniser is given follows from the sound alone, not from when it has time.
        """
        end = len(self._kept)
        while end > start and not self._kept[end - 1].is_open:
            end -= 1
        return _piece(self._kept[start:end], is_overlapping=self._is_overlapping and start == 0)

    def forget(self) -> None:
        """Drops what is kept; what is said next still has its quiet before it."""
        self._kept.clear()
        self._is_overlapping = False

    def _cut(self) -> Piece:
        """Takes the older part out, up to the longest pause, or to the quietest moment if none."""
        overlap, until_s = 0, math.inf
        cut = self._longest_pause()
        if cut is None:
            cut, overlap = self._quietest_moment(), round(_OVERLAP_S / WINDOW_S) // 2
            until_s = self._kept[cut].number * WINDOW_S
        older = _piece(
            self._kept[: cut + overlap],
            words_until_s=until_s,
            is_overlapping=self._is_overlapping,
        )
        del self._kept[: cut - overlap]
        self._is_overlapping = overlap > 0
        return older

    def _longest_pause(self) -> int | None:
        """The window in the midst of the quiet with which the longest pause begins."""
        earliest = int(self._longest * _EARLIEST_CUT)
        before_shut = round(PAUSE_S / WINDOW_S) // 2
        longest, found = 0, None
        for start, end in _shut_spans(self._kept):
            length = self._kept[end - 1].number - self._kept[start].number
            if start - before_shut >= earliest and length >= longest:
                longest, found = length, start - before_shut
        return found

    def _quietest_moment(self) -> int:
        first, last = (int(self._longest * share) for share in _FORCED_CUT)
        pcm = b"".join(window.pcm for window in self._kept[first:last])
        samples = np.frombuffer(pcm, np.int16).astype(np.float32).reshape(last - first, -1)
        energy = np.mean(samples * samples, axis=1)
        hush = round(_HUSH_S / WINDOW_S)
        moments = np.convolve(energy, np.ones(hush), mode="valid")
        return first + int(np.argmin(moments)) + hush // 2


def _piece(
    windows: Sequence[_Window], *, words_until_s: float = math.inf, is_overlapping: bool = False
) -> Piece:
    return Piece(
        pcm=b"".join(window.pcm for window in windows),
        windows=tuple(window.number for window in windows),
        loud=tuple(window.is_loud for window in windows),
        words_until_s=words_until_s,
        is_overlapping=is_overlapping,
    )


def _shut_spans(windows: Sequence[_Window]) -> list[tuple[int, int]]:
    """Start and end of every run of windows during which the gate was shut."""
    flags = [True, *(window.is_open for window in windows), True]
    edges = [place for place, (one, other) in enumerate(pairwise(flags)) if one != other]
    return list(zip(edges[::2], edges[1::2], strict=True))
