"""What to answer: text to say and tools to call. Pure; the turn's number stands for chance."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .intents import Correction, Match, find_correction, find_matches
from .patterns import SlotValue
from .skills import SkillSet, choose, template_fields

_NOTHING_SAID_YET = "I have not said anything yet."
_NO_OUTPUT = frozenset(["", "None", "null"])
_QUOTED = re.compile(r"[\"“«](.+)[\"”»]", re.DOTALL)
_AFTER_SAY = re.compile(
    r"\b(?:say|speak|repeat|announce|tell (?:the )?(?:user|caller))\b[^:.]*:\s*(.+)", re.I | re.S
)
_EARLIER = frozenset(["other", "old", "first", "previous", "last", "earlier"])
"""As a caller who has corrected a request calls what came of it: "cancel the other one"."""
_GREET = re.compile(r"\b(?:greet|welcome|introduce|say hello)", re.I)


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ToolOutput:
    name: str
    output: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and then which tools to call."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The conversation as far as an answer depends on it."""

    turn: int = 0
    """How many messages the caller has sent: answers that may vary vary with it."""
    last_reply: str = ""
    before: str = ""
    """What the caller said before."""
    done: Collection[str] = field(default_factory=frozenset)
    """The tools that did what was asked for then."""
    tools: Collection[str] = field(default_factory=frozenset)


class Responder:
    """Answers from a set of skills. Has no state: the same moment gives the same answer."""

    def __init__(self, skill_set: SkillSet) -> None:
        self._skill_set = skill_set
        self._phrases = skill_set.phrases

    def answer(self, text: str, moment: Moment, *, calls_made: int = 0) -> Reply:
        """To what the caller said. `calls_made` of its tool calls are not made again."""
        asked = self._asked(text, moment)
        if not asked.matches:
            return Reply(self._say(self._phrases.fallback, moment, text))
        said: list[str] = []
        calls, matches = _taken_back(asked, moment)
        for match in matches:
            skill = match.skill
            values = self._values(moment, text, match.slots)
            if skill.tool is not None and skill.tool in moment.tools:
                calls.append(ToolCall(skill.tool, _arguments(skill.arguments, match.slots, text)))
                said.append(choose(skill.say, values, moment.turn) or "")
            elif skill.tool is not None:
                cannot = choose(skill.without_tool, values, moment.turn)
                said.append(cannot or self._say(self._phrases.cannot, moment, text))
            else:
                said.append(choose(skill.say, values, moment.turn) or "")
        if calls_made:
            return Reply(calls=tuple(calls[calls_made:]))
        return Reply(" ".join(filter(None, said)), tuple(calls))

    def after_tools(self, text: str, outputs: Sequence[ToolOutput], moment: Moment) -> Reply:
        """Once the tools called for `text` have answered."""
        by_tool = {match.skill.tool: match for match in self._asked(text, moment).matches}
        said = [
            self._after_tool(by_tool.get(output.name), output, text, moment) for output in outputs
        ]
        return Reply(" ".join(dict.fromkeys(filter(None, said))))

    def instructed(self, instructions: str, moment: Moment) -> Reply:
        """To be told what to say instead of being spoken to.

        Only quoted text, text after "say:" and greetings are understood; for anything else it
        asks whether it can help.
        """
        if match := _QUOTED.search(instructions) or _AFTER_SAY.search(instructions):
            return Reply(match.group(1).strip())
        if _GREET.search(instructions):
            return self.greet(moment)
        return Reply(self._say(self._phrases.prompt, moment, instructions))

    def greet(self, moment: Moment) -> Reply:
        return Reply(self._say(self._phrases.greeting, moment, ""))

    def prompt(self, moment: Moment) -> Reply:
        """Asked to go on with nothing to answer."""
        return Reply(self._say(self._phrases.prompt, moment, ""))

    def _asked(self, text: str, moment: Moment) -> Correction:
        skills = [
            skill
            for skill in self._skill_set.skills
            if not skill.is_last_resort or skill.tool is None or skill.tool in moment.tools
        ]
        corrected = find_correction(text, moment.before, skills)
        return corrected or Correction(None, find_matches(text, skills))

    def _after_tool(
        self, match: Match | None, output: ToolOutput, text: str, moment: Moment
    ) -> str:
        result = "" if output.output.strip() in _NO_OUTPUT else output.output.strip()
        values = self._values(moment, text, match.slots if match else {}, result)
        if output.is_error:
            return choose(self._phrases.failed, values, moment.turn) or self._say(
                self._phrases.cannot, moment, text
            )
        skill = match.skill if match else None
        if skill and skill.no_answer and skill.no_answer.casefold() in result.casefold():
            return self._say(self._phrases.fallback, moment, text)
        templates = skill.after_tool if skill else ()
        return (
            choose(templates, values, moment.turn)
            or result
            or self._say(self._phrases.done, moment, text)
        )

    def _say(self, templates: Sequence[str], moment: Moment, text: str) -> str:
        return choose(templates, self._values(moment, text, {}), moment.turn) or ""

    def _values(
        self, moment: Moment, text: str, slots: Mapping[str, SlotValue], result: str = ""
    ) -> dict[str, str]:
        return {
            **{name: slot.said for name, slot in slots.items()},
            "utterance": text,
            "abilities": self._skill_set.abilities(moment.tools),
            "last_reply": moment.last_reply or _NOTHING_SAID_YET,
            "result": result,
        }


def _taken_back(asked: Correction, moment: Moment) -> tuple[list[ToolCall], list[Match]]:
    """The call that undoes what is corrected, and what is still asked for then."""
    old = asked.old
    undo = old.skill.undo if old else None
    if old is None or undo is None or undo.tool not in moment.tools:
        return [], asked.matches
    if old.skill.tool not in moment.done:
        return [], asked.matches
    matches = [m for m in asked.matches if m.skill.tool != undo.tool or not _refers_back(m)]
    return [ToolCall(undo.tool, _arguments(undo.arguments, old.slots, ""))], matches


def _refers_back(match: Match) -> bool:
    return any(slot.said.casefold() in _EARLIER for slot in match.slots.values())


def _arguments(
    given: Mapping[str, object], slots: Mapping[str, SlotValue], text: str
) -> dict[str, object]:
    """Arguments whose slots the caller left out are left out too."""
    known: dict[str, SlotValue] = {**slots, "utterance": SlotValue(text, text)}
    arguments: dict[str, object] = {}
    for name, value in given.items():
        if not isinstance(value, str):
            arguments[name] = value
            continue
        fields = template_fields(value)
        if not all(field in known for field in fields):
            continue
        if len(fields) == 1 and value.strip() == f"{{{fields[0]}}}":
            arguments[name] = known[fields[0]].value
        else:
            said = {field: known[field].said for field in fields}
            arguments[name] = choose([value], said, 0) if fields else value
    return arguments
