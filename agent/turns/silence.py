"""When to ask a silent caller whether they are still there, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

QUIET_AGENT_STATES = ("listening", "idle")
"""livekit's states in which the agent neither speaks nor works on something to say."""


@dataclass(frozen=True)
class Prompt:
    """Ask whether the caller is still there."""


@dataclass(frozen=True)
class End:
    """Say goodbye and hang up."""


class _Stage(Enum):
    WATCHING = auto()
    PROMPTED = auto()
    ENDING = auto()


@dataclass(kw_only=True)
class SilenceWatch:
    """One prompt after a long silence of both sides, an end after another one."""

    prompt_after_s: float
    """0 for no prompt."""
    end_after_s: float
    """From the end of the prompt, or of the last speech where there is none; 0 for no end."""
    _quiet_since_s: float | None = None
    _stage: _Stage = _Stage.WATCHING

    def process(
        self, now_s: float, *, user_speaking: bool, agent_state: str, is_held: bool = False
    ) -> Prompt | End | None:
        """To be called when one of these changes and at `due_s`.

        `is_held` means that the caller has a reason to be silent: the silence begins anew.
        """
        if user_speaking or is_held:
            self.reset()
        is_quiet = not user_speaking and agent_state in QUIET_AGENT_STATES
        if not is_quiet:
            self._quiet_since_s = None
        elif self._quiet_since_s is None:
            self._quiet_since_s = now_s
        if self.due_s is None or now_s < self.due_s:
            return None
        self._quiet_since_s = now_s  # until the agent speaks: its TTS may fail
        if self._stage is _Stage.WATCHING and self.prompt_after_s:
            self._stage = _Stage.PROMPTED
            return Prompt()
        self._stage = _Stage.ENDING
        return End()

    def reset(self) -> None:
        """The caller has given a sign of life."""
        self._quiet_since_s = None
        self._stage = _Stage.WATCHING

    @property
    def due_s(self) -> float | None:
        """When the silence will have lasted long enough, on the clock of `now_s`."""
        if self._quiet_since_s is None or not self._patience_s:
            return None
        return self._quiet_since_s + self._patience_s

    @property
    def is_ending(self) -> bool:
        """Whether nothing has been heard of the caller since the goodbye was due."""
        return self._stage is _Stage.ENDING

    @property
    def _patience_s(self) -> float:
        match self._stage:
            case _Stage.WATCHING:
                return self.prompt_after_s or self.end_after_s
            case _Stage.PROMPTED:
                return self.end_after_s
            case _Stage.ENDING:
                return 0.0
