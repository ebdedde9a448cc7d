from __future__ import annotations

from livekit.agents import llm

from agent.continuity.chat import chat_context, is_unknown, kept_items
from agent.continuity.conversation import Said, ToolCall
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


def test_a_call_that_nobody_runs_and_that_has_no_answer_is_not_kept() -> None:
    chat_ctx = chat_context(ITEMS)
    chat_ctx.items.append(llm.FunctionCall(call_id="c2", name="get_time", arguments="{}"))
    assert kept_items(chat_ctx) == ITEMS


def test_a_tool_that_runs_is_kept_with_an_unknown_result_until_it_has_one() -> None:
    chat_ctx = chat_context(ITEMS)
    call = llm.FunctionCall(call_id="c2", name="get_time", arguments='{"a": 1}')
    *before, last = kept_items(chat_ctx, {"c2": call})
    assert tuple(before) == ITEMS and is_unknown(last)
    assert isinstance(last, ToolCall) and (last.name, last.arguments) == ("get_time", '{"a": 1}')
    assert "do not know" in chat_context([last]).items[-1].output  # type: ignore[union-attr]
    chat_ctx.items += [
        call,
        llm.FunctionCallOutput(call_id="c2", name="get_time", output="Noon.", is_error=False),
    ]
    *_, last = kept_items(chat_ctx, {"c2": call})
    assert isinstance(last, ToolCall) and last.output == "Noon." and not is_unknown(last)
