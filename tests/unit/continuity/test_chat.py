from __future__ import annotations

from livekit.agents import llm

from agent.continuity.chat import chat_context, kept_items
from agent.continuity.conversation import Said
from tests.unit.continuity.conversations import ITEMS


def test_what_was_kept_makes_the_same_context_again() -> None:
    assert kept_items(chat_context(ITEMS)) == ITEMS


def test_a_tool_stays_together_with_its_result() -> None:
    kinds = [item.type for item in chat_context(ITEMS).items]
    assert kinds == ["message", "function_call", "function_call_output", "message"]


def test_instructions_are_not_kept() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content="Be brief.")
    chat_ctx.add_message(role="user", content="Hello.")
    assert kept_items(chat_ctx) == (Said(role="user", text="Hello."),)


def test_a_tool_that_has_not_answered_yet_is_not_kept() -> None:
    chat_ctx = chat_context(ITEMS)
    chat_ctx.items.append(llm.FunctionCall(call_id="c2", name="get_time", arguments="{}"))
    assert kept_items(chat_ctx) == ITEMS
