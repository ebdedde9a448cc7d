"""What a recogniser hears of the caller beside a model that does not tell it, turn by turn. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

_STALE_S = 5.0
"""Sound that brought no word for so long was none: what comes then begins later."""


@dataclass(frozen=True)
class Said:
    """What the caller said before the model spoke."""

    words: str
    began_s: float


@dataclass
class CallerWords:
    """Of one turn, which is over when the model speaks: there may be more to come of its words then.

    Recognisers are late, and models that hear and speak at once are quick. Times are on one clock.
    """

    _finals: list[str] = field(default_factory=list)
    _partial: str = ""
    _began_s: float | None = None
    is_answered: bool = False
    """The model has spoken since the caller last began to."""

    @property
    def text(self) -> str:
        """The turn so far."""
        return " ".join(filter(None, (*self._finals, self._partial)))

    def began(self, now_s: float) -> None:
        """The caller makes a sound."""
        self.is_answered = False
        if not self.text and (self._began_s is None or now_s - self._began_s > _STALE_S):
            self._began_s = now_s

    def heard(self, words: str, now_s: float, *, is_final: bool) -> None:
        """The recogniser has these words of what is being said."""
        if words and self._began_s is None:
            self._began_s = now_s
        self._partial = "" if is_final else words
        if words and is_final:
            self._finals.append(words)

    def answered(self) -> None:
        """The model speaks: what was said so far is what it answers."""
        self.is_answered = True

    def ready(self) -> Said | None:
        """Gives away the turn that is over, once all its words are final."""
        return self.all() if self.is_answered and not self._partial else None

    def all(self) -> Said | None:
        """Gives away what there is."""
        said = Said(self.text, self._began_s or 0.0) if self.text else None
        if said is not None:
            self.forget()
        return said

    def forget(self) -> None:
        """Somebody else hears it again."""
        self._finals.clear()
        self._partial = ""
        self._began_s = None
