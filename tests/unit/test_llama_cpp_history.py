from livekit.agents import llm
from livekit.plugins.llama_cpp.history import History, Overflow


def conversation(turns: int, *, words: int = 20) -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content="You are an assistant.")
    for turn in range(turns):
        chat_ctx.add_message(role="user", content=f"question {turn} " + "so " * words)
        chat_ctx.add_message(role="assistant", content=f"answer {turn} " + "well " * words)
    return chat_ctx


def ask(chat_ctx: llm.ChatContext, text: str) -> llm.ChatContext:
    chat_ctx.add_message(role="user", content=text)
    return chat_ctx


def texts(chat_ctx: llm.ChatContext) -> list[str]:
    return [message.text_content or "" for message in chat_ctx.messages()]


def chars(chat_ctx: llm.ChatContext) -> int:
    return sum(map(len, texts(chat_ctx)))


def shrink(history: History, chat_ctx: llm.ChatContext, share: float) -> bool:
    """The context holds `share` of the conversation as it is now."""
    size = chars(history.fit(chat_ctx))
    return history.shrink(chat_ctx, Overflow(size, round(size * share)), other_chars=0)


def test_a_conversation_that_was_never_refused_is_left_alone() -> None:
    chat_ctx = conversation(3)
    assert History().fit(chat_ctx) is chat_ctx


def test_the_oldest_turns_go_and_the_instructions_stay() -> None:
    history, chat_ctx = History(), ask(conversation(10), "and now?")
    assert shrink(history, chat_ctx, 0.9)
    kept = texts(history.fit(chat_ctx))
    assert kept[0] == "You are an assistant."
    assert kept[1].startswith("question") and not kept[1].startswith("question 0")
    assert kept[-1] == "and now?"
    assert chars(history.fit(chat_ctx)) <= 0.6 * 0.9 * chars(chat_ctx)


def test_what_was_cut_stays_cut_while_the_conversation_grows() -> None:
    history, chat_ctx = History(), ask(conversation(10), "and now?")
    shrink(history, chat_ctx, 0.9)
    before = texts(history.fit(chat_ctx))
    ask(chat_ctx, "and then?")
    assert texts(history.fit(chat_ctx)) == [*before, "and then?"]


def test_it_is_cut_again_when_it_is_refused_again() -> None:
    history, chat_ctx = History(), ask(conversation(20), "and now?")
    shrink(history, chat_ctx, 0.9)
    first = len(history.fit(chat_ctx).items)
    assert shrink(history, chat_ctx, 0.9)
    assert len(history.fit(chat_ctx).items) < first


def test_another_conversation_is_not_cut() -> None:
    history, chat_ctx = History(), ask(conversation(10), "and now?")
    shrink(history, chat_ctx, 0.9)
    other = conversation(10)
    assert history.fit(other) is other


def test_tools_that_were_called_go_with_the_turn_that_called_them() -> None:
    chat_ctx = ask(conversation(1), "what time is it?")
    chat_ctx.items.append(llm.FunctionCall(call_id="1", name="get_time", arguments="{}"))
    chat_ctx.items.append(
        llm.FunctionCallOutput(call_id="1", name="get_time", output="noon " * 40, is_error=False)
    )
    ask(chat_ctx, "thanks")
    history = History()
    assert shrink(history, chat_ctx, 0.3)
    assert [item.type for item in history.fit(chat_ctx).items] == ["message", "message"]


def test_of_one_turn_that_is_too_long_the_end_is_kept() -> None:
    history, chat_ctx = History(), ask(conversation(0), "well " * 2000 + "what time is it?")
    assert shrink(history, chat_ctx, 0.5)
    fitted = texts(history.fit(chat_ctx))
    assert fitted[0] == "You are an assistant."
    assert fitted[-1].endswith("what time is it?")
    assert chars(history.fit(chat_ctx)) <= 0.31 * chars(chat_ctx)
    assert texts(chat_ctx)[-1].startswith("well well"), "the caller's own context is changed"


def test_a_long_answer_of_a_tool_is_shortened_before_the_question() -> None:
    chat_ctx = ask(conversation(0), "what does the manual say?")
    chat_ctx.items.append(llm.FunctionCall(call_id="1", name="read", arguments="{}"))
    chat_ctx.items.append(
        llm.FunctionCallOutput(call_id="1", name="read", output="page " * 1000, is_error=False)
    )
    history = History()
    assert history.shrink(chat_ctx, Overflow(5000, 2500), other_chars=0)
    question, call, output = history.fit(chat_ctx).items[1:]
    assert isinstance(output, llm.FunctionCallOutput) and len(output.output) < 2000
    assert isinstance(question, llm.ChatMessage)
    assert question.text_content == "what does the manual say?"
    assert call.type == "function_call"


def test_tools_and_instructions_that_leave_no_room_are_not_cut() -> None:
    history = History()
    assert not shrink(history, conversation(0), 0.5)
    chat_ctx = ask(conversation(0), "hi")
    assert not history.shrink(chat_ctx, Overflow(9000, 4000), other_chars=30_000)


def test_cutting_comes_to_an_end() -> None:
    history, chat_ctx = History(), ask(conversation(30), "well " * 500)
    cuts = 0
    while shrink(history, chat_ctx, 0.9):
        cuts += 1
        assert cuts < 50
    assert chars(history.fit(chat_ctx)) < 400
