"""What a language model may call tools with: an answer to speak, or an error that it can read."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import ToolError

from agent.tools.arithmetic import CalculationError, calculate
from agent.tools.faq import Faq, parse_markdown
from agent.tools.memory import LONGEST_NOTE, MAX_NOTES, Memory
from tests.fuzz.anything import any_text
from tests.fuzz.toolbox import new_toolbox

digits = st.sampled_from(["0", "1", "7", "12", "0.5", "1e300", "9" * 30, "0x10", "1_0", "1j"])
signs = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "^", "(", ")", ",", " ", "×", "÷"])
names = st.sampled_from(["sqrt", "abs", "round", "__import__", "x", "not", "lambda", "'a'", "[1]"])
expressions = st.lists(digits | signs | names, max_size=40).map("".join)
numbers = st.floats() | st.integers() | st.sampled_from([10**400, -1, 0])
Answer = Coroutine[Any, Any, str]


@given(expressions | any_text | st.sampled_from(["(" * 200, "-" * 199 + "1", "9**" * 60 + "9"]))
def test_any_expression_has_a_result_or_a_reason(expression: str) -> None:
    try:
        assert calculate(expression)
    except CalculationError as e:
        assert str(e)


async def _answer(answer: Answer) -> None:
    try:
        assert isinstance(await answer, str)
    except ToolError as e:
        assert e.message


@given(any_text, any_text, numbers)
def test_any_arguments_have_an_answer_or_a_reason(text: str, other: str, number: float) -> None:
    async def call_all() -> None:
        toolbox = new_toolbox()
        for call in (
            toolbox.set_timer(number, text),
            toolbox.list_timers(),
            toolbox.cancel_timer(other, number),
            toolbox.get_time(text),
            toolbox.get_date(other),
            toolbox.calculate(text),
            toolbox.remember(text),
            toolbox.recall(other),
            toolbox.search_faq(text),
        ):
            await _answer(call)
        toolbox.close()

    asyncio.run(call_all())


@given(st.lists(st.text(max_size=3 * LONGEST_NOTE), max_size=8), st.integers(0, 2 * MAX_NOTES))
def test_notes_stay_few_and_short(notes: list[str], times: int) -> None:
    memory = Memory()
    for note in [*notes, *["again"] * times]:
        memory.remember(note)
    assert len(memory.notes) <= MAX_NOTES
    assert all(len(note) <= LONGEST_NOTE for note in memory.notes)


@given(any_text, any_text)
def test_any_document_and_question_are_searched(document: str, question: str) -> None:
    faq = Faq(parse_markdown(f"# {question}\n{document}\n## Another\n{question}"))
    answer = faq.search(question)
    assert answer is None or answer.text
