"""What the agent does when the caller makes a sound while it has the floor: a pure policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Heard = Literal["none", "backchannel", "content", "unclear"]
"""What the words say that were heard over the agent so far."""


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
    """Play on, quietly; in THINKING, do not begin to speak."""
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
"""A voice without words for so long gets the floor, if the recogniser gives partial words."""

_WORDLESS_BATCH_S: Mapping[Phase, float] = {
    Phase.THINKING: 0.4,
    Phase.STARTING: 0.5,
    Phase.SPEAKING: 0.7,
}
"""The same where words come only after the sound."""

_LEAST_WORD_S = 0.12
"""A shorter sound is no word, whatever the recogniser makes of it."""

_OUT_OF_HEARING_S = 1.2
_OUT_OF_HEARING_BATCH_S = 6.0
"""Words so long after a sound that the VAD heard are of a voice it did not hear: too far away."""

_LONG_BACKCHANNEL_S = 2.5
_UNCLEAR_S = 0.25
_SETTLED_S = 0.4
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

    def process(self, view: OverlapView) -> Move | None:
        if view.phase is Phase.SILENT:
            was_open, self.is_open, self.is_yielding = self.is_open, False, False
            return Move.RELEASE if was_open else None
        if self.is_yielding:
            return None
        if not self.is_open:
            self.is_open = view.is_sounding and not view.is_echo or self._is_late(view)
            return Move.DUCK if self.is_open else None
        if self._is_turn(view):
            self.is_open, self.is_yielding = False, True
            return Move.YIELD
        if view.is_echo or (not view.is_sounding and view.silence_s >= _SETTLED_S):
            self.is_open = False
            return Move.IGNORE
        return None

    def _is_late(self, view: OverlapView) -> bool:
        """Words that came after their sound was taken for settled."""
        nearby_s = _OUT_OF_HEARING_S if self.has_partials else _OUT_OF_HEARING_BATCH_S
        has_words = view.heard in ("content", "unclear") and view.sound_s >= _LEAST_WORD_S
        return has_words and view.silence_s < nearby_s and not (view.is_far or view.is_echo)

    def _is_turn(self, view: OverlapView) -> bool:
        if view.is_far or view.is_echo or view.sound_s < _LEAST_WORD_S:
            return False
        if view.heard == "content":
            return True
        if view.heard == "unclear":
            return not view.is_sounding and view.silence_s >= _UNCLEAR_S
        if view.heard == "backchannel":
            return view.is_sounding and view.sound_s >= _LONG_BACKCHANNEL_S
        wordless_s = _WORDLESS_S if self.has_partials else _WORDLESS_BATCH_S
        return view.is_sounding and view.sound_s >= wordless_s[view.phase]
