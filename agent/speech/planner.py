"""How long the next clause may be, so that it is there before the one before has been played."""

from __future__ import annotations

from dataclasses import dataclass, field

from livekit.plugins.speechcore.text import ClauseLength

MAX_PARALLEL = 3
_KEEP = 0.8
"""How much of what was known still counts after one more synthesis."""

_MARGIN_S = 0.1
_PAUSE_S = 0.25
_TYPICAL_CLAUSE_S = 2.5
"""What the text may need to come to its next break."""

_SHORTEST_CHARS = 4
"""“Sure.” is spoken while the rest is still being written."""

_FIRST_COMMA_CHARS = 14
_FIRST_MAX_CHARS = 80
_HURRIED_MAX_CHARS = 30
_FIRST_WITHIN_S = 0.8
"""A first clause that takes longer to make is cut between words, however long the phrase."""
_LATER_CHARS = 25
_LATER_MAX_CHARS = 40
"""Shorter would be cut within phrases."""

_LONGEST_WAIT_CHARS = 90
_MAX_CHARS = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """What one clause took that was made with no other beside it; times in seconds."""

    chars: int
    first_s: float
    """Until its first sound."""
    took_s: float
    audio_s: float


@dataclass
class Cost:
    """Seconds that depend on a clause's length: a straight line through what was seen, of which
    the newest counts most."""

    fixed_s: float
    per_s: float
    """For each second of audio."""

    _weight: float = 0.0
    _audio: float = 0.0
    _took: float = 0.0
    _audio_audio: float = 0.0
    _audio_took: float = 0.0

    def of(self, audio_s: float) -> float:
        return self.fixed_s + self.per_s * audio_s

    def add(self, audio_s: float, took_s: float) -> None:
        """Weighted least squares; neither part becomes negative."""
        self._weight = self._weight * _KEEP + 1
        self._audio = self._audio * _KEEP + audio_s
        self._took = self._took * _KEEP + took_s
        self._audio_audio = self._audio_audio * _KEEP + audio_s * audio_s
        self._audio_took = self._audio_took * _KEEP + audio_s * took_s
        ratio = self._took / self._audio
        spread = self._audio_audio - self._audio**2 / self._weight
        covariance = self._audio_took - self._audio * self._took / self._weight
        slope = covariance / spread if spread > 1e-3 else ratio
        self.per_s = min(max(slope, 0.0), ratio)
        self.fixed_s = (self._took - self.per_s * self._audio) / self._weight


@dataclass
class ClausePlanner:
    """Learns how fast an engine is and plans with it. Until it has learnt, takes it for fast."""

    first: Cost = field(default_factory=lambda: Cost(0.05, 0.15))
    """Until the first sound: all of the work, where the audio comes in one piece."""

    work: Cost = field(default_factory=lambda: Cost(0.05, 0.15))
    """Until the clause is made."""

    chars_per_s: float = 14.0
    is_hurried: bool = False
    """The first sound counts more than a reply without a pause."""

    def observe(self, synthesis: Synthesis) -> None:
        """Takes a synthesis that went well."""
        if synthesis.audio_s <= 0 or synthesis.chars <= 0:
            return
        self.first.add(synthesis.audio_s, synthesis.first_s)
        self.work.add(synthesis.audio_s, synthesis.took_s)
        rate = synthesis.chars / synthesis.audio_s
        self.chars_per_s += (min(max(rate, 5.0), 30.0) - self.chars_per_s) * (1 - _KEEP)

    @property
    def parallel(self) -> int:
        """How many clauses to make at once: each still sooner than it is spoken."""
        return min(max(int(1 / max(self.work.per_s, 1e-3)), 1), MAX_PARALLEL)

    def speech_s(self, chars: int) -> float:
        """How long so many characters are spoken, with the pause after them."""
        return chars / self.chars_per_s + _PAUSE_S

    def first_length(self) -> ClauseLength:
        """Short, but long enough to speak while the second is made."""
        next_s = self.ready_s(_TYPICAL_CLAUSE_S) + _MARGIN_S
        needed_chars = round((next_s - _PAUSE_S) * self.chars_per_s)
        longest = _HURRIED_MAX_CHARS
        if not self.is_hurried:
            affordable = round(self._chars_made_in(_FIRST_WITHIN_S))
            longest = min(max(longest, affordable, needed_chars), _FIRST_MAX_CHARS)
        shortest = _SHORTEST_CHARS if self.is_hurried else max(needed_chars, _SHORTEST_CHARS)
        shortest = min(shortest, longest)
        return ClauseLength(
            sentence_chars=shortest,
            comma_chars=max(shortest, _FIRST_COMMA_CHARS),
            conjunction_chars=max(shortest, 2 * _FIRST_COMMA_CHARS),
            max_chars=longest,
        )

    def _chars_made_in(self, seconds: float) -> float:
        return (seconds - self.first.fixed_s) / max(self.first.per_s, 1e-3) * self.chars_per_s

    def later_length(self, spare_s: float) -> ClauseLength:
        """As long as can be made within `spare_s`, when there will be nothing left to play."""
        affordable = self._chars_made_in(spare_s - _MARGIN_S)
        longest = round(min(max(affordable, _LATER_MAX_CHARS), _MAX_CHARS))
        shortest = min(max(longest // 2, _LATER_CHARS), _LONGEST_WAIT_CHARS)
        return ClauseLength(
            sentence_chars=shortest,
            comma_chars=max(shortest, longest * 2 // 3),
            conjunction_chars=max(shortest, longest),
            max_chars=longest,
        )

    def patience_s(self, spare_s: float, chars: int) -> float:
        """How long to wait for more text before `chars` must be made as they are."""
        return max(0.0, spare_s - self.ready_s(chars / self.chars_per_s) - _MARGIN_S)

    def ready_s(self, audio_s: float) -> float:
        """Until a clause can be played without a gap: a slow engine must get ahead of it."""
        return max(self.first.of(audio_s), self.work.of(audio_s) - audio_s)
