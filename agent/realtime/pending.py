"""What the caller waits for, so that another model knows what to do when it has to go on. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.realtime.turn_audio import TurnAudio


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What the cascade does first."""

    say: str | None = None
    """A sentence that was asked for and not heard."""
    hear: bool = False
    """It hears the caller's turn from its beginning."""
    is_over: bool = False
    """That turn is over: nobody will say more of it."""
    reply: bool = False
    """It answers the last message, whose words are known."""


@dataclass
class Pending:
    """The newest turn of the caller's and its answer; turns are numbered from 1."""

    audio: TurnAudio = field(default_factory=TurnAudio)
    turn: int = 0
    saying: str | None = None
    """What the model was asked to say word for word, until it is heard."""
    _is_over: bool = False
    _is_known: bool = False
    _is_sounding: bool = False
    _is_whole: bool = False

    @property
    def is_playing_out(self) -> bool:
        """Whether all of an answer is there and only has to be heard."""
        return self._is_sounding and self._is_whole

    def spoke(self) -> bool:
        """The caller begins to speak; True when that begins a turn."""
        is_new = self._is_sounding or self._is_known or not self.audio.is_open
        if is_new:
            self.audio.answering()
            self._begin()
        self.audio.began()
        self._is_over = False
        return is_new

    def over(self) -> None:
        """The turn went to the model."""
        self._is_over = True

    def typed(self) -> None:
        """A turn of text, whose words are in the conversation."""
        self._begin()
        self.audio.settled()
        self._is_over = self._is_known = True

    def known(self) -> None:
        """The words of a turn that is over came into the conversation."""
        self._is_known |= self._is_over

    def sounding(self) -> None:
        """The caller hears the answer."""
        self._is_sounding = True
        self.audio.answering()

    def asked(self) -> None:
        """An answer, or the next part of it, was asked for."""
        self._is_whole = False

    def whole(self) -> None:
        """All of the answer has come; it may still be played."""
        self._is_whole = True

    def settled(self, turn: int) -> None:
        """The answer to `turn` was heard or interrupted."""
        if turn == self.turn:
            self.dropped()

    def dropped(self) -> None:
        """There is no turn: it is settled, or what was heard was none."""
        self._is_over = self._is_known = self._is_sounding = self._is_whole = False
        self.audio.settled()

    def remedy(self) -> Remedy:
        """What is to be done when the model fails now."""
        if not self._is_over:
            return Remedy(say=self.saying, hear=self.audio.is_open)
        if self.is_playing_out:
            return Remedy(say=self.saying)
        if self._is_known:
            return Remedy(say=self.saying, reply=True)
        return Remedy(say=self.saying, hear=self.audio.is_open, is_over=True)

    def _begin(self) -> None:
        self.turn += 1
        self._is_over = self._is_known = self._is_sounding = self._is_whole = False
