"""What the tests of calls that break in the middle have in common."""

from __future__ import annotations

import asyncio
import json

from tests.stack.caller import Caller, join_token
from tests.stack.processes import KEYS
from tests.stack.speech import speech

QUESTION = "What is the weather going to be like tomorrow?"
SHORT = json.dumps({"simulated": {"reply_s": 1.0}})
BACK = "I am back, sorry for the interruption."


async def ask(caller: Caller) -> None:
    """Until the answer has been spoken."""
    await caller.wait_for_answer(await caller.say(speech(QUESTION)))
    await caller.wait_for_quiet()


async def ask_first(caller: Caller) -> None:
    """The first question to an agent that may not be there yet."""
    await caller.wait_for(lambda: caller.room.remote_participants, "agent")
    await asyncio.sleep(0.5)
    await ask(caller)
    assert caller.said("agent").startswith("Reply 1")


async def begin_call(caller: Caller, url: str, room: str) -> None:
    """Into a room that an agent was asked into; until the first question is answered."""
    await caller.join(url, join_token(KEYS.api_key, KEYS.api_secret, room, caller.identity))
    await ask_first(caller)
