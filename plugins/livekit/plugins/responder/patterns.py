"""Examples as patterns, and how well words fit one. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rapidfuzz import fuzz

from .corrections import editing_end
from .durations import parse_duration
from .sums import parse_expression
from .words import Spoken, plain, preamble_ends, split_words, written

_SLOT = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")

_TYPED: Mapping[str, Callable[[Sequence[str]], float | str | None]] = {
    "duration": parse_duration,
    "expression": parse_expression,
}
_LONG_SLOTS = frozenset(["text", "topic", "question", "note"])
_MAX_TYPED_WORDS = 16
_MAX_SHORT_WORDS = 4

_FUNCTION_WORDS = frozenset(
    "a an the is are am was be it that this to for of in on at my me i you your we us do does did "
    "what which who how and or with by has have had can will would so all".split()
)
_NEGATIONS = frozenset(["not", "never"])
_MIN_WORD_SCORE = 60
"""Each word of the pattern that carries meaning must sound like something that was said."""

_MIN_LITERAL_SCORE = 65
_SHORT_LITERAL_CHARACTERS = 4
_MIN_SHORT_LITERAL_SCORE = 80
_EXTRA_WORD_COST = 6
"""Keeps a window from swallowing a word that a narrower one would leave in front."""

_TYPED_WEIGHT = 12
"""A duration that parses is evidence too, as much as this many matching letters."""


@dataclass(frozen=True, slots=True)
class SlotValue:
    """What a slot took: as it was said, and as a tool wants it."""

    said: str
    value: float | str


@dataclass(frozen=True, slots=True)
class Strictness:
    """How close a match must be."""

    min_score: float
    before: float
    """Points lost for each word in front of what the pattern covers, and behind it."""
    after: float


RELAXED = Strictness(min_score=80, before=3, after=8)
CAREFUL = Strictness(min_score=88, before=6, after=12)
"""For skills with an effect: a wrong yes costs more than a wrong no. "Good boy" is 87.5 "good bye"."""
QUESTION = Strictness(min_score=80, before=12, after=8)
"""For skills of last resort, which go by the first word or two: "is it open", not "it is open"."""


class Heard:
    """The words of one clause, and what was already found out about them."""

    def __init__(self, words: Sequence[Spoken]) -> None:
        self.words = list(words)
        self.said = plain(self.words)
        self.is_negated = not _NEGATIONS.isdisjoint(self.said)
        self._free_starts = preamble_ends(self.words)
        self._parts = _with_pairs(self.said)
        self._similar: dict[str, bool] = {}
        self._values: dict[tuple[str, int, int], SlotValue | None] = {}

    def words_before(self, start: int) -> int:
        """How many words before `start` are no mere politeness ("could you tell me")."""
        return start - max(free for free in self._free_starts if free <= start)

    def has_like(self, word: str) -> bool:
        """Whether a word, or two run together, sounds somewhat like `word`."""
        if word not in self._similar:
            self._similar[word] = _sounds_like_one(word, self._parts)
        return self._similar[word]

    def value_of(self, slot: _Slot, start: int, end: int) -> SlotValue | None:
        """What the words from `start` to `end` mean in `slot`; None if nothing."""
        key = (slot.name if slot.is_typed or slot.is_long else "", start, end)
        if key not in self._values:
            self._values[key] = self._parse(slot, start, end)
        return self._values[key]

    def _parse(self, slot: _Slot, start: int, end: int) -> SlotValue | None:
        if not (slot.is_typed or slot.is_long):
            start = self._meant_start(start, end)
        said = written(self.words[start:end])
        if not slot.is_typed:
            return SlotValue(said, said) if said else None
        value = _TYPED[slot.name](self.said[start:end])
        return None if value is None else SlotValue(said, value)

    def _meant_start(self, start: int, end: int) -> int:
        """Behind the words that take back those before them: "paris, no, london"."""
        meant = start
        for at in range(start + 1, end - 1):
            stop = editing_end(self.said[:end], at)
            if at < stop < end:
                meant = stop
        return meant


@dataclass(frozen=True, slots=True)
class Fit:
    """How words fit a pattern: 100 is word for word."""

    score: float
    weight: float
    """How much of the pattern was evidence; decides between equal scores."""
    covers_all: bool
    slots: Mapping[str, SlotValue]


@dataclass(frozen=True, slots=True)
class _Literal:
    words: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str

    @property
    def is_typed(self) -> bool:
        return self.name in _TYPED

    @property
    def is_long(self) -> bool:
        return self.name in _LONG_SLOTS

    @property
    def max_words(self) -> int:
        if self.is_typed:
            return _MAX_TYPED_WORDS
        return 1000 if self.is_long else _MAX_SHORT_WORDS


@dataclass(frozen=True, slots=True)
class _Path:
    """A way to lay the rest of a pattern over the rest of the words."""

    points: float
    weight: float
    end: int
    slots: tuple[tuple[str, SlotValue], ...] = ()


@dataclass(frozen=True)
class Pattern:
    """An example such as "set a timer for {duration}", ready to be compared."""

    example: str
    elements: tuple[_Literal | _Slot, ...] = field(repr=False)

    @cached_property
    def slot_names(self) -> frozenset[str]:
        return frozenset(e.name for e in self.elements if isinstance(e, _Slot))

    @cached_property
    def literal_words(self) -> tuple[str, ...]:
        return tuple(w for e in self.elements if isinstance(e, _Literal) for w in e.words)

    @cached_property
    def literal_text(self) -> str:
        return " ".join(self.literal_words)

    def fit(self, heard: Heard, strictness: Strictness) -> Fit | None:
        """The best way to lay the pattern over the words, None if none is good enough."""
        if not all(heard.has_like(word) for word in self._content_words):
            return None
        if heard.is_negated and not self._may_be_negated:
            return None
        aligner = _Aligner(self.elements, heard)
        best: Fit | None = None
        for start in range(len(heard.said)):
            before = heard.words_before(start)
            lost = self._scarcity * strictness.before * before
            if 100 - lost < (best.score if best else strictness.min_score):
                continue
            path = aligner.best_path(0, start)
            if path is None or not path.weight:
                continue
            if self._is_bare and not self._explains(heard.said[start : path.end]):
                continue
            after = len(heard.said) - path.end
            score = path.points / path.weight - lost - self._scarcity * strictness.after * after
            if score >= strictness.min_score and (best is None or score > best.score):
                best = Fit(score, path.weight, before == after == 0, dict(path.slots))
        return best

    @cached_property
    def _content_words(self) -> tuple[str, ...]:
        return tuple(word for word in self.literal_words if word not in _FUNCTION_WORDS)

    @cached_property
    def _is_bare(self) -> bool:
        """It has no word of meaning of its own, as "who are you"."""
        return len(self.elements) == 1 and not self._content_words and not self.slot_names

    def _explains(self, said: Sequence[str]) -> bool:
        """Whether each word of meaning that was said is one of the pattern's, heard wrong or not: "who
        made you" is none of "who are you"."""
        content = (word for word in said if word not in _FUNCTION_WORDS)
        return all(_sounds_like_one(word, self.literal_words) for word in content)

    @cached_property
    def _scarcity(self) -> float:
        """In a short pattern every word that is too many says more."""
        return max(1.0, 4 / max(1, len(self.literal_words) + 2 * self._typed_slots))

    @cached_property
    def _may_be_negated(self) -> bool:
        """ "Do not set a timer" must not set one. Free text may hold any word."""
        has_text = any(isinstance(e, _Slot) and e.name in _LONG_SLOTS for e in self.elements)
        return has_text or not _NEGATIONS.isdisjoint(self.literal_words)

    @cached_property
    def _typed_slots(self) -> int:
        return sum(isinstance(e, _Slot) and e.is_typed for e in self.elements)


def compile_pattern(example: str) -> Pattern:
    """Raises ValueError saying what is wrong with `example`."""
    if example.count("{") != len(_SLOT.findall(example)) or example.count("}") != example.count(
        "{"
    ):
        raise ValueError("its braces do not match")
    elements: list[_Literal | _Slot] = []
    for position, piece in enumerate(_SLOT.split(example)):
        if position % 2:
            _add_slot(elements, piece.strip())
        elif words := tuple(plain(split_words(piece))):
            elements.append(_Literal(words, " ".join(words)))
    if not elements:
        raise ValueError("it has no words")
    if all(isinstance(e, _Slot) and not e.is_typed for e in elements):
        raise ValueError("it would match everything: add a word next to the slot")
    return Pattern(example, tuple(elements))


def _add_slot(elements: list[_Literal | _Slot], name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{{{name}}} is no slot name: use small letters, digits and _")
    if elements and isinstance(elements[-1], _Slot):
        raise ValueError(
            f"two slots touch: put a word between {{{elements[-1].name}}} and {{{name}}}"
        )
    if any(isinstance(e, _Slot) and e.name == name for e in elements):
        raise ValueError(f"{{{name}}} is there twice")
    elements.append(_Slot(name))


class _Aligner:
    """Lays pattern elements over words, remembering what it tried."""

    def __init__(self, elements: tuple[_Literal | _Slot, ...], heard: Heard) -> None:
        self._elements = elements
        self._heard = heard
        self._said = heard.said
        self._tried: dict[tuple[int, int], _Path | None] = {}

    def best_path(self, element: int, start: int) -> _Path | None:
        if element == len(self._elements):
            return _Path(0.0, 0.0, start)
        key = (element, start)
        if key not in self._tried:
            current = self._elements[element]
            paths = (
                self._literal_paths(current, element, start)
                if isinstance(current, _Literal)
                else self._slot_paths(current, element, start)
            )
            self._tried[key] = max(paths, key=self._rank, default=None)
        return self._tried[key]

    def _rank(self, path: _Path) -> float:
        """Words left over behind cost a little already here, so that the best end is chosen."""
        mean = path.points / path.weight if path.weight else 0.0
        return mean - 4 * (len(self._said) - path.end)

    def _literal_paths(self, literal: _Literal, element: int, start: int) -> list[_Path]:
        paths: list[_Path] = []
        count = len(literal.words)
        before_free_slot = self._is_free_slot(element + 1)
        for length in range(max(1, count - 1), count + 3):
            if start + length > len(self._said):
                break
            window = self._said[start : start + length]
            if before_free_slot and fuzz.ratio(window[-1], literal.words[-1]) < _MIN_WORD_SCORE:
                continue  # what follows would be anything at all: "the date of the meeting"
            score = _literal_score(literal, window, order_matters=len(self._elements) > 1)
            if score is None:
                continue
            rest = self.best_path(element + 1, start + length)
            if rest is not None:
                weight = len(literal.text)
                points = rest.points + score * weight
                paths.append(_Path(points, rest.weight + weight, rest.end, rest.slots))
        return paths

    def _is_free_slot(self, element: int) -> bool:
        if element >= len(self._elements):
            return False
        following = self._elements[element]
        return isinstance(following, _Slot) and not following.is_typed

    def _slot_paths(self, slot: _Slot, element: int, start: int) -> list[_Path]:
        paths: list[_Path] = []
        is_last = element == len(self._elements) - 1
        longest = min(len(self._said) - start, slot.max_words)
        shortest = longest if is_last and not slot.is_typed else 1
        for length in range(max(1, shortest), longest + 1):
            value = self._heard.value_of(slot, start, start + length)
            rest = None if value is None else self.best_path(element + 1, start + length)
            if value is None or rest is None:
                continue
            weight = _TYPED_WEIGHT if slot.is_typed else 0
            slots = ((slot.name, value), *rest.slots)
            points = rest.points + 100 * weight
            paths.append(_Path(points, rest.weight + weight, rest.end, slots))
        return paths


def _literal_score(
    literal: _Literal, window: Sequence[str], *, order_matters: bool
) -> float | None:
    joined = " ".join(window)
    score = fuzz.ratio(literal.text, joined)
    if not order_matters:
        score = max(score, fuzz.token_sort_ratio(literal.text, joined) - 3)
    score -= _EXTRA_WORD_COST * max(0, len(window) - len(literal.words))
    is_short = len(literal.text) <= _SHORT_LITERAL_CHARACTERS
    if score < (_MIN_SHORT_LITERAL_SCORE if is_short else _MIN_LITERAL_SCORE):
        return None
    parts = _with_pairs(window)
    content = (word for word in literal.words if word not in _FUNCTION_WORDS)
    return score if all(_sounds_like_one(word, parts) for word in content) else None


def _with_pairs(words: Sequence[str]) -> list[str]:
    """The words, and each two run together: "time her" may be "timer"."""
    return [*words, *(first + second for first, second in zip(words, words[1:], strict=False))]


def _sounds_like_one(word: str, parts: Sequence[str]) -> bool:
    return any(fuzz.ratio(word, part) >= _MIN_WORD_SCORE for part in parts)
