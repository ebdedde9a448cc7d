"""Answers from a folder of Markdown files: each heading is a question, the text below its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rapidfuzz import fuzz, utils

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_STOP_WORDS = frozenset(
    "a about an and are at can could did do does for from has have how i in is it know me my of on "
    "or please tell that the there this to was what when where which who why will with you your".split()
)
_MIN_SCORE = 65
_MAX_ANSWER_CHARS = 600


@dataclass(frozen=True)
class Answer:
    """A section of a FAQ file."""

    question: str
    text: str


class Faq:
    """The sections of every `*.md` file in a folder, read once."""

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = answers

    def __len__(self) -> int:
        return len(self._answers)

    def search(self, question: str) -> Answer | None:
        """The section that fits best; None when nothing fits well enough."""
        wanted = _content_words(question)
        if not wanted:
            return None
        scored = [(_score(wanted, answer), answer) for answer in self._answers]
        best = max(scored, key=lambda item: item[0], default=None)
        return best[1] if best and best[0] >= _MIN_SCORE else None


@cache
def load_faq(folder: Path) -> Faq:
    """Reads the folder; a file that is not UTF-8 raises ValueError naming it."""
    answers: list[Answer] = []
    for path in sorted(folder.glob("*.md")):
        try:
            answers += parse_markdown(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    return Faq(answers)


def parse_markdown(text: str) -> list[Answer]:
    """Sections that have text, headings without markup."""
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    sections = [
        Answer(heading[1].strip(), _speakable(text[heading.end() : end]))
        for heading, end in zip(headings, ends, strict=True)
    ]
    return [section for section in sections if section.text]


def _speakable(markdown: str) -> str:
    """The first paragraphs as plain text, cut at a sentence end when long."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"[*_`>#]|^\s*[-+]\s", "", text, flags=re.MULTILINE)
    text = " ".join(text.split())
    if len(text) <= _MAX_ANSWER_CHARS:
        return text
    cut = text[:_MAX_ANSWER_CHARS]
    return cut[: cut.rfind(". ") + 1] or cut


def _content_words(text: str) -> str:
    words = utils.default_process(text).split()
    return " ".join(word for word in words if word not in _STOP_WORDS)


def _score(wanted: str, answer: Answer) -> float:
    """0..100: how well the question fits the heading, with some help from the answer's words."""
    heading = fuzz.token_set_ratio(wanted, _content_words(answer.question))
    found = [word for word in wanted.split() if word in answer.text.lower()]
    coverage = 100 * len(found) / len(wanted.split())
    return 0.75 * heading + 0.25 * coverage
