"""Text that is still being written to clauses that can be spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from .abbreviations import begins_sentence, sentence_ending


class Break(IntEnum):
    """How well a text may be cut at a place; more is better."""

    CONJUNCTION = 1
    COMMA = 2
    SENTENCE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseLength:
    """The shortest clause that may end at each kind of break, and the longest clause at all."""

    sentence_chars: int
    comma_chars: int
    conjunction_chars: int
    max_chars: int

    def shortest(self, kind: Break) -> int:
        if kind is Break.SENTENCE:
            return self.sentence_chars
        return self.comma_chars if kind is Break.COMMA else self.conjunction_chars


DEFAULT_LENGTH = ClauseLength(sentence_chars=4, comma_chars=16, conjunction_chars=40, max_chars=120)

_CLOSERS = "[\"'”’)\\]}*_~`»]*"
_PLACES = re.compile(
    rf"""
      (?P<line> \s*\n\s* )
    | (?P<cjk> [。！？]{_CLOSERS}\s* )
    | (?P<stop> [.!?…]+ ){_CLOSERS}(?:\s+|$)
    | (?P<comma> [,;:]{_CLOSERS}\s+ | [，；：、] | \s[-–—]{{1,3}}\s+ | —\s* )
    | (?P<conjunction> \s+(?=(?:and|but|or|so|because|which|who|when|while|where|if|then|until
        |although|though|since|unless|whereas)\s) )
    """,
    re.VERBOSE,
)
_LINK = re.compile(r"\[[^\[\]\n]{0,80}(?:\]\([^()\s]*\)|\]\([^()\s]*$|\]?$)")
_WORD_AT_END = re.compile(r"[\w.&'’-]*$")
_SPACES = re.compile(r"\s+")
_LEAST_RELEASED_CHARS = 8


@dataclass
class ClauseSplitter:
    """Give it text as it comes; take clauses as soon as they are long enough to be spoken.

    Joined, the clauses are the text, but for blanks at its end. No clause ends within a decimal,
    an address, a Markdown link, or after an abbreviation that leads on. Set `length` between
    clauses to change what is long enough.
    """

    length: ClauseLength = DEFAULT_LENGTH
    _pending: str = field(default="", init=False)
    _is_finished: bool = field(default=False, init=False)

    @property
    def has_pending(self) -> bool:
        return bool(self._pending.strip())

    @property
    def pending_chars(self) -> int:
        return len(self._pending.strip())

    def push(self, text: str) -> None:
        self._pending += text

    def finish(self) -> None:
        """The text is complete: `take()` now gives all of it."""
        self._is_finished = True

    def take(self) -> str | None:
        """The next clause, once there is one."""
        at = self._next_cut()
        if not at and self._is_finished and self.has_pending:
            at = len(self._pending)
        return self._cut(at) if at else None

    def release(self) -> str | None:
        """The best clause that can be made of what there is: no more text comes for now."""
        places = list(_places(self._pending, is_complete=True))
        sentences = [at for at, kind in places if kind is Break.SENTENCE]
        commas = [at for at, kind in places if kind is Break.COMMA and at >= _LEAST_RELEASED_CHARS]
        at = max(sentences or commas, default=0)
        return self._cut(at) if self._pending[:at].strip() else None

    def _cut(self, at: int) -> str:
        clause, self._pending = self._pending[:at], self._pending[at:]
        return clause

    def _next_cut(self) -> int:
        """Where the next clause ends; 0 while it does not."""
        places = []
        for at, kind in _places(self._pending, is_complete=self._is_finished):
            if len(self._pending[:at].strip()) >= self.length.shortest(kind):
                return at
            places.append((at, kind))
        if len(self._pending.strip()) <= self.length.max_chars:
            return 0
        return _emergency_cut(self._pending, places, self.length.max_chars)


def _emergency_cut(text: str, places: Sequence[tuple[int, Break]], max_chars: int) -> int:
    """The best place in a text that is too long to wait for a good one; 0 within a long word."""
    limit = max_chars + len(text) - len(text.lstrip())
    if within := [(kind, at) for at, kind in places if max_chars / 3 <= at <= limit]:
        return max(within)[1]
    links = _links(text)
    spaces = [m.end() for m in _SPACES.finditer(text) if _is_open(m, text, links)]
    return max((at for at in spaces if at <= limit), default=min(spaces, default=0))


def _is_open(space: re.Match[str], text: str, links: Sequence[tuple[int, int]]) -> bool:
    """Whether a text may be cut at a space, which is not before the first nor after the last word."""
    before, after = text[: space.start()], text[space.end() :]
    if not before or not after or (before[-1].isdigit() and after[0].isdigit()):
        return False
    return not _is_inside(space.end(), links)


def _places(text: str, *, is_complete: bool) -> Iterator[tuple[int, Break]]:
    """Where `text` can be cut, in order, up to the first place that more text could undo."""
    links = _links(text)
    for match in _PLACES.finditer(text):
        if not text[: match.start()].strip() or _is_inside(match.end(), links):
            continue
        if not is_complete and _needs_more(text, match):
            return
        if (kind := _kind(text, match)) is not None:
            yield match.end(), kind


def _needs_more(text: str, match: re.Match[str]) -> bool:
    """Whether the kind of a place depends on text that is still to come."""
    after = text[match.end() :]
    ending = sentence_ending(_word_before(text, match)) if match["stop"] == "." else "always"
    if ending == "before_starter":
        return not after or after.isalpha()  # the next word may go on
    if after:
        return False
    if not match[0][-1].isspace():
        return match["cjk"] is None
    return ending == "unless_number" or match["comma"] is not None


def _kind(text: str, match: re.Match[str]) -> Break | None:
    """None where the text must not be cut."""
    if match["line"] or match["cjk"]:
        return Break.SENTENCE
    if match["conjunction"]:
        return Break.CONJUNCTION
    if match["comma"]:
        is_number = text[: match.start()][-1:].isdigit() and text[match.end() :][:1].isdigit()
        return None if is_number else Break.COMMA
    return Break.SENTENCE if _ends_sentence(text, match) else None


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    if match["stop"] != ".":
        return True
    word, after = _word_before(text, match), text[match.end() :]
    if word[-1:].isdigit() and match[0] == ".":
        return False  # at the end of the text: decimals may follow
    line = text[: match.start()].rpartition("\n")[2]
    if word.isdigit() and line.strip() == word:
        return False  # the number of a list item
    ending = sentence_ending(word)
    if ending == "before_starter":
        return begins_sentence(after)
    return ending == "always" or (ending == "unless_number" and not after[:1].isdigit())


def _word_before(text: str, match: re.Match[str]) -> str:
    found = _WORD_AT_END.search(text[: match.start()])
    return found[0] if found else ""


def _links(text: str) -> list[tuple[int, int]]:
    """Where Markdown links are; one that is still being written reaches beyond the text."""
    found = _LINK.finditer(text)
    return [(m.start(), m.end() if m[0].endswith(")") else len(text) + 1) for m in found]


def _is_inside(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < at < end for start, end in spans)
