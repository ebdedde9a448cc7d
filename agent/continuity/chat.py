"""Between livekit's chat context and the plain items that are kept."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.agents import llm

from agent.continuity.conversation import Item, Said, ToolCall


def kept_items(chat_ctx: llm.ChatContext) -> tuple[Item, ...]:
    """What was said and which tools were run; instructions and calls without a result are not."""
    results = {i.call_id: i for i in chat_ctx.items if isinstance(i, llm.FunctionCallOutput)}
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
    return tuple(items)


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
