"""A tool may do what cannot be taken back: it runs for what the caller has said in the end."""

import asyncio
import json
from typing import Any, Never

import pytest
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, function_tool, llm

from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time


def now_s() -> float:
    return asyncio.get_running_loop().time()


class BookingLLM(llm.LLM[Never]):
    """Calls `book` with the caller's words at once, and then says what that gave."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[float, str]] = []
        """When, on the loop's clock, and the caller's words."""

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        return _BookingStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _BookingStream(llm.LLMStream):
    _llm: BookingLLM

    async def _run(self) -> None:
        last = self._chat_ctx.items[-1]
        delta = llm.ChoiceDelta(role="assistant")
        if isinstance(last, llm.FunctionCallOutput):
            delta.content = last.output
        else:
            said = [m.text_content or "" for m in self._chat_ctx.messages() if m.role == "user"][-1]
            self._llm.asked.append((now_s(), said))
            call = llm.FunctionToolCall(
                name="book",
                arguments=json.dumps({"what": said}),
                call_id=f"call_{len(self._llm.asked)}",
            )
            delta.tool_calls = [call]
        self._event_ch.send_nowait(llm.ChatChunk(id="booked", delta=delta))


async def test_a_tool_of_an_answer_begun_early_runs_once_and_after_the_turn_is_over() -> None:
    brain = BookingLLM()
    booked: list[tuple[float, str]] = []

    @function_tool
    async def book(what: str) -> str:
        """Books a table."""
        booked.append((now_s(), what))
        return "It is booked."

    async with conversation(brain=brain) as call:
        await call.session.current_agent.update_tools([book])
        # 0.16 s of quiet: enough for an answer to be begun, too little for the end of the turn
        speech_end_s = call.say("set a timer … for my tea", pause_s=0.16)
        record = await call.record(1)
        await call.until(speech_end_s + 20)
    assert [said for _, said in brain.asked] == ["set a timer", "set a timer for my tea"]
    begun_s, _ = brain.asked[1]
    ((ran_s, what),) = booked
    assert what == "set a timer for my tea"
    assert record.eot_s is not None
    assert begun_s < speech_end_s + record.eot_s - 0.1
    assert ran_s >= speech_end_s + record.eot_s - 0.01
    assert (record.outcome, record.speculated) == ("answered", "adopted")
    assert call.spoken() == ["It is booked."]
