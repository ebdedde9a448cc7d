"""What a turn was like for the caller, by what was heard at both ends. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from statistics import median_high

from tests.fakes.providers.coded_speech import TORN, words_of

_HEARD = re.compile(rf"[\w'’]+|{TORN}")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Seconds on one clock, or long."""

    trial: str
    """Empty for a healthy one."""
    question: str
    understood: str
    """The caller's words as the language model got them."""
    reply: str
    """What the language models were to say."""
    spoken: tuple[str, ...]
    """The words in the recording."""
    response_s: float | None
    """From the end of the question to the first sound; None without one."""
    longest_gap_s: float = 0.0
    """The longest silence within the answer."""
    calls_tool: bool = False
    """The answer comes after a tool, and so a little later in a healthy turn, too."""
    tool_runs: int = 0
    has_ended: bool = False
    """The call is over."""
    was_met: bool = True
    """Whether the fault happened."""

    @property
    def is_answered(self) -> bool:
        """By any word of the reply."""
        return bool(set(self.spoken) & set(words_of(self.reply)))

    @property
    def ear(self) -> Difference:
        """The caller's words and those that the language model got."""
        return compare(words_of(self.question), _HEARD.findall(self.understood.lower()))

    @property
    def mouth(self) -> Difference:
        """The words of the reply and those in the recording."""
        return compare(words_of(self.reply), self.spoken)

    @property
    def sentences_cut(self) -> int:
        missing = set(self.mouth.lost)
        sentences = [set(words_of(part)) for part in self.reply.split(".")]
        return sum(bool(words & missing) for words in sentences)

    def extra_s(self, healthy: Sequence[Turn]) -> float | None:
        """How much later than in healthy turns the next sound came, at the answer's begin or in its
        midst; None where there was no answer."""
        if self.response_s is None or not self.is_answered:
            return None
        healthy = [it for it in healthy if it.calls_tool == self.calls_tool] or healthy
        responses_s = [it.response_s for it in healthy if it.response_s is not None]
        response_s = median_high(responses_s or [0.0])
        gap_s = median_high([it.longest_gap_s for it in healthy] or [0.0])
        return max(self.response_s - response_s, self.longest_gap_s - gap_s, 0.0)

    def problems(self) -> list[str]:
        """Sentences about what the caller should not have noticed; none for a turn as it should be."""
        found = [
            f"{what}: {' '.join(words)}"
            for what, words in (
                ("lost of the caller's words", self.ear.lost),
                ("not of the caller's words", self.ear.added),
                ("not spoken", self.mouth.lost),
                ("spoken too often", self.mouth.added),
            )
            if words
        ]
        if not self.is_answered:
            found.append("no answer")
        if self.tool_runs > 1:
            found.append(f"the tool ran {self.tool_runs} times")
        if self.has_ended:
            found.append("the call ended")
        if not self.was_met:
            found.append("the fault did not happen")
        return found


@dataclass(frozen=True)
class Difference:
    """Between what was said and what arrived."""

    lost: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    """Said once too often, or by nobody."""
    torn: int = 0
    """Words that arrived in pieces: by a room on a busy machine, in healthy turns as in others."""


def compare(said: Sequence[str], arrived: Sequence[str]) -> Difference:
    """Words in the place of others, or in pieces, are torn ones that were taken for others: nobody
    speaks them, and what is said once more comes in no word's place."""
    lost: list[str] = []
    added: list[str] = []
    torn = 0
    matcher = SequenceMatcher(None, said, arrived, autojunk=False)
    for kind, from_said, to_said, from_arrived, to_arrived in matcher.get_opcodes():
        if kind == "equal":
            continue
        missing, extra = said[from_said:to_said], arrived[from_arrived:to_arrived]
        if extra and from_arrived and extra[0] == arrived[from_arrived - 1]:
            added.append(extra[0])
            extra = extra[1:]
        torn += min(len(missing), len(extra)) or sum(word not in said for word in extra)
        lost += missing[len(extra) :]
        added += [word for word in extra[len(missing) :] if word in said]
    return Difference(tuple(lost), tuple(added), torn)
