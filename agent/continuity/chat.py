"""Between livekit's chat context and the plain items that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from livekit.agents import llm

from agent.continuity.conversation import Item, Said, ToolCall

_UNKNOWN = "I was interrupted, and do not know whether that was done. Shall I do it again?"
"""The result of a tool that was running; who goes on may say it to the caller, or do so in other words."""


def kept_items(
    chat_ctx: llm.ChatContext, running: Mapping[str, llm.FunctionCall] | None = None
) -> tuple[Item, ...]:
    """What was said and which tools were run; instructions are not. `running`: tools that have begun
    and have not answered, by their calls' ids: whoever goes on from here does not know their results."""
    results = {i.call_id: i for i in chat_ctx.items if isinstance(i, llm.FunctionCallOutput)}
    begun = {key: call for key, call in (running or {}).items() if key not in results}
    items: list[Item] = []
    for item in chat_ctx.items:
        if isinstance(item, llm.ChatMessage) and item.role in ("user", "assistant"):
            if text := item.text_content:
                items.append(Said(role=item.role, text=text, interrupted=item.interrupted))
        elif isinstance(item, llm.FunctionCall) and item.call_id in results:
            result = results[item.call_id]
            items.append(
                ToolCall(
                    name=item.name,
                    call_id=item.call_id,
                    arguments=item.arguments,
                    output=result.output,
                    is_error=result.is_error,
                )
            )
    # livekit adds a call to the context with its result, at the end.
    items += [
        ToolCall(name=c.name, call_id=c.call_id, arguments=c.arguments, output=_UNKNOWN)
        for c in begun.values()
    ]
    return tuple(items)


def is_unknown(item: Item) -> bool:
    """Whether it is a tool of which nobody knows what came of it."""
    return isinstance(item, ToolCall) and item.output == _UNKNOWN


def chat_context(items: Iterable[Item]) -> llm.ChatContext:
    """A context with these items, in their order."""
    chat_ctx = llm.ChatContext.empty()
    for item in items:
        match item:
            case Said():
                chat_ctx.add_message(
                    role=item.role, content=item.text, interrupted=item.interrupted
                )
            case ToolCall():
                chat_ctx.items.append(
                    llm.FunctionCall(name=item.name, call_id=item.call_id, arguments=item.arguments)
                )
                chat_ctx.items.append(
                    llm.FunctionCallOutput(
                        name=item.name,
                        call_id=item.call_id,
                        output=item.output,
                        is_error=item.is_error,
                    )
                )
    return chat_ctx
