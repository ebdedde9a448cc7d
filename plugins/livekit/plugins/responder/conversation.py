"""Reads from livekit's chat context what there is to answer."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.agents import llm

from .replies import ToolOutput

_FRAMEWORK_ID_PREFIX = "lk."
"""livekit gives its standing instructions such ids; those of one reply have others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What came last, and what answers refer to. At most one of the first three is not empty."""

    outputs: tuple[ToolOutput, ...] = ()
    """Of the tools called since the caller spoke, if the last thing that happened is a tool's."""
    instructions: str = ""
    """Given for this reply alone."""
    user_text: str = ""
    """What the caller said last, answered or not."""
    is_answered: bool = False
    before: str = ""
    """What the caller said before that."""
    done: frozenset[str] = frozenset()
    """The tools that did what the caller asked for then."""
    turn: int = 0
    last_reply: str = ""
    word_count: int = 0


def read_conversation(chat_ctx: llm.ChatContext) -> Conversation:
    """Takes items in the order livekit keeps them, by time of creation."""
    items = [item for item in chat_ctx.items if _counts(item)]
    users = [at for at, item in enumerate(items) if _is_message(item, "user")]
    replies = [at for at, item in enumerate(items) if _is_message(item, "assistant")]
    last_user = users[-1] if users else -1
    last_reply = replies[-1] if replies else -1
    since = items[last_user + 1 :]
    outputs = [
        ToolOutput(item.name, item.output, item.is_error)
        for item in since
        if isinstance(item, llm.FunctionCallOutput)
    ]
    before = users[-2] if len(users) > 1 else last_user
    is_tools_turn = bool(items) and isinstance(items[-1], llm.FunctionCallOutput)
    return Conversation(
        outputs=tuple(outputs) if is_tools_turn else (),
        instructions=_instructions(items),
        user_text=_text(items[last_user]) if users else "",
        is_answered=last_reply > last_user or bool(outputs),
        before=_text(items[before]) if before != last_user else "",
        done=frozenset(
            item.name
            for item in items[before + 1 : max(last_user, 0)]
            if isinstance(item, llm.FunctionCallOutput) and not item.is_error
        ),
        turn=len(users),
        last_reply=_text(items[last_reply]) if replies else "",
        word_count=sum(len(_text(item).split()) for item in chat_ctx.items),
    )


def _counts(item: llm.ChatItem) -> bool:
    """Handoffs, configuration and the agent's standing instructions are nothing to answer."""
    if isinstance(item, llm.ChatMessage):
        is_standing = item.role in ("system", "developer") and item.id.startswith(
            _FRAMEWORK_ID_PREFIX
        )
        return not is_standing
    return isinstance(item, (llm.FunctionCall, llm.FunctionCallOutput))


def _instructions(items: list[llm.ChatItem]) -> str:
    """A system message that came last: livekit adds the instructions of one reply there."""
    last = items[-1] if items else None
    if isinstance(last, llm.ChatMessage) and last.role in ("system", "developer"):
        return _text(last)
    return ""


def _is_message(item: llm.ChatItem, role: llm.ChatRole) -> bool:
    return isinstance(item, llm.ChatMessage) and item.role == role


def _text(item: llm.ChatItem) -> str:
    if not isinstance(item, llm.ChatMessage):
        return ""
    return item.raw_text_content or item.text_content or ""
