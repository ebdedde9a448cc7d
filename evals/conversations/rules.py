"""Whether a conversation came out as it should, by rules. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agent.continuity.conversation import ToolCall
from agent.tools.state import ToolState
from evals.conversations.scenario import Expected, State, TimerState, Words

Verdict = Literal["met", "missed", "not judged"]
About = Literal["task", "time"]

_SLACK = 1e-6


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    about: About
    what: str
    verdict: Verdict
    why: str = ""
    """What there was instead, or why nobody could tell."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of a step, or of the whole call."""

    said: str
    """By the agent, by its transcripts."""
    calls: tuple[ToolCall, ...] | None
    """None where that is not known."""


def holds(words: Words, text: str) -> bool:
    """Whether a text has all that is asked for."""
    spoken = _plain(text)
    return (
        all(_plain(part) in spoken for part in words.contains)
        and (not words.any_of or any(_plain(part) in spoken for part in words.any_of))
        and (words.regex is None or re.search(words.regex, text, re.IGNORECASE) is not None)
    )


def judge_words_and_tools(expected: Expected, seen: Seen, where: str) -> list[Check]:
    """`where` begins each check's name: “step 2”, “end”."""
    checks = []
    if expected.said is not None:
        is_met = holds(expected.said, seen.said)
        checks.append(_check(f"{where}: says {_told(expected.said)}", is_met, seen.said))
    for text in expected.not_said:
        is_met = _plain(text) not in _plain(seen.said)
        checks.append(_check(f"{where}: does not say {text!r}", is_met, seen.said))
    return [*checks, *_tools(expected, seen.calls, where)]


def judge_state(state: State, kept: ToolState | None) -> list[Check]:
    """What the tools hold in the end; `kept` is None where that is not known."""
    checks = []
    if state.notes is not None:
        what = f"end: remembers {list(state.notes)}"
        have = None if kept is None else [_plain(note) for note in kept.notes]
        is_met = have is not None and _pairs(
            state.notes, have, lambda part, note: _plain(part) in note
        )
        checks.append(_unless_unknown(what, is_met, have))
    if state.timers is not None:
        what = f"end: has timers {[timer.duration_s for timer in state.timers]}"
        running = None if kept is None else list(kept.timers)
        is_met = running is not None and _pairs(state.timers, running, _is_timer)
        shown = None if running is None else [(timer.label, timer.duration_s) for timer in running]
        checks.append(_unless_unknown(what, is_met, shown))
    return checks


def judge_time(within_ms: int, response_s: float | None, where: str, why: str) -> Check:
    """`response_s`: None for no answer; `why` tells what came instead."""
    what = f"{where}: answers within {within_ms} ms"
    if response_s is None:
        return Check(about="time", what=what, verdict="missed", why=why or "no answer")
    is_met = response_s * 1000 <= within_ms
    told = f"{response_s * 1000:.0f} ms"
    return Check(about="time", what=what, verdict="met" if is_met else "missed", why=told)


def not_judged(checks: Iterable[Check], why: str) -> list[Check]:
    """Those of the task as what nobody could tell; those of time as they are."""
    return [
        check
        if check.about == "time"
        else Check(about="task", what=check.what, verdict="not judged", why=why)
        for check in checks
    ]


def is_success(checks: Sequence[Check], failure: str | None) -> bool | None:
    """Whether the task was done; None where not one thing about it could be judged."""
    task = [check.verdict for check in checks if check.about == "task"]
    if "missed" in task:
        return False
    if "met" not in task:
        return None
    return failure is None


def _tools(expected: Expected, calls: tuple[ToolCall, ...] | None, where: str) -> Iterator[Check]:
    made = None if calls is None else [f"{call.name}({call.arguments})" for call in calls]
    for name, arguments in expected.called.items():
        with_them = f" with {arguments}" if arguments else ""
        fits = any(
            call.name == name and not call.is_error and _has(arguments, call.arguments)
            for call in calls or ()
        )
        yield _unless_unknown(f"{where}: runs {name}{with_them}", fits, made)
    for name in expected.not_called:
        is_met = all(call.name != name for call in calls or ())
        yield _unless_unknown(f"{where}: does not run {name}", is_met, made)


def _has(wanted: Mapping[str, Any], arguments: str) -> bool:
    try:
        given = json.loads(arguments)
    except ValueError:
        return False
    return isinstance(given, dict) and all(
        name in given and _fits(value, given[name]) for name, value in wanted.items()
    )


def _fits(wanted: Any, given: Any) -> bool:
    """A number by its value, a text as part of the one given."""
    if isinstance(wanted, bool) or wanted is None:
        return bool(wanted == given)
    if isinstance(wanted, int | float):
        try:
            return abs(float(given) - wanted) <= _SLACK
        except (TypeError, ValueError):
            return False
    return _plain(str(wanted)) in _plain(str(given))


def _is_timer(wanted: TimerState, timer: Any) -> bool:
    is_as_long = abs(timer.duration_s - wanted.duration_s) <= _SLACK
    return is_as_long and (wanted.label is None or _plain(wanted.label) in _plain(timer.label))


def _pairs(wanted: Sequence[Any], given: Sequence[Any], fits: Any) -> bool:
    """Whether each of the one goes with one of the other and none is left over."""
    left = list(given)
    for item in wanted:
        match = next((other for other in left if fits(item, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _check(what: str, is_met: bool, instead: object) -> Check:
    verdict: Verdict = "met" if is_met else "missed"
    return Check(about="task", what=what, verdict=verdict, why="" if is_met else f"{instead!r}")


def _unless_unknown(what: str, is_met: bool, seen: object) -> Check:
    if seen is None:
        why = "what the tools did is not known"
        return Check(about="task", what=what, verdict="not judged", why=why)
    return _check(what, is_met, seen)


def _told(words: Words) -> str:
    parts = [*map(repr, words.contains)]
    if words.any_of:
        parts.append("one of " + ", ".join(map(repr, words.any_of)))
    if words.regex:
        parts.append(f"/{words.regex}/")
    return " and ".join(parts)


def _plain(text: str) -> str:
    """Without case, and with single blanks."""
    return " ".join(text.casefold().split())
