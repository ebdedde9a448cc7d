"""What a member heard, and what of it the listener does not have yet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from livekit.plugins.speechcore import Word
from livekit.plugins.speechcore.agreement import same_word

_TIME_SLACK_S = 0.05


class HeardKind(Enum):
    STARTED = "started"
    INTERIM = "interim"
    PREFLIGHT = "preflight"
    FINAL = "final"
    ENDED = "ended"


PARTIALS = (HeardKind.INTERIM, HeardKind.PREFLIGHT)
TRANSCRIPTS = (*PARTIALS, HeardKind.FINAL)


@dataclass(frozen=True, slots=True)
class Heard:
    """Times are places in the chain's audio."""

    kind: HeardKind
    text: str = ""
    words: tuple[Word, ...] = ()
    """Empty if the member does not tell times."""
    end_s: float | None = None
    """Where the last word ends, if the member tells."""
    source: object = None
    """The member's own event."""
    skipped: int = 0
    """Words of that event that come before these."""

    @property
    def is_partial(self) -> bool:
        return self.kind in PARTIALS


def run_of_words(heard: Heard, texts: Sequence[str], first: int, last: int | None = None) -> Heard:
    """The same event, saying only some of its words, whose `texts` these are."""
    texts, words = texts[first:last], heard.words[first:last]
    end_s = words[-1].end_s if words else heard.end_s if texts else None
    return replace(
        heard, text=" ".join(texts), words=words, end_s=end_s, skipped=heard.skipped + first
    )


@dataclass(slots=True)
class Taken:
    """The beginning of a member's segment that became final before the member said so itself."""

    texts: tuple[str, ...] = ()
    until_s: float | None = None

    def take(self, heard: Heard) -> None:
        """`heard`, already without what was taken before, is final now."""
        self.texts += tuple(heard.text.split())
        self.until_s = heard.end_s

    def rest(self, heard: Heard) -> Heard:
        """What `heard` says beyond what was taken."""
        if not self.texts:
            return heard
        texts = heard.text.split()
        if heard.words and self.until_s is not None and len(heard.words) == len(texts):
            return self._by_time(heard, texts)
        alike = 0
        for mine, other in zip(self.texts, texts, strict=False):
            if not same_word(mine, other):
                break
            alike += 1
        if texts and 2 * alike < min(len(self.texts), len(texts)):
            self.clear()  # the member has begun another segment
            return heard
        return run_of_words(replace(heard, words=()), texts, len(self.texts))

    def _by_time(self, heard: Heard, texts: Sequence[str]) -> Heard:
        assert self.until_s is not None
        bound_s = self.until_s + _TIME_SLACK_S
        after = [
            place
            for place, word in enumerate(heard.words)
            if (word.start_s + word.end_s) / 2 > bound_s
        ]
        first = after[0] if after else len(texts)
        return run_of_words(heard, texts, first)

    def clear(self) -> None:
        self.texts, self.until_s = (), None


def parted(heard: Heard, at_s: float) -> tuple[Heard, Heard]:
    """The words that begin before `at_s`, and the rest. Without times they are all in the first."""
    texts = heard.text.split()
    count = len(texts)
    if len(heard.words) == count:
        count = sum(word.start_s < at_s for word in heard.words)
    return run_of_words(heard, texts, 0, count), run_of_words(heard, texts, count)
