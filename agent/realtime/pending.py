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
class _Turn:
    """One turn of the caller's and its answer."""

    number: int
    is_over: bool = False
    is_known: bool = False
    is_sounding: bool = False
    is_whole: bool = False

    @property
    def is_playing_out(self) -> bool:
        return self.is_sounding and self.is_whole


@dataclass
class Pending:
    """The newest turn of the caller's and its answer; turns are numbered from 1.

    A sound over an answer may be the beginning of a turn, or a cough: until that answer is settled
    or the new turn went to the model, the turn that is answered is kept beside the new one.
    """

    audio: TurnAudio = field(default_factory=TurnAudio)
    saying: str | None = None
    """What the model was asked to say word for word, until it is heard."""
    _newest: _Turn = field(default_factory=lambda: _Turn(0))
    _answered: _Turn | None = None
    """The turn before, whose answer goes on under the newest one."""
    _is_speaking: bool = False

    @property
    def turn(self) -> int:
        return self._newest.number

    @property
    def is_playing_out(self) -> bool:
        """Whether all of an answer is there and only has to be heard."""
        return self._in_answer.is_playing_out

    def spoke(self) -> bool:
        """The caller begins to speak; True when that begins a turn."""
        self._is_speaking = True
        newest = self._newest
        is_new = newest.is_sounding or newest.is_known or not self.audio.is_open
        if is_new:
            self.audio.answering()
            answered = newest if newest.is_over and self._answered is None else self._answered
            self._begin()
            self._answered = answered
        self.audio.began(keeps_earlier=self._answered is not None)
        self._newest.is_over = False
        return is_new

    def paused(self) -> None:
        """The caller is silent."""
        self._is_speaking = False

    def over(self) -> None:
        """The turn went to the model."""
        self._newest.is_over = True
        self._settle_answered()

    def typed(self) -> None:
        """A turn of text, whose words are in the conversation."""
        self._begin()
        self.audio.settled()
        self._newest.is_over = self._newest.is_known = True

    def known(self) -> None:
        """The words of a turn that is over came into the conversation."""
        turn = self._in_answer
        turn.is_known |= turn.is_over

    def sounding(self, turn: int) -> None:
        """The caller hears the answer to that turn."""
        if turn == self._newest.number:
            self._newest.is_sounding = True
            self.audio.answering()
        elif self._answered is not None and turn == self._answered.number:
            self._answered.is_sounding = True

    def asked(self) -> None:
        """An answer, or the next part of it, was asked for."""
        self._in_answer.is_whole = False

    def whole(self) -> None:
        """All of the answer has come; it may still be played."""
        self._in_answer.is_whole = True

    def settled(self, turn: int) -> None:
        """The answer to `turn` was heard or interrupted."""
        if self._answered is not None and turn == self._answered.number:
            self._settle_answered()
        elif turn == self._newest.number and self._is_speaking:
            # More of the turn, or a model spoke into it: what the caller says is not over.
            self._newest = _Turn(turn)
            self.audio.began(keeps_earlier=True)
            self.audio.only_newest()
        elif turn == self._newest.number:
            self.dropped()

    def dropped(self) -> None:
        """There is no turn: it is settled, or what was heard was none."""
        if self._answered is not None:
            self._newest, self._answered = self._answered, None
            self.audio.answering()
            return
        self._newest = _Turn(self._newest.number)
        self.audio.settled()

    def remedy(self) -> Remedy:
        """What is to be done when the model fails now."""
        is_open = self.audio.is_open
        turn, has_newer = self._in_answer, self._answered is not None
        if not turn.is_over:
            return Remedy(say=self.saying, hear=is_open)
        if turn.is_playing_out:
            return Remedy(say=self.saying, hear=has_newer and is_open)
        if turn.is_known:
            return Remedy(say=self.saying, reply=True, hear=has_newer and is_open)
        return Remedy(say=self.saying, hear=is_open, is_over=True)

    @property
    def _in_answer(self) -> _Turn:
        """The turn whose answer is awaited or heard."""
        return self._answered or self._newest

    def _settle_answered(self) -> None:
        if self._answered is not None:
            self._answered = None
            self.audio.only_newest()

    def _begin(self) -> None:
        self._newest = _Turn(self._newest.number + 1)
        self._answered = None
