"""Which words of a text an engine has spoken by when, by what it tells itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from livekit.plugins.speechcore import Word

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_PIECE = re.compile(rf"[{_CJK}][^\w\s]*\s*|[^\s{_CJK}]+\s*")
_RESYNC_TOKENS = 8
"""How far ahead a told word is looked for when the engine reads something else than is written."""


@dataclass(frozen=True, slots=True)
class Token:
    """A written word, the punctuation and the blanks behind it included."""

    start: int
    end: int
    """Offsets in the text; a token ends where the next one begins."""
    letters: str
    """What of it is spoken: letters and digits, casefolded."""
    tail: str
    """What is behind the last of them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """At `at_s` of its audio an engine has spoken the text up to `offset`, and nothing of the rest."""

    at_s: float
    offset: int


@lru_cache(maxsize=64)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of `text`. What has no letter goes with the word before it, or with the first one."""
    found: list[Token] = []
    start = 0
    for match in _PIECE.finditer(text):
        letters = bare(match[0])
        if not letters and found:
            last = found.pop()
            found.append(Token(last.start, match.end(), last.letters, last.tail + match[0]))
        elif letters:
            found.append(Token(start, match.end(), letters, _tail(match[0])))
        start = match.end() if found else start
    return tuple(found)


def bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def has_words(text: str) -> bool:
    """Whether there is anything to speak."""
    return any(character.isalnum() for character in text)


def _tail(word: str) -> str:
    last = max(at for at, character in enumerate(word) if character.isalnum())
    return word[last + 1 :]


@dataclass
class WordTrack:
    """Follows the words an engine tells along the text it was given.

    An engine that reads "five dollars" for "$5" is waited for until it says a written word again:
    in between nothing is marked, so nothing is taken for spoken in the midst of it.
    """

    marks: list[Mark] = field(default_factory=list)
    is_in_step: bool = False
    """The last word that was told is written so: nothing else is read in the text's place."""
    _token: int = 0
    _letters: int = 0
    """How many of the token's letters were told."""

    def add(self, text: str, words: Sequence[Word]) -> None:
        """`text` may have grown since it was last given."""
        written = tokens(text)
        for word in words:
            if letters := bare(word.text):
                self._follow(written, word, letters)

    def _follow(self, written: Sequence[Token], word: Word, letters: str) -> None:
        at = self._token
        self.is_in_step = True
        if at < len(written) and written[at].letters[self._letters :].startswith(letters):
            self._advance(written, word, letters)
        elif (ahead := self._find(written, letters)) is not None:
            # What was read out for the words before it has been spoken by now.
            self._mark(Mark(word.start_s, written[ahead].start))
            self._token, self._letters = ahead, 0
            self._advance(written, word, letters)
        else:
            self.is_in_step = False

    def _advance(self, written: Sequence[Token], word: Word, letters: str) -> None:
        token = written[self._token]
        self._letters += len(letters)
        if self._letters == len(token.letters):
            self._token, self._letters = self._token + 1, 0
            self._mark(Mark(word.end_s, token.end))

    def _find(self, written: Sequence[Token], letters: str) -> int | None:
        end = min(len(written), self._token + _RESYNC_TOKENS)
        return next((i for i in range(self._token, end) if written[i].letters == letters), None)

    def _mark(self, mark: Mark) -> None:
        """Times that go backwards are an engine's mistake: the later one holds."""
        last = self.marks[-1] if self.marks else Mark(0.0, 0)
        if mark.offset > last.offset:
            self.marks.append(Mark(max(mark.at_s, last.at_s), mark.offset))
