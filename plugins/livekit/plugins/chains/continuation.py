"""An answer that one model began and another one ends. Pure.

What is passed on ends with a whole word, so that the seam is always between two words. The second
model is told what was said; where it says the end of that again, this is dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from livekit.agents import llm


class Continuing(Enum):
    """How a model is made to go on from what another one has said."""

    INSTRUCTED = auto()
    """It is shown its answer so far and asked, as if by the user, to go on. The only way that works
    with every OpenAI-compatible server: OpenAI's own answers a conversation that ends with the
    assistant's words as it likes, and templates that insist on taking turns (Mistral's, Gemma's)
    refuse a system message at the end."""
    PREFILLED = auto()
    """The assistant's words come last and the model takes up the very next token: exact, and without
    a token of instruction. llama.cpp's server does so by default, unless the model may think: then it
    refuses with a 400. So do vLLM, with an option in the request, and others."""
    AFRESH = auto()
    """It answers the question itself, after what was said: for one that follows no instructions."""


_INSTRUCTION = (
    'Your answer was cut off after "{tail}". Go on with the very next word, in the same language and'
    " manner. Repeat nothing, add no introduction, do not mention that you were cut off."
)
_TAIL_WORDS = 8


def continued(chat_ctx: llm.ChatContext, said: str, how: Continuing) -> llm.ChatContext:
    """`chat_ctx` for a model that shall go on from `said`; a copy where it says more."""
    said = said.strip()
    if how is Continuing.AFRESH or not said:
        return chat_ctx
    answer = llm.ChatMessage(role="assistant", content=[said])
    items = [*chat_ctx.items, answer]
    if how is Continuing.INSTRUCTED:
        tail = " ".join(said.split()[-_TAIL_WORDS:])
        instruction = _INSTRUCTION.format(tail=tail)
        items.append(llm.ChatMessage(role="user", content=[instruction]))
    return llm.ChatContext(items)


_OPEN_WORD = re.compile(r"[\w'’\-]+\Z")
_LONGEST_HELD = 32
"""Characters. What is longer is no word that somebody waits to hear the end of."""
_NO_SPACES_FROM = "\u2e80"
"""From here on come the scripts that put no spaces between words: each character is whole."""


@dataclass(slots=True)
class WholeWords:
    """Holds back the word in work, by one token in most languages.

    A clause is not later for it: the mark that ends one ends the word too.
    """

    _held: str = field(default="", init=False)

    def process(self, text: str) -> str:
        """What may be passed on now."""
        text = self._held + text
        at = self._open_from(text)
        self._held = text[at:]
        return text[:at]

    def finish(self) -> str:
        held, self._held = self._held, ""
        return held

    def _open_from(self, text: str) -> int:
        word = _OPEN_WORD.search(text)
        if word is None or text[-1] >= _NO_SPACES_FROM or len(word[0]) > _LONGEST_HELD:
            return len(text)
        return word.start()


_LEADING_DOTS = re.compile(r"\s*(?:\.{2,}|…)\s*")
_WORD = re.compile(f"[{_NO_SPACES_FROM}-\U0010ffff]|[^\\s{_NO_SPACES_FROM}-\U0010ffff]+")
_END_MARKS = ".,;:!?…"


@dataclass(slots=True)
class Seam:
    """Takes a continuation as it comes and gives it as it follows on what was `said`.

    The beginning is held back as long as it says once more what was said: the end of it, or all of
    it. Words are the same whatever their case and punctuation.
    """

    said: str
    _text: str = field(default="", init=False)
    _is_open: bool = field(init=False)
    _said_words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._said_words = [_plain(word[0]) for word in _words(self.said)]
        self._is_open = bool(self._said_words)

    def process(self, text: str) -> str:
        """What may be spoken now."""
        if not self._is_open:
            return text
        self._text += text
        whole = self._text[: _end_of_words(self._text)]
        repeated, is_settled = self._repeated(_words(whole))
        rest = self._rest(repeated) if is_settled else ""
        self._is_open = not rest
        return rest

    def finish(self) -> str:
        """The continuation is over; the rest of it."""
        if not self._is_open:
            return ""
        self._is_open = False
        repeated, _ = self._repeated(_words(self._text))
        return self._rest(repeated)

    def _repeated(self, words: list[re.Match[str]]) -> tuple[int, bool]:
        """(how many words say once more what was said, whether that cannot become more)."""
        said, new = self._said_words, [_plain(word[0]) for word in words]
        longest, may_grow = 0, not new
        for start in range(len(said) if new else 0):
            common = min(len(said) - start, len(new))
            if said[start : start + common] != new[:common]:
                continue
            if start + common == len(said):
                longest = max(longest, common)
            else:
                may_grow = True  # all that has come is in the midst of it
        return longest, not may_grow

    def _rest(self, repeated: int) -> str:
        """The text without its first `repeated` words, joined to what was said."""
        text = self._text
        if dots := _LEADING_DOTS.match(text):
            text = text[dots.end() :]
        words = _words(text)
        if not repeated:
            return _joined(self.said, text)
        last = words[repeated - 1]
        mark = last[0][len(last[0].rstrip(_END_MARKS)) :]
        if self.said.rstrip()[-1:] in _END_MARKS:
            mark = ""  # it has one already
        return _joined(self.said, mark + text[last.end() :])


def _joined(said: str, text: str) -> str:
    """`text` with the space before it that is missing after `said`, or without the one too many."""
    if not said.strip():
        return text
    rest = text.lstrip()
    is_joined = not rest or said[-1].isspace() or rest[0] in _END_MARKS
    return rest if is_joined or said[-1] >= _NO_SPACES_FROM else f" {rest}"


def _words(text: str) -> list[re.Match[str]]:
    """The words, without marks that stand alone."""
    return [word for word in _WORD.finditer(text) if _plain(word[0])]


def _plain(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())


def _end_of_words(text: str) -> int:
    """Where the last word ends that is complete, with the space after it."""
    ends = (at for at, char in enumerate(text) if char.isspace() or char >= _NO_SPACES_FROM)
    return max(ends, default=-1) + 1
