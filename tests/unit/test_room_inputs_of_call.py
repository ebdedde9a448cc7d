"""agent.room_inputs as a call uses it: what becomes of keys and words in its session."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from livekit import rtc

from agent.room_inputs import of_call
from tests.fakes.eventually import eventually
from tests.fakes.unconnected_room import Room, participant


@dataclass
class Session:
    """Writes down what is asked of it, as long as it runs."""

    is_running: bool = True
    asked: list[str] = field(default_factory=list)

    def interrupt(self) -> asyncio.Future[None]:
        if not self.is_running:
            raise RuntimeError("AgentSession isn't running")
        self.asked.append("interrupt")
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def generate_reply(self, *, user_input: str) -> None:
        self.asked.append(user_input)


def has_begun() -> asyncio.Event:
    begun = asyncio.Event()
    begun.set()
    return begun


async def test_the_first_key_makes_the_agent_silent_and_the_number_is_answered() -> None:
    room, session = Room(), Session()
    inputs = of_call(
        room,
        cast(Any, session),
        is_caller=lambda identity: True,
        begun=has_begun(),
        simulated=[],
        tell=lambda code, sentence: None,
    )
    inputs.attach()
    session.is_running = False
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=1, digit="1", participant=participant("ann")))
    session.is_running = True
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=2, digit="2", participant=participant("ann")))
    assert session.asked == []
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=11, digit="#", participant=participant("ann")))
    await eventually(lambda: len(session.asked) == 2)
    assert session.asked == ["interrupt", "(the caller pressed 1 2 #)"]
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=3, digit="3", participant=participant("ann")))
    assert session.asked[2:] == ["interrupt"]
    await inputs.aclose()


async def test_words_that_make_no_sense_are_told() -> None:
    room = Room()
    told: list[tuple[str, str]] = []
    inputs = of_call(
        room,
        cast(Any, None),
        is_caller=lambda identity: True,
        begun=has_begun(),
        simulated=[object()],
        tell=lambda code, sentence: told.append((code, sentence)),
    )
    inputs.attach()
    kind = rtc.DataPacketKind.KIND_RELIABLE
    for data in (b"{]", b"{}", b'{"words": [["now", 0.3, 0.1]]}', b'{"words": []}'):
        room.emit("data_received", rtc.DataPacket(data, kind, None, "parley.sim.words"))
    await inputs.aclose()
    assert [code for code, _ in told] == ["bad_words"] * 3
    assert "not JSON" in told[0][1]
