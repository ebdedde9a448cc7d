from livekit.agents import llm
from livekit.plugins.responder.conversation import read_conversation
from livekit.plugins.responder.replies import ToolOutput


def context(*messages: tuple[llm.ChatRole, str]) -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    for role, text in messages:
        chat_ctx.add_message(role=role, content=text)
    return chat_ctx


def add_call(chat_ctx: llm.ChatContext, name: str, output: str, *, is_error: bool = False) -> None:
    call_id = f"call_{name}"
    chat_ctx.items.append(llm.FunctionCall(call_id=call_id, name=name, arguments="{}"))
    chat_ctx.items.append(
        llm.FunctionCallOutput(call_id=call_id, name=name, output=output, is_error=is_error)
    )


def test_the_last_user_message_is_to_be_answered() -> None:
    read = read_conversation(
        context(("system", "Be kind."), ("user", "one"), ("assistant", "1"), ("user", "two"))
    )
    assert (read.user_text, read.is_answered, read.turn) == ("two", False, 2)
    assert (read.last_reply, read.instructions, read.outputs) == ("1", "", ())
    assert read.word_count == 5


def test_of_several_user_messages_the_last_counts() -> None:
    read = read_conversation(context(("user", "one"), ("user", "two")))
    assert (read.user_text, read.is_answered) == ("two", False)


def test_an_answered_message_is_not_answered_again() -> None:
    assert read_conversation(context(("user", "one"), ("assistant", "1"))).is_answered


def test_outputs_of_tools_come_after_the_message_that_asked() -> None:
    chat_ctx = context(("user", "zero"), ("user", "one"))
    add_call(chat_ctx, "a", "A")
    add_call(chat_ctx, "b", "B", is_error=True)
    read = read_conversation(chat_ctx)
    assert read.outputs == (ToolOutput("a", "A"), ToolOutput("b", "B", is_error=True))
    assert (read.user_text, read.is_answered) == ("one", True)


def test_what_was_asked_before_comes_with_the_tools_that_did_it() -> None:
    chat_ctx = context(("user", "zero"), ("user", "one"))
    add_call(chat_ctx, "a", "A")
    add_call(chat_ctx, "b", "B", is_error=True)
    chat_ctx.add_message(role="assistant", content="A")
    chat_ctx.add_message(role="user", content="no, two")
    add_call(chat_ctx, "c", "C")
    read = read_conversation(chat_ctx)
    assert (read.user_text, read.before, read.done) == ("no, two", "one", frozenset(["a"]))
    first = read_conversation(context(("user", "one")))
    assert (first.before, first.done) == ("", frozenset())


def test_outputs_that_were_spoken_of_are_done_with() -> None:
    chat_ctx = context(("user", "one"))
    add_call(chat_ctx, "a", "A")
    chat_ctx.add_message(role="assistant", content="A")
    assert read_conversation(chat_ctx).outputs == ()


def test_a_system_message_at_the_end_is_an_instruction() -> None:
    read = read_conversation(
        context(("system", "Be kind."), ("user", "one"), ("assistant", "1"), ("system", "Say hi."))
    )
    assert read.instructions == "Say hi."
    developer = read_conversation(context(("user", "one"), ("developer", "Say hi.")))
    assert developer.instructions == "Say hi."


def test_the_standing_instructions_are_no_order_to_speak() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content="You are Parley.", id="lk.agent_task.instructions")
    assert read_conversation(chat_ctx).instructions == ""
    chat_ctx.add_message(role="system", content="Greet the user.")
    assert read_conversation(chat_ctx).instructions == "Greet the user."


def test_an_empty_context_is_nothing_to_answer() -> None:
    read = read_conversation(llm.ChatContext.empty())
    assert (read.user_text, read.turn, read.word_count) == ("", 0, 0)
