"""What the agent does when the caller makes a sound while it has the floor: a pure policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from agent.turns.words import Heard


class Phase(Enum):
    """How far the agent is with what it says."""

    SILENT = "silent"
    """It has nothing to say: whatever the caller says is a turn."""
    THINKING = "thinking"
    """It is about to speak: the caller may not have finished after all."""
    STARTING = "starting"
    """Its first second: the caller may have gone on without hearing it."""
    SPEAKING = "speaking"


class Move(Enum):
    DUCK = "duck"
    """Play on, quietly."""
    HOLD = "hold"
    """Play nothing for now; nothing is lost."""
    YIELD = "yield"
    """Stop; what was heard is the caller's turn."""
    IGNORE = "ignore"
    """Play on at full level; what was heard is dropped."""
    RELEASE = "release"
    """The agent has finished meanwhile: what was heard is a turn like any other."""


@dataclass(frozen=True, kw_only=True)
class OverlapView:
    phase: Phase
    is_sounding: bool
    """The caller makes a sound now, as the VAD has it."""
    sound_s: float
    """Length of the newest sound."""
    silence_s: float
    """Since its end."""
    heard: Heard = "none"
    is_far: bool = False
    """Much quieter than the caller's own turns."""
    is_echo: bool = False
    """The agent's own sound coming back."""


_WORDLESS_S: Mapping[Phase, float] = {
    Phase.THINKING: 1.0,
    Phase.STARTING: 1.4,
    Phase.SPEAKING: 2.0,
}
"""A sound without words for so long is none of a turn, if the recogniser gives partial words."""

_WORDLESS_BATCH_S: Mapping[Phase, float] = {
    Phase.THINKING: 0.4,
    Phase.STARTING: 0.5,
    Phase.SPEAKING: 0.7,
}
"""Where words come only after the sound, the agent pauses after so long and waits for them."""

_LONGEST_HOLD_S = 3.0
_LEAST_WORD_S = 0.12
"""A shorter sound is no word, whatever the recogniser makes of it."""

_FAR_S = 0.3
"""So long a sound tells whether it comes from farther away."""

_OUT_OF_HEARING_S = 1.2
_OUT_OF_HEARING_BATCH_S = 6.0
"""Words so long after a sound that the VAD heard are of a voice it did not hear: too far away."""

_UNCLEAR_S = 0.25
_SETTLED_S = 0.4
_SETTLED_BATCH_S = 1.5
"""Silence after which no more words of a sound are waited for."""


@dataclass
class OverlapPolicy:
    """Asked whenever something changed; gives each move once."""

    has_partials: bool = True
    """Whether the recogniser gives words while they are being said."""
    is_open: bool = False
    """An overlap that is not decided yet."""
    is_yielding: bool = False
    """The floor was given; lasts until the agent is silent."""
    _is_held: bool = False
    _gave_up: bool = False
    """The sound that goes on was taken for none of a turn."""

    def process(self, view: OverlapView) -> Move | None:
        if not view.is_sounding:
            self._gave_up = False
        if view.phase is Phase.SILENT:
            was_open, self.is_open, self.is_yielding = self.is_open, False, False
            return Move.RELEASE if was_open else None
        if self.is_yielding:
            return None
        return self._decide(view) if self.is_open else self._open(view)

    def _open(self, view: OverlapView) -> Move | None:
        is_sound = view.is_sounding and not self._gave_up and not _is_of_nobody(view)
        if not is_sound and not self._is_late(view):
            return None
        self.is_open = True
        self._is_held = view.phase is Phase.THINKING
        return Move.HOLD if self._is_held else Move.DUCK

    def _decide(self, view: OverlapView) -> Move | None:
        if self._is_turn(view):
            self.is_open, self.is_yielding = False, True
            return Move.YIELD
        settled_s = _SETTLED_S if self.has_partials else _SETTLED_BATCH_S
        if _is_of_nobody(view) or (not view.is_sounding and view.silence_s >= settled_s):
            self.is_open = False
            return Move.IGNORE
        return self._without_words(view) if view.is_sounding else None

    def _without_words(self, view: OverlapView) -> Move | None:
        limit_s = (_WORDLESS_S if self.has_partials else _WORDLESS_BATCH_S)[view.phase]
        if self.has_partials or view.sound_s >= limit_s + _LONGEST_HOLD_S:
            if view.sound_s < limit_s:
                return None
            self.is_open, self._gave_up = False, True
            return Move.IGNORE
        if view.sound_s < limit_s or self._is_held:
            return None
        self._is_held = True
        return Move.HOLD

    def _is_late(self, view: OverlapView) -> bool:
        """Words that came after their sound was taken for settled, or for none of a turn."""
        nearby_s = _OUT_OF_HEARING_S if self.has_partials else _OUT_OF_HEARING_BATCH_S
        has_words = view.heard in ("content", "unclear") and view.sound_s >= _LEAST_WORD_S
        return has_words and view.silence_s < nearby_s and not (view.is_far or view.is_echo)

    def _is_turn(self, view: OverlapView) -> bool:
        if view.is_far or view.is_echo or view.sound_s < _LEAST_WORD_S:
            return False
        if view.heard == "content":
            return True
        return view.heard == "unclear" and not view.is_sounding and view.silence_s >= _UNCLEAR_S


def _is_of_nobody(view: OverlapView) -> bool:
    """An echo, or somebody far away."""
    return view.is_echo or (view.is_far and view.sound_s >= _FAR_S)
