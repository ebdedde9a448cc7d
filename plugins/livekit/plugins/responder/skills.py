"""What the responder can do: the shape of a skills file after it was read."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .patterns import Pattern

BUILT_IN_VALUES = frozenset(["utterance", "abilities", "last_reply", "result"])
"""What every template may name besides the slots of its skill's examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The tool call that takes back what a skill has done."""

    tool: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    """As a skill's; the slots are those of the request that is taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """One thing a caller can ask for."""

    name: str
    patterns: tuple[Pattern, ...]
    say: tuple[str, ...] = ()
    """Answers, taken in turn. With a tool: said while it runs."""
    tool: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    """What the tool is given; "{slot}" stands for the slot's value, left out if there is none."""
    undo: Undo | None = None
    """Called first when the caller corrects what was done: "no, ten minutes"."""
    after_tool: tuple[str, ...] = ()
    """Answers once the tool has; {result} is its output, which is said as it is without these."""
    without_tool: tuple[str, ...] = ()
    """Answers in a call that has no such tool."""
    can: str | None = None
    """How it is named in "I can ..."; unnamed if None."""
    is_careful: bool = False
    """Asks for a closer match: for tools whose mistakes cannot be undone."""
    is_last_resort: bool = False
    """Only tried when nothing else fits."""
    no_answer: str | None = None
    """A tool output that means "I do not know": the fallback is said instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """What is said when no skill speaks; each a choice taken in turn."""

    greeting: tuple[str, ...]
    fallback: tuple[str, ...]
    """Nothing was understood; {abilities} says what would be."""
    cannot: tuple[str, ...]
    """The skill's tool is not there."""
    failed: tuple[str, ...]
    """The tool failed; {result} is what it said."""
    done: tuple[str, ...]
    """The tool had nothing to say."""
    prompt: tuple[str, ...]
    """Asked to speak without being told what."""


@dataclass(frozen=True, slots=True)
class SkillSet:
    skills: tuple[Skill, ...]
    phrases: Phrases

    def abilities(self, tools: Collection[str]) -> str:
        """ "tell the time, set timers and do sums": what can be asked for with these tools."""
        named = [
            skill.can
            for skill in self.skills
            if skill.can and (skill.tool is None or skill.tool in tools)
        ]
        named = list(dict.fromkeys(named))
        if len(named) < 2:
            return "".join(named) or "chat a little"
        return f"{', '.join(named[:-1])} and {named[-1]}"


def template_fields(template: str) -> list[str]:
    """The names in braces. Raises ValueError for braces that do not match."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def choose(templates: Sequence[str], values: Mapping[str, str], turn: int) -> str | None:
    """The turn's template among those whose values are all there, filled in; None if there is none."""
    usable = [
        template
        for template in templates
        if all(values.get(name) for name in template_fields(template))
    ]
    if not usable:
        return None
    chosen = usable[turn % len(usable)]
    return "".join(
        literal + (values[name] if name is not None else "")
        for literal, name, _, _ in string.Formatter().parse(chosen)
    )
