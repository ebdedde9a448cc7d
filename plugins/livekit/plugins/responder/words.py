"""Text as the responder compares it: lower-case words without punctuation or hesitation."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_WORDS = 40
"""Matching looks at no more, so that its cost is bounded."""

_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|[+*/^%×÷]|(?<=\d)-(?=\d)|(?<!\S)-(?=[\s\d])"
)
_CLAUSE_END = re.compile(r"(?<=[.!?;])\s+|[;\n]+")
_FILLERS = frozenset(["um", "uh", "uhm", "er", "erm", "ah", "hmm", "please", "actually"])
_POLITE = (
    ("could", "you"),
    ("can", "you"),
    ("would", "you"),
    ("will", "you"),
    ("i", "want", "you", "to"),
    ("i", "would", "like", "you", "to"),
    ("tell", "me"),
    ("do", "you", "know"),
    ("let", "us"),
    ("go", "ahead", "and"),
    ("hey",),
    ("ok",),
    ("okay",),
    ("so",),
    ("well",),
    ("and",),
    ("then",),
    ("also",),
    ("now",),
    ("just",),
    ("yes",),
    ("yeah",),
    ("alright",),
    ("right",),
    ("no",),
    ("oh",),
    ("wait",),
    ("sorry",),
    ("i", "mean"),
)
_CONTRACTIONS = {
    "what's": "what is",
    "who's": "who is",
    "where's": "where is",
    "how's": "how is",
    "when's": "when is",
    "that's": "that is",
    "it's": "it is",
    "there's": "there is",
    "let's": "let us",
    "i'm": "i am",
    "you're": "you are",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "whats": "what is",
    "dont": "do not",
}
_ENDINGS = {"n't": "not", "'ll": "will", "'ve": "have", "'re": "are", "'d": "would"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One word: as it is compared, and as it was written (empty if the word before holds it)."""

    word: str
    written: str


def split_words(text: str, *, kept: frozenset[str] = frozenset()) -> list[Spoken]:
    """At most MAX_WORDS words, fillers left out but for those in `kept`."""
    words: list[Spoken] = []
    for match in _TOKEN.finditer(text):
        words += _spoken(match.group())
        if len(words) >= MAX_WORDS:
            break
    dropped = _FILLERS - kept
    return [spoken for spoken in words if spoken.word not in dropped][:MAX_WORDS]


def preamble_ends(words: list[Spoken]) -> frozenset[int]:
    """Where a request may begin: 0, and after "hey", "could you", "tell me" and the like."""
    ends = [0]
    while length := _preamble_length(words[ends[-1] :]):
        ends.append(ends[-1] + length)
    return frozenset(ends)


def split_clauses(text: str) -> list[str]:
    """The sentences of written text; speech without punctuation is one."""
    return [clause.strip() for clause in _CLAUSE_END.split(text) if clause.strip()]


def plain(words: list[Spoken]) -> list[str]:
    return [spoken.word for spoken in words]


def written(words: list[Spoken]) -> str:
    """The words as the caller's text had them."""
    return " ".join(spoken.written for spoken in words if spoken.written)


def _preamble_length(words: list[Spoken]) -> int:
    for phrase in _POLITE:
        if len(words) > len(phrase) and tuple(plain(words[: len(phrase)])) == phrase:
            return len(phrase)
    return 0


def _spoken(token: str) -> list[Spoken]:
    if token[0].isdigit():
        return [Spoken(re.sub(r",(?=\d{3})", "", token), token)]
    word = token.lower().replace("’", "'")
    expanded = _CONTRACTIONS.get(word) or _expand_ending(word)
    return [
        Spoken(part, "" if position else token) for position, part in enumerate(expanded.split())
    ]


def _expand_ending(word: str) -> str:
    for ending, full in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return f"{word.removesuffix(ending)} {full}"
    return word
