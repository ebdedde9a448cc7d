"""What espeak is given to read: plain words, in units it can be stopped between."""

from __future__ import annotations

import re
import unicodedata

MAX_UNIT_CHARACTERS = 300
"""About 20 s of speech, which espeak makes in some 50 ms: the longest it is held by one caller."""

_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u200d\u20e3\ufe00-\ufe0f\U000e0020-\U000e007f]"
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])|\n+")
_SPACES = re.compile(r"\s+")


def speakable(text: str) -> str:
    """`text` without emoji and without the control characters espeak would obey or choke on.

    Markup stays, to be read out as plain text: the library is never asked to interpret it.
    """
    plain = _EMOJI.sub(" ", text)
    return "".join(_readable(character) for character in plain).strip()


def split_units(text: str, max_characters: int = MAX_UNIT_CHARACTERS) -> list[str]:
    """Cuts `text` into units of at most `max_characters`, at sentence ends if it can.

    Sentences share a unit while they fit, so that "Dr. Smith" is cut only in a long text, where
    it would cost a pause.
    """
    units: list[str] = []
    current = ""
    for sentence in _sentences(text):
        for piece in _cut(sentence, max_characters):
            joined = f"{current} {piece}" if current else piece
            if len(joined) <= max_characters:
                current = joined
                continue
            units.append(current)
            current = piece
    return [*units, current] if current else units


def _readable(character: str) -> str:
    if character in "\n\t\r":
        return "\n" if character == "\n" else " "
    category = unicodedata.category(character)
    if category in ("Cf", "Cs", "Co", "Cn"):
        return ""
    return " " if category == "Cc" else character


def _sentences(text: str) -> list[str]:
    bounds = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    pieces = (text[start:end] for start, end in zip(bounds, bounds[1:], strict=False))
    return [sentence for piece in pieces if (sentence := _SPACES.sub(" ", piece).strip())]


def _cut(sentence: str, max_characters: int) -> list[str]:
    """At the last space that fits; in the middle of a word only if there is none."""
    pieces: list[str] = []
    while len(sentence) > max_characters:
        space = sentence.rfind(" ", 0, max_characters + 1)
        at = space if space > 0 else max_characters
        pieces.append(sentence[:at])
        sentence = sentence[at:].lstrip()
    return [*pieces, sentence] if sentence else pieces
