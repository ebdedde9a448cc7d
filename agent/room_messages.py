"""What the worker tells the room, as text streams of JSON."""

from __future__ import annotations

import json
import logging
from typing import Literal

from livekit import rtc

from agent.turn_record import TurnRecord

TURN_TOPIC = "parley.turn"
NOTICE_TOPIC = "parley.notice"
RECEIPT_TOPIC = "parley.receipt"
SIMULATED_WORDS_TOPIC = "parley.sim.words"

Level = Literal["info", "warning", "error"]

logger = logging.getLogger(__name__)


async def send_turn(room: rtc.Room, record: TurnRecord) -> None:
    """Publishes a turn's record; a room that is gone is no error."""
    await _send(room, TURN_TOPIC, record.to_json())


async def send_notice(room: rtc.Room, level: Level, code: str, message: str) -> None:
    """Tells the people in the room a sentence; `code` is for programs."""
    await _send(room, NOTICE_TOPIC, json.dumps({"level": level, "code": code, "message": message}))


async def send_receipt(room: rtc.Room, sender: str, text_id: str) -> None:
    """Tells the `sender` of a text, and nobody else, that the agent has it."""
    await _send(room, RECEIPT_TOPIC, json.dumps({"id": text_id}), [sender])


async def _send(room: rtc.Room, topic: str, text: str, to: list[str] | None = None) -> None:
    """`to`: identities; everybody for None."""
    if not room.isconnected():
        return
    try:
        await room.local_participant.send_text(text, topic=topic, destination_identities=to)
    except Exception:
        logger.warning("a message to the room was lost", extra={"topic": topic}, exc_info=True)
