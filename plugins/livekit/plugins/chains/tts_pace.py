"""How long a text takes to speak, learnt of each voice. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .tts_words import Token, tokens

_TYPICAL_S = 0.06
"""For a unit, until the voice is known: 14 characters a second."""

_WORD_UNITS = 2.0
_DIGIT_UNITS = 6.0
"""A digit is read out as a word."""
_IDEOGRAPH_UNITS = 3.5
_COMMA_UNITS = 6.0
_STOP_UNITS = 10.0
"""Letters, words and commas weigh as espeak's voice takes time for them: a least squares fit over 400
sentences, which leaves 9 % (standard deviation) unexplained."""

_COMMAS = frozenset(",;:–—،、，；：")
_STOPS = frozenset(".!?…。！？")

_KEEP = 0.7
"""How much of what was known counts after one more text of four seconds; shorter ones count less."""
_FULL_TEXT_S = 4.0
_SHORTEST_S = 0.5
_SURE_S = 6.0
"""After so much speech the voice is known."""
_JUDGED_FROM_S = 3.0
_HUMAN = (0.5, 1.8)
"""Of the typical time. Fast speech in a language of short syllables comes down to 0.6, slow speech in
a script whose letters stand for more goes up to 1.5; sound played at one and a half times its rate, of
a voice of 170 words a minute, is at the lower end."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Between two words, or at the end of a text."""

    offset: int
    units: float
    """From the beginning of the text."""
    is_pause: bool
    """Punctuation is there."""


def word_units(token: Token) -> float:
    return _WORD_UNITS + sum(map(_letter_units, token.letters))


def pause_units(token: Token) -> float:
    marks = set(token.tail)
    if marks & _STOPS:
        return _STOP_UNITS
    return _COMMA_UNITS if marks & _COMMAS else 0.0


def text_units(text: str) -> float:
    """Without the pause at the end."""
    written = tokens(text)
    units = sum(word_units(token) + pause_units(token) for token in written)
    return units - pause_units(written[-1]) if written else 0.0


def boundaries(text: str) -> list[Boundary]:
    """Where another engine can go on, in order; each lies before the pause that follows the word."""
    found = [Boundary(0, 0.0, False)]
    units = 0.0
    for token in tokens(text):
        units += word_units(token)
        pause = pause_units(token)
        found.append(Boundary(token.end, units, pause > 0))
        units += pause
    return found


def _letter_units(letter: str) -> float:
    if letter.isdigit():
        return _DIGIT_UNITS
    return _IDEOGRAPH_UNITS if "\u3040" <= letter <= "\u9fff" else 1.0


@dataclass
class Pace:
    """Of one voice."""

    unit_s: float = _TYPICAL_S
    known_s: float = 0.0
    """How much whole speech it was learnt from."""
    speed: float = 1.0
    """That the voice was asked to speak at; 2 is twice its own pace."""

    @classmethod
    def at(cls, speed: float) -> Pace:
        """Before anything is known of a voice but the speed that it was asked for."""
        return cls(unit_s=_TYPICAL_S / speed, speed=speed)

    @property
    def is_sure(self) -> bool:
        return self.known_s >= _SURE_S

    @property
    def is_human(self) -> bool:
        """False once it is known that nobody speaks so: the sound has another rate than was promised."""
        lowest, highest = _HUMAN
        is_judged = self.known_s >= _JUDGED_FROM_S
        return not is_judged or lowest <= self.unit_s * self.speed / _TYPICAL_S <= highest

    def expected_s(self, text: str) -> float:
        """Without silence at the edges."""
        return text_units(text) * self.unit_s

    def observe(self, text: str, speech_s: float) -> None:
        """Takes a text that was spoken whole, and how long that was without the edges' silence."""
        units = text_units(text)
        if not units or speech_s < _SHORTEST_S:
            return
        seen_s = speech_s / units
        weight = (1 - _KEEP) * min(1.0, speech_s / _FULL_TEXT_S)
        if self.known_s < _SURE_S:
            weight = max(weight, speech_s / (self.known_s + speech_s))
        self.unit_s += weight * (seen_s - self.unit_s)
        self.known_s += speech_s
