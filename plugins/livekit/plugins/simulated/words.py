"""What a caller is about to say, announced by a data packet, and the words made up without one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from livekit.plugins.speechcore import Word

WORDS_TOPIC = "parley.sim.words"
"""The topic of the reliable data packet that announces an utterance."""

MADE_UP_WORDS_PER_S = 2.5

_EXAMPLE = '{"words": [["my", 0.10, 0.31]]}'
_VOCABULARY = ("and", "then", "we", "saw", "some", "people", "walk", "along", "the", "river")


class WordsError(ValueError):
    """The packet does not announce an utterance; the message is one sentence that says why."""


def parse_words(payload: bytes) -> tuple[Word, ...]:
    """Reads a packet: `{"words": [[text, start_s, end_s], …]}`, seconds from the first sample.

    No words at all announce a sound that nobody could understand. Raises WordsError.
    """
    try:
        message = json.loads(payload, parse_int=float)  # an int of any length would do
    except (ValueError, RecursionError) as e:
        raise WordsError(f"the words packet is not JSON in UTF-8: send {_EXAMPLE}") from e
    if not isinstance(message, dict) or not isinstance(message.get("words"), list):
        raise WordsError(f'the words packet has no list "words": send {_EXAMPLE}')
    words = tuple(_parse_word(index, item) for index, item in enumerate(message["words"]))
    check_words(words)
    return words


def check_words(words: Sequence[Word]) -> None:
    """Raises WordsError unless every word ends after it starts and they come one after another."""
    last_start_s = last_end_s = 0.0
    for index, word in enumerate(words):
        if word.end_s < word.start_s:
            raise WordsError(f"word {index} ends before it starts: times are [text, start, end]")
        if word.start_s < last_start_s or word.end_s < last_end_s:
            raise WordsError(f"word {index} comes before the word in front of it: sort the words")
        last_start_s, last_end_s = word.start_s, word.end_s


def made_up_words(onset_s: float) -> Iterator[Word]:
    """Endless words at `MADE_UP_WORDS_PER_S` from `onset_s` on; the same ones every time."""
    duration_s = 1 / MADE_UP_WORDS_PER_S
    for index in count():
        start_s = onset_s + index * duration_s
        yield Word(_VOCABULARY[index % len(_VOCABULARY)], start_s, start_s + duration_s)


def _parse_word(index: int, item: Any) -> Word:
    if not isinstance(item, list) or len(item) != 3:
        raise WordsError(f"word {index} is not a list of three: send {_EXAMPLE}")
    text, start_s, end_s = item
    if not isinstance(text, str) or not text.strip():
        raise WordsError(f"word {index} has no text: send {_EXAMPLE}")
    return Word(text.strip(), _parse_time(index, start_s), _parse_time(index, end_s))


def _parse_time(index: int, value: Any) -> float:
    if not isinstance(value, float) or not math.isfinite(value) or value < 0:
        raise WordsError(f"word {index} has a time that is not a number of seconds from zero on")
    return value


class Announcements:
    """The utterance announced next. Shared by the streams of one STT: the first to hear takes it.

    There is room for one: an announcement replaces words that nobody has begun to say, so that a
    caller who never spoke leaves nothing behind.
    """

    def __init__(self) -> None:
        self._next: tuple[Word, ...] | None = None

    @property
    def waiting(self) -> bool:
        return self._next is not None

    def announce(self, words: Sequence[Word]) -> None:
        """Raises WordsError for words out of order."""
        check_words(words)
        self._next = tuple(words)

    def take(self) -> tuple[Word, ...] | None:
        """The words waiting, or None without an announcement."""
        words, self._next = self._next, None
        return words
