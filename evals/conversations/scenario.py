"""What is said in a conversation and what has to come of it: the YAML files of this folder."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from livekit.agents import llm
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq
from evals.conversations.lines import line_of

Way = Literal["voice", "text"]
WAYS: tuple[Way, ...] = ("voice", "text")
Kind = Literal["turn", "interruption", "backchannel"]
FOLDER = Path(__file__).parent

MISUNDERSTOOD = r"did not (get|catch|understand)|not sure what you mean|say (it|that) again"
"""In an agent's answer it means that the caller was not understood."""


class ConversationError(ValueError):
    """Files of conversations that cannot be used; a line for each mistake."""


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as e:
        raise ValueError(f"{text!r} is no regular expression: {e}") from None
    return text


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _tool(name: str) -> str:
    if name not in tool_names():
        raise ValueError(f"there is no tool {name!r}; the tools are {', '.join(tool_names())}")
    return name


def _without_none(value: Any) -> Any:
    return {} if value is None else value


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
Regex = Annotated[str, AfterValidator(_regex)]
ToolName = Annotated[str, AfterValidator(_tool)]
Arguments = Annotated[dict[str, Any], BeforeValidator(_without_none)]
Seconds = Annotated[float, Field(ge=0, le=60)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Words(_Part):
    """What words have to hold; all that is given counts, the case of letters does not."""

    contains: Texts = ()
    any_of: Texts = ()
    regex: Regex | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A text, or a list of texts, has to be contained."""
        return {"contains": value} if isinstance(value, str | list | tuple) else value


class Expected(_Part):
    """What has to come of a step, or of the whole call."""

    said: Words | None = None
    """By the agent."""
    not_said: Texts = ()
    called: dict[ToolName, Arguments] = {}
    """Tools that were run, each with arguments of which these are some."""
    not_called: tuple[ToolName, ...] = ()
    judge: Text | None = None
    """A sentence for a model, which says whether it is true."""


class Step(Expected):
    """One thing the caller says."""

    say: Text
    """`|` stands where each pause of `pauses_s` is."""
    pauses_s: tuple[Seconds, ...] = ()
    kind: Kind = "turn"
    interrupts_after_s: Seconds | None = None
    """It is said so long after the agent began to answer the step before."""
    after_s: Seconds | None = None
    """It is said so long after the end of the step before, whatever the agent does."""
    within_ms: Annotated[int, Field(gt=0, le=60_000)] | None = None
    """From the end of the words to the first sound of the answer."""

    @model_validator(mode="after")
    def _consistent(self) -> Step:
        if self.say.count("|") != len(self.pauses_s):
            raise ValueError(f"there are {self.say.count('|')} | and {len(self.pauses_s)} pauses_s")
        if self.interrupts_after_s is not None and self.after_s is not None:
            raise ValueError("a step has either interrupts_after_s or after_s")
        if self.kind != "turn" and self.interrupts_after_s is None:
            raise ValueError(f"a step of kind {self.kind} needs interrupts_after_s")
        return self

    @property
    def as_kind(self) -> Kind:
        is_plain = self.kind == "turn" and self.interrupts_after_s is not None
        return "interruption" if is_plain else self.kind


class Want(_Part):
    """One thing a simulated caller is after."""

    say: Texts
    """In other words each time it is said again."""
    until: Words | None = None
    """The answer that settles it; by default any but one that means “not understood”."""
    within_ms: Annotated[int, Field(gt=0, le=60_000)] | None = None


class Reply(_Part):
    """What a simulated caller says when asked something."""

    to: Regex
    say: Text


class Simulated(_Part):
    """A caller with a goal."""

    goal: Text
    """For people and models; the rules follow `wants`."""
    facts: Texts = ()
    """What a model may tell when asked."""
    wants: Annotated[tuple[Want, ...], Field(min_length=1)]
    replies: tuple[Reply, ...] = ()
    misunderstood: Regex = MISUNDERSTOOD
    patience: Annotated[int, Field(ge=0, le=10)] = 3
    """How often something is said again before the caller gives up."""


class TimerState(_Part):
    """A timer that runs; what is not given may be anything."""

    duration_s: float
    label: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"duration_s": value} if isinstance(value, int | float) else value


class State(_Part):
    """What the tools hold in the end: these and no others; what is not given may be anything."""

    notes: tuple[Text, ...] | None = None
    """Each is part of a note."""
    timers: tuple[TimerState, ...] | None = None


class End(Expected):
    """What has to be so when the call is over."""

    state: State | None = None


class Conversation(_Part):
    """One conversation: of fixed steps, or with a simulated caller."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    about: Text
    ways: Annotated[tuple[Way, ...], Field(min_length=1)] = WAYS
    steps: tuple[Step, ...] = ()
    user: Simulated | None = None
    end: End = End()

    @model_validator(mode="after")
    def _consistent(self) -> Conversation:
        if bool(self.steps) == bool(self.user):
            raise ValueError("a conversation has either steps or a user")
        first = self.steps[0] if self.steps else None
        if first and (first.interrupts_after_s is not None or first.after_s is not None):
            raise ValueError("the first step follows no other")
        return self


_FILE = TypeAdapter(tuple[Conversation, ...])
_KEYS = sorted(
    {
        key
        for part in (Conversation, Step, End, State, TimerState, Simulated, Want, Reply, Words)
        for key in part.model_fields
    }
)


def tool_names() -> list[str]:
    """Of the product's own tools."""
    actions = CallActions(announce=lambda _: None, hang_up=lambda: None)
    toolbox = Toolbox(actions, Faq([]), now=lambda: datetime.now(UTC))
    return sorted(llm.ToolContext(toolbox.tools()).function_tools)


def load(paths: Sequence[Path] | None = None) -> tuple[Conversation, ...]:
    """Those of the files, by default of this folder. Raises ConversationError."""
    problems: list[str] = []
    found: list[Conversation] = []
    for path in paths or sorted(FOLDER.glob("*.yaml")):
        try:
            found += parse(path.read_text(encoding="utf-8"), path.name)
        except (OSError, UnicodeDecodeError) as e:
            problems.append(f"{path}: it cannot be read as UTF-8 text: {e}")
        except ConversationError as e:
            problems.append(str(e))
    names = [one.name for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"{name}: there are two conversations of this name" for name in twice]
    if problems:
        raise ConversationError("\n".join(problems))
    return tuple(found)


def parse(text: str, source: str) -> tuple[Conversation, ...]:
    """The conversations in a YAML text; `source` is named in a ConversationError."""
    try:
        content = yaml.safe_load(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(e, "problem", None) or " ".join(str(e).split())
        raise ConversationError(f"{source}:{line}: it is not YAML: {problem}") from None
    try:
        return _FILE.validate_python([] if content is None else content)
    except ValidationError as e:
        sentences = (
            f"{source}:{line_of(node, error['loc'])}: {_sentence(error)}" for error in e.errors()
        )
        raise ConversationError("\n".join(sentences)) from None


def only(all_of_them: Iterable[Conversation], names: Sequence[str]) -> tuple[Conversation, ...]:
    """Those of these names; all for none. Raises ConversationError."""
    by_name = {one.name: one for one in all_of_them}
    if unknown := [name for name in names if name not in by_name]:
        known = ", ".join(by_name)
        raise ConversationError(f"there is no conversation {unknown[0]!r}; there are {known}")
    return tuple(by_name[name] for name in names or by_name)


def _sentence(error: Any) -> str:
    *where, last = error["loc"] or ("file",)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(last), _KEYS, n=1)
        return f"unknown key {last!r}" + (f"; did you mean {near[0]}?" if near else "")
    if error["type"] == "missing":
        return f"{last!r} is missing"
    names = [str(part) for part in (*where, last) if not isinstance(part, int)]
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(names)}: {message}" if names else message
