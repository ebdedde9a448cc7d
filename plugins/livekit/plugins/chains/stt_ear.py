"""One member that listens to the turn: what it owes, and until when. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from .stt_audio import CLEAR_SPEECH_S, WORD_S, TurnAudio
from .stt_heard import Heard, Taken

_REPLAY_SPEED = 4.0
"""A member need be no faster than this at audio that was said before it began."""

_GRACE_S = 0.4
"""For the FINAL of a member that ends segments as it likes, once its interim has all the words."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a turn must know about a member."""

    deadline_s: float
    has_partials: bool = True
    answers_flush: bool = True
    """With one FINAL of everything before it, an empty one if there were no words."""


@dataclass(slots=True)
class Ear:
    """Times are seconds of the loop's clock, places are seconds of the chain's audio."""

    key: int
    member: int
    traits: Traits
    started_s: float
    replayed_s: float
    flushes: deque[tuple[float, float]] = field(default_factory=deque)
    """Place and time of each that has no FINAL yet."""
    interim: Heard | None = None
    """The newest words that are not final."""
    interim_at_s: float = 0.0
    """How much audio there was when they came."""
    interim_s: float = 0.0
    """When they came."""
    taken: Taken = field(default_factory=Taken)
    started: Heard | None = None
    """What it said when speech began, while nobody wanted to know."""
    is_trusted: bool = False
    """Since the last FINAL it has given a result, or another one was asked whether it should have."""
    voiced_s: float | None = None
    """Since when there has been enough speech for a first result."""
    is_checked: bool = False
    """Since the last FINAL another one was asked what it heard."""
    quiet_since_s: float | None = None
    """When the newest speech ended, on the loop's clock."""
    answered_s: float = 0.0

    @property
    def patience_s(self) -> float:
        """What there was to catch up with counts until the first FINAL."""
        catching_up_s = 0.0 if self.answered_s else self.replayed_s / _REPLAY_SPEED
        return self.traits.deadline_s + catching_up_s

    def is_behind(self, audio: TurnAudio) -> bool:
        """Whether more was said before its oldest flush than its interim can have."""
        place_s, flushed_s = self.flushes[0]
        if self.interim and self.interim.end_s is not None:
            return audio.has_more(self.interim.end_s, place_s)
        # Without times: one that grows still is not complete.
        return self.interim_s > flushed_s or audio.has_more(self.interim_at_s, place_s)

    def is_quiet(self, audio: TurnAudio) -> bool:
        """Whether there is hardly a word that is not final before its oldest flush."""
        return not self.interim and audio.speech_s(self.flushes[0][0]) < WORD_S

    def lacks(self, heard: Heard) -> bool:
        """Whether another ear's words for the same audio are more."""
        return not self.interim or len(heard.text.split()) > len(self.interim.text.split())

    def unheard_s(self, audio: TurnAudio) -> float:
        """How much speech there was since its newest words; without times, since they came."""
        if self.interim and self.interim.end_s is not None:
            return audio.speech_after_s(self.interim.end_s)
        return audio.speech_s(from_s=self.interim_at_s if self.interim else None)

    def flush_due_s(self, audio: TurnAudio) -> float | None:
        """When the FINAL of the oldest flush is late."""
        if not self.flushes:
            return None
        patience_s = self.patience_s
        is_timed = self.interim is not None and self.interim.end_s is not None
        if is_timed and not self.traits.answers_flush and not self.is_behind(audio):
            patience_s = min(patience_s, _GRACE_S)
        return max(self.flushes[0][1], self.answered_s) + patience_s

    def is_late(self, audio: TurnAudio, now_s: float) -> bool:
        """Whether the FINAL of the oldest flush is."""
        due_s = self.flush_due_s(audio)
        return due_s is not None and due_s <= now_s

    def result_due_s(self) -> float | None:
        """When the first result is late, or the last one."""
        if self.voiced_s is None or self.is_trusted or not self.traits.has_partials:
            return None if self.is_checked else self._end_due_s()
        return max(self.voiced_s, self.started_s) + self.patience_s

    def owes_end(self, now_s: float) -> bool:
        """Whether words come when the speech is long over: who knows how many there are yet?"""
        due_s = self._end_due_s()
        return due_s is not None and due_s <= now_s

    def _end_due_s(self) -> float | None:
        """When the FINAL is late that it should make by itself; what its interims lack they do not say."""
        is_open = self.interim is not None and self.interim.end_s is None
        if self.traits.answers_flush or not is_open or self.quiet_since_s is None:
            return None
        return self.quiet_since_s + self.patience_s

    def follow(self, audio: TurnAudio, now_s: float) -> None:
        """There is more audio."""
        if self.voiced_s is None and self.unheard_s(audio) >= CLEAR_SPEECH_S:
            self.voiced_s = now_s
        self.quiet_since_s = now_s - (audio.end_s - audio.last_loud_s())

    def partial(self, heard: Heard, at_s: float, now_s: float) -> None:
        """Words that may yet change came, when there was audio up to `at_s`."""
        self.interim = heard if heard.text else None
        self.interim_at_s, self.interim_s = at_s, now_s

    def final(self, now_s: float) -> None:
        """A FINAL came, or was made of its interim."""
        self.answered_s = now_s
        self.interim = None
        self.is_trusted = self.is_checked = False
        self.voiced_s = None


def new_ear(
    key: int,
    member: int,
    traits: Traits,
    now_s: float,
    *,
    replayed_s: float = 0.0,
    flushes: Iterable[float] = (),
) -> Ear:
    pending = deque((place_s, now_s) for place_s in flushes)
    return Ear(key, member, traits, now_s, replayed_s, pending)
