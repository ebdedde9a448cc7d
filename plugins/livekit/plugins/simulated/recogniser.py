"""A recogniser that knows the words beforehand and reveals each when its time has come.

Pure: time is seconds of the caller's audio. Between two pieces of audio the clock may be moved on
with `advance`, so that delays end also when no audio comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from livekit.plugins.speechcore import Word

from .sound import SoundDetector
from .words import Announcements, made_up_words

_LATE_ANNOUNCEMENT_S = 0.4
_STEADY_SOUND_S = 0.3
_SAME_TIME_S = 1e-9


class HeardKind(Enum):
    INTERIM = "interim"
    PREFLIGHT = "preflight"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of the segment so far; times in seconds of audio."""

    kind: HeardKind
    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


class ScriptedRecogniser:
    """Reveals announced words, or made-up ones while there is sound.

    A word appears `delay_s` after its end. 120 ms of quiet give a PREFLIGHT, and unless the sound
    comes back a FINAL `delay_s` later; a flush gives a FINAL `delay_s` later in any case. No text
    is given in two FINALs.
    """

    def __init__(self, delay_s: float, announcements: Announcements) -> None:
        self._delay_s = delay_s
        self._announcements = announcements
        self._sound = SoundDetector()
        self._script: deque[Word] = deque()
        self._made_up: Iterator[Word] | None = None
        self._made_up_word: Word | None = None
        self._announced_at_s: float | None = None
        self._ended: deque[Word] = deque()
        self._visible: list[Word] = []
        self._preflighted: tuple[Word, ...] = ()
        self._quiet_final_s: float | None = None
        self._flush_final_s: float | None = None

    @property
    def heard_s(self) -> float:
        """How much audio has been heard."""
        return self._sound.heard_s

    @property
    def next_due_s(self) -> float | None:
        """When `advance` has something to give next, as far as is known now."""
        dues = [due for due in (self._quiet_final_s, self._flush_final_s) if due is not None]
        if self._ended:
            dues.append(self._ended[0].end_s + self._delay_s)
        return min(dues, default=None)

    def hear(self, level_dbfs: float, duration_s: float) -> list[Heard]:
        """Takes the level of the next frame of audio (10 ms or so); returns what became due."""
        heard = self.advance(self.heard_s)
        if self._sound.process(level_dbfs, duration_s):
            self._begin(self._sound.onset_s)
        if self._sound.last_loud_s == self.heard_s:
            self._quiet_final_s = None  # the caller goes on: there is more to come
        self._take_late_announcement()
        self._end_words()
        heard += self.advance(self.heard_s)
        heard += self._settle(self.heard_s)
        return heard + self.advance(self.heard_s)

    def advance(self, now_s: float) -> list[Heard]:
        """Returns what became due until `now_s`, the oldest first."""
        heard: list[Heard] = []
        while (due_s := self.next_due_s) is not None and due_s <= now_s + _SAME_TIME_S:
            heard += self._give(due_s)
        return heard

    def flush(self, now_s: float) -> None:
        """Asks for a FINAL, also an empty one: somebody waits for it."""
        if self._flush_final_s is None:
            self._flush_final_s = now_s + self._delay_s

    def _give(self, due_s: float) -> list[Heard]:
        if self._ended and self._ended[0].end_s + self._delay_s <= due_s + _SAME_TIME_S:
            self._visible.append(self._ended.popleft())
            self._quiet_final_s = None  # the text has changed
            return [Heard(HeardKind.INTERIM, tuple(self._visible)), *self._settle(due_s)]
        words = tuple(self._visible)
        self._visible.clear()
        self._preflighted = ()
        self._quiet_final_s = self._flush_final_s = None
        return [Heard(HeardKind.FINAL, words)]

    def _settle(self, now_s: float) -> list[Heard]:
        """In the quiet, with every ended word visible: PREFLIGHT now, FINAL after the delay."""
        waits = self._sound.is_sounding or self._ended or not self._visible
        if waits or self._quiet_final_s is not None:
            return []
        self._quiet_final_s = now_s + self._delay_s
        words = tuple(self._visible)
        if words == self._preflighted:
            return []  # livekit would begin the same reply once more
        self._preflighted = words
        return [Heard(HeardKind.PREFLIGHT, words)]

    def _begin(self, onset_s: float) -> None:
        """A sound has begun: it is the announced utterance, unless one is being said."""
        if self._script:
            return
        words = self._announcements.take()
        self._made_up = made_up_words(onset_s) if words is None else None
        self._made_up_word = next(self._made_up) if self._made_up else None
        if words:
            shift_s = onset_s - words[0].start_s
            self._script.extend(
                Word(word.text, word.start_s + shift_s, word.end_s + shift_s) for word in words
            )

    def _take_late_announcement(self) -> None:
        """An announcement may come after the sound it belongs to has begun.

        Right after the onset it belongs to this sound. In a sound that goes on (noise, an echo)
        there is no onset to wait for: the words are lined up with the announcement.
        """
        waiting = self._announcements.waiting
        if not waiting or self._script or not self._sound.is_sounding:
            self._announced_at_s = None
            return
        if self._announced_at_s is None:
            self._announced_at_s = self.heard_s
        onset_s = self._announced_at_s
        if self._made_up and self.heard_s - self._sound.onset_s < _LATE_ANNOUNCEMENT_S:
            onset_s = self._sound.onset_s
        elif self.heard_s - onset_s < _STEADY_SOUND_S:
            return
        self._begin(onset_s)

    def _end_words(self) -> None:
        """Moves the words that ended in the audio heard so far to those that will appear."""
        while self._script and self._script[0].end_s <= self.heard_s + _SAME_TIME_S:
            self._ended.append(self._script.popleft())
        if not self._sound.is_sounding:
            self._made_up = self._made_up_word = None
        while self._made_up and self._made_up_word and self._is_loud_at(self._made_up_word.end_s):
            self._ended.append(self._made_up_word)
            self._made_up_word = next(self._made_up)

    def _is_loud_at(self, time_s: float) -> bool:
        return time_s <= self._sound.last_loud_s + _SAME_TIME_S
