"""Text that comes in pieces, as the words that the server is sent, and which of them it has spoken. Pure."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from livekit.plugins.speechcore import Word

_BLANK = re.compile(r"\s+")
_SPOKEN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "", "—": "", "…": "", ":": " "}
    | dict.fromkeys("()*_`#", "")
)
"""The server changes some of these by itself, and then tells of two words where one was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """A word as it is written, the blank behind it included."""

    text: str
    spoken: str
    """As it is sent."""

    @property
    def pieces(self) -> int:
        """As how many words the server tells of it."""
        return len(self.spoken.split())


@dataclass
class WordFeed:
    """A word is given once its end has come: the server takes each piece for a whole one."""

    _rest: str = ""
    _before: str = ""
    """What has no sound; written before the next word."""

    def push(self, text: str) -> list[Written]:
        self._rest += text
        *whole, self._rest = _BLANK.split(self._rest)
        return self._words(whole, blank=" ")

    def finish(self) -> list[Written]:
        rest, self._rest = self._rest, ""
        return self._words([rest], blank="")

    def _words(self, texts: list[str], *, blank: str) -> list[Written]:
        words = []
        for text in filter(None, texts):
            spoken = " ".join(text.translate(_SPOKEN).split())
            if any(map(str.isalnum, spoken)):
                words.append(Written(f"{self._before}{text}{blank}", spoken))
                self._before = ""
            else:
                self._before += text + blank
        return words


@dataclass
class Spoken:
    """Which written words the server has told of, and when each is heard."""

    sent: int = 0
    told: int = 0
    """Of the server's words, as `sent`."""
    _waiting: deque[tuple[Written, int]] = field(default_factory=deque)
    _begun_s: float | None = None

    def send(self, word: Written) -> None:
        self._waiting.append((word, word.pieces))
        self.sent += word.pieces

    def tell(self, start_s: float, stop_s: float) -> Word | None:
        """The server tells of its next word; returns the written one that ends with it."""
        if not self._waiting:
            return None
        self.told += 1
        written, left = self._waiting.popleft()
        if self._begun_s is None:
            self._begun_s = start_s
        if left > 1:
            self._waiting.appendleft((written, left - 1))
            return None
        begun_s, self._begun_s = self._begun_s, None
        return Word(written.text, begun_s, max(begun_s, stop_s))
