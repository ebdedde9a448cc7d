"""What the caller said since the last final transcript, kept so that another engine can hear it too."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from livekit.plugins.speechcore import BYTES_PER_SAMPLE
from livekit.plugins.speechcore.gate import WINDOW_S, SpeechGate

LONGEST_S = 30.0
"""Kept at most; older audio is dropped, whether it was understood or not."""

REPLAY_STEP_S = 0.1
_LEAD_S = 0.4
"""Replayed from before the first sound: a soft onset, and a room to measure."""

WORD_S = 0.2
"""The shortest word."""

CLEAR_SPEECH_S = 0.6
"""So much sound is hardly ever without a word."""

DOUBTFUL_S = 0.4
"""So much sound before a flush, which is sent after speech alone, may be a word or two."""

_PAUSE_S = 0.2
_SNAP_S = 0.3
"""Engines end a word earlier than its sound by up to so much."""


class TurnAudio:
    """Mono PCM of one rate, and where in it somebody speaks. Pure.

    Places are seconds of audio since the stream began.
    """

    def __init__(self, *, longest_s: float = LONGEST_S) -> None:
        self.rate_hz = 16_000
        """Of the first audio pushed; it stays so."""
        self._longest_s = longest_s
        self._pcm = bytearray()
        self._start = 0
        """Samples dropped so far."""
        self._gate = SpeechGate()
        self._unjudged = bytearray()
        self._windows = 0
        self._loud: list[float] = []
        """Where each loud window ends."""
        self.final_s = 0.0
        """What is before this is final, and forgotten."""

    @property
    def start_s(self) -> float:
        """Where the kept audio begins."""
        return self._start / self.rate_hz

    @property
    def end_s(self) -> float:
        """How much was pushed."""
        return (self._start + len(self._pcm) // BYTES_PER_SAMPLE) / self.rate_hz

    def push(self, pcm: bytes, rate_hz: int) -> None:
        """Raises ValueError when the rate has changed."""
        if not self.end_s:
            self.rate_hz = rate_hz
        elif rate_hz != self.rate_hz:
            raise ValueError(f"audio of {rate_hz} Hz in a stream of {self.rate_hz} Hz")
        self._pcm += pcm
        longest = round(self._longest_s * rate_hz) * BYTES_PER_SAMPLE
        if len(self._pcm) > longest:
            self._drop((len(self._pcm) - longest) // BYTES_PER_SAMPLE)
        self._unjudged += pcm
        while len(self._unjudged) >= (size := self._window_bytes()):
            window = bytes(self._unjudged[:size])
            del self._unjudged[:size]
            self._windows += 1
            self._judge(window)

    def _judge(self, window: bytes) -> None:
        gate = self._gate
        was_open = gate.is_open
        if not gate.process(window) or not gate.is_loud:
            return
        # It opens at the third loud window or so: those before it were loud as well.
        count = 1 if was_open else round(gate.loud_s / WINDOW_S)
        self._loud += [(self._windows - back) * WINDOW_S for back in range(count - 1, -1, -1)]

    def settle(self, until_s: float) -> None:
        """What is before `until_s` is final."""
        self.final_s = max(self.final_s, until_s)
        self._drop(self._offset(self.final_s) // BYTES_PER_SAMPLE)

    def pieces(self, from_s: float, to_s: float | None = None) -> Iterator[bytes]:
        """What is kept between two places, in steps of `REPLAY_STEP_S`."""
        place = self._offset(from_s)
        end = len(self._pcm) if to_s is None else self._offset(to_s)
        step = round(REPLAY_STEP_S * self.rate_hz) * BYTES_PER_SAMPLE
        while place < end:
            yield bytes(self._pcm[place : min(end, place + step)])
            place += step

    def speech_s(self, to_s: float | None = None, *, from_s: float | None = None) -> float:
        """How much that is not final is louder than a pause: of a room's noise, nothing is."""
        end = len(self._loud) if to_s is None else bisect_right(self._loud, to_s + WINDOW_S / 2)
        return max(0, end - self._loud_from(from_s)) * WINDOW_S

    def speech_after_s(self, word_end_s: float) -> float:
        """How much after the sound of the word that is said to end there."""
        return self.speech_s(from_s=self._sound_end_s(word_end_s))

    def last_loud_s(self) -> float:
        """Where the newest sound ends that is not final; where all is final, without one."""
        return max(self.final_s, self._loud[-1]) if self._loud else self.final_s

    def replay_from_s(self, flush_s: float | None = None) -> float:
        """Where a newcomer should begin to listen: shortly before the first sound not final.

        And before the oldest flush, if there is one: a flush of nothing has no answer.
        """
        place = self._loud_from(None)
        from_s = self._loud[place] - _LEAD_S if place < len(self._loud) else self.end_s - _LEAD_S
        if flush_s is not None:
            from_s = min(from_s, flush_s - WORD_S)
        return max(self.final_s, self.start_s, from_s)

    def has_more(self, word_end_s: float | None, to_s: float) -> bool:
        """Whether there is room for a word between the one that ends at `word_end_s` and `to_s`."""
        if word_end_s is None:
            return False
        return self.speech_s(to_s, from_s=self._sound_end_s(word_end_s)) >= WORD_S

    def final_place_s(self, word_end_s: float | None) -> float:
        """Up to where a final transcript is about whose last word is said to end there.

        Without a believable end that is the newest pause, or all of it.
        """
        if word_end_s is None or not self.final_s < word_end_s <= self.end_s + WORD_S:
            return self._last_pause_s()
        return min(self._sound_end_s(word_end_s), self.end_s)

    def _sound_end_s(self, word_end_s: float) -> float:
        """Where it gets quiet next after a word, or the very place if it does not soon."""
        place = bisect_left(self._loud, word_end_s)
        at_s = word_end_s
        while place < len(self._loud) and self._loud[place] - at_s <= 1.5 * WINDOW_S:
            at_s = self._loud[place]
            place += 1
        return at_s if at_s - word_end_s <= _SNAP_S else word_end_s

    def _last_pause_s(self) -> float:
        last_s = self.end_s
        for loud_s in reversed(self._loud[self._loud_from(None) :]):
            if last_s - loud_s >= _PAUSE_S:
                return loud_s
            last_s = loud_s
        return self.end_s

    def _loud_from(self, from_s: float | None) -> int:
        place_s = self.final_s if from_s is None else max(from_s, self.final_s)
        return bisect_left(self._loud, place_s + WINDOW_S / 2)

    def _offset(self, place_s: float) -> int:
        samples = math.floor(place_s * self.rate_hz + 1e-6) - self._start
        return min(max(0, samples * BYTES_PER_SAMPLE), len(self._pcm))

    def _drop(self, samples: int) -> None:
        del self._pcm[: samples * BYTES_PER_SAMPLE]
        self._start += samples
        del self._loud[: bisect_right(self._loud, self.start_s)]

    def _window_bytes(self) -> int:
        """Of the next window: at 11 025 Hz they are not all as long."""
        edges = [round((self._windows + more) * WINDOW_S * self.rate_hz) for more in (0, 1)]
        return (edges[1] - edges[0]) * BYTES_PER_SAMPLE
