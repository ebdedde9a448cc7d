"""A conversation that was held against what was expected of it. Pure, but for the model's part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.continuity.conversation import Said, ToolCall
from evals.conversations import rules
from evals.conversations.held import TYPED, Exchange, Held, Line
from evals.conversations.rules import Check, Seen
from evals.conversations.scenario import Conversation, Simulated
from evals.ear.results import EventResult


def by_rules(conversation: Conversation, held: Held, results: Sequence[EventResult]) -> list[Check]:
    """All that can be told without a model."""
    checks = list(_of_steps(conversation, held, results))
    if conversation.user is not None:
        checks += _of_user(conversation.user, held, results)
    checks += rules.judge_words_and_tools(conversation.end, _whole(held), "end")
    if conversation.end.state is not None:
        kept = held.kept.tools if held.kept else None
        checks += rules.judge_state(conversation.end.state, kept)
    if held.recording.failure:
        checks.append(_missed("the call lasts to its end", held.recording.failure))
    return checks


def record_of(held: Held) -> str:
    """The conversation for a model to read: what was said, which tools were run."""
    if held.kept is None:
        parts = (f"Caller: {one.line.text}\nAgent: {one.heard}" for one in held.exchanges)
        return "\n".join(parts)
    lines = []
    for item in held.kept.items:
        match item:
            case Said(role=role, text=text, interrupted=was_interrupted):
                who = "Caller" if role == "user" else "Agent"
                lines.append(f"{who}: {text}{' [interrupted]' if was_interrupted else ''}")
            case ToolCall():
                lines.append(f"[tool {item.name}({item.arguments}) -> {item.output}]")
    return "\n".join(lines)


def _of_steps(
    conversation: Conversation, held: Held, results: Sequence[EventResult]
) -> Iterator[Check]:
    left = list(held.exchanges)
    for number, step in enumerate(conversation.steps, 1):
        exchange = next((one for one in left if one.line == Line.of(step)), None)
        if exchange is None:
            continue  # not for this way, or the call failed before
        left.remove(exchange)
        where = f"step {number}"
        if exchange.skipped:
            yield _missed(f"{where}: can be said", exchange.skipped)
            continue
        seen = Seen(said=exchange.heard, calls=exchange.calls)
        yield from rules.judge_words_and_tools(step, seen, where)
        if step.within_ms is not None:
            yield _in_time(step.within_ms, exchange, results, where)


def _of_user(person: Simulated, held: Held, results: Sequence[EventResult]) -> Iterator[Check]:
    if held.outcome is not None:
        what = "the caller has what it wanted"
        verdict: rules.Verdict = "met" if held.outcome.is_content else "missed"
        yield Check(about="task", what=what, verdict=verdict, why=held.outcome.why)
    limits = {text: want.within_ms for want in person.wants for text in want.say}
    for exchange in held.exchanges:
        within_ms = limits.get(exchange.line.text)
        if within_ms is not None:
            yield _in_time(within_ms, exchange, results, repr(exchange.line.text))


def _whole(held: Held) -> Seen:
    said = " ".join(exchange.heard for exchange in held.exchanges)
    if held.kept is None:
        return Seen(said=said, calls=None)
    calls = tuple(item for item in held.kept.items if isinstance(item, ToolCall))
    return Seen(said=said, calls=calls)


def _in_time(
    within_ms: int, exchange: Exchange, results: Sequence[EventResult], where: str
) -> Check:
    number = exchange.event
    result = results[number] if number is not None and number < len(results) else None
    if (why := _why_unmeasured(result)) is not None:
        what = f"{where}: answers within {within_ms} ms"
        return Check(about="time", what=what, verdict="not judged", why=why)
    assert result is not None
    response_s = None if result.outcome == "cut_off" else result.response_s
    return rules.judge_time(within_ms, response_s, where, result.outcome.replace("_", " "))


def _why_unmeasured(result: EventResult | None) -> str | None:
    """Why the ear cannot tell when the answer came; None where it can."""
    if result is None:
        return "the call had ended"
    if result.outcome == "unmeasured":
        return result.why or "unmeasured"
    if result.event.voice == TYPED and result.event.kind != "turn":
        return "an answer to what is typed begins where the one before is stopped"
    return None


def _missed(what: str, why: str) -> Check:
    return Check(about="task", what=what, verdict="missed", why=why)
