"""The sentences, and every place in them where a caller could pause.

One sentence a line, in lower case, as recognisers deliver it. `/` stands where the turn might as well have
ended; `question => words` is an answer to the agent's question.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.turns.words import lexicon

FOLDER = Path(__file__).parent / "sentences"
_FUNCTION_WORDS = (
    lexicon.ARTICLES
    | lexicon.POSSESSIVES
    | lexicon.PREPOSITIONS
    | lexicon.CONJUNCTIONS
    | lexicon.SUBORDINATORS
    | lexicon.BE
    | lexicon.HAVE
    | lexicon.MODALS
    | lexicon.FILLERS
    | lexicon.WH_WORDS
    | {"not", "some", "any", "very", "so"}
)
Writing = Literal["plain", "punctuated", "joined"]
"""How a recogniser writes partials: bare words; a full stop at the end and wherever one might stand, as Whisper
does; or bare words behind an earlier sentence of the turn."""
WRITINGS: tuple[Writing, ...] = ("plain", "punctuated", "joined")

_NEXT_OPENS_PHRASE = _FUNCTION_WORDS | lexicon.SUBJECT_PRONOUNS | {"you", "it"}
_LONG_BREATH_WORDS = 8
"""Shorter sentences are hardly ever interrupted by a pause: less, the fewer words they have."""
_SINGLE_WORD = 3.0
"""`stop` is said more often than any longer turn, but stands here once as well."""
_PAUSE_BEFORE_PHRASE, _PAUSE_BEHIND_FUNCTION_WORD, _PAUSE_INSIDE = 1.0, 0.7, 0.35


@dataclass(frozen=True, kw_only=True)
class Sentence:
    register: str
    words: tuple[str, ...]
    complete_at: frozenset[int]
    """Numbers of words after which the turn might as well have ended."""
    agent_said: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A silence after some words: the end of the turn, or a pause."""

    register: str
    words: str
    agent_said: str
    is_end: bool
    is_complete: bool
    """A pause where the words so far could have been all."""
    plausibility: float
    """How likely a person pauses or ends here, against other places."""


def read_sentences(folder: Path = FOLDER) -> list[Sentence]:
    return [
        _sentence(path.stem, line)
        for path in sorted(folder.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def places(sentences: list[Sentence], writing: Writing = "plain") -> Iterator[Place]:
    for number, sentence in enumerate(sentences):
        before = _sentence_before(sentences, number) if writing == "joined" else ""
        for count in range(1, len(sentence.words) + 1):
            stops = sentence.complete_at | {count} if writing == "punctuated" else frozenset()
            yield Place(
                register=sentence.register,
                words=before + _written(sentence.words[:count], stops),
                agent_said=sentence.agent_said,
                is_end=count == len(sentence.words),
                is_complete=count in sentence.complete_at,
                plausibility=_plausibility(sentence.words, count),
            )


def _sentence_before(sentences: list[Sentence], number: int) -> str:
    """Another sentence of the register, as the beginning of the turn."""
    register = sentences[number].register
    other = sentences[number - 1]
    if other.register != register:
        other = [each for each in sentences if each.register == register][-1]
    return " ".join(other.words) + " "


def _written(words: tuple[str, ...], stops: frozenset[int]) -> str:
    return " ".join(f"{word}." if number in stops else word for number, word in enumerate(words, 1))


def _sentence(register: str, line: str) -> Sentence:
    agent_said, _, spoken = line.rpartition("=>")
    words: list[str] = []
    complete_at = set()
    for word in spoken.split():
        if word == "/":
            complete_at.add(len(words))
        else:
            words.append(word)
    return Sentence(
        register=register,
        words=tuple(words),
        complete_at=frozenset(complete_at),
        agent_said=agent_said.strip(),
    )


def _plausibility(words: tuple[str, ...], count: int) -> float:
    if count == len(words):
        return _SINGLE_WORD if count == 1 else 1.0
    one_breath = min(1.0, len(words) / _LONG_BREATH_WORDS)
    if words[count] in _NEXT_OPENS_PHRASE:
        return one_breath * _PAUSE_BEFORE_PHRASE
    is_function_word = words[count - 1] in _FUNCTION_WORDS
    return one_breath * (_PAUSE_BEHIND_FUNCTION_WORD if is_function_word else _PAUSE_INSIDE)
