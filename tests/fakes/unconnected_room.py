"""A room that nobody is connected to, and people in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from livekit import rtc


def participant(identity: str) -> rtc.RemoteParticipant:
    return cast("rtc.RemoteParticipant", SimpleNamespace(identity=identity))


class Room(rtc.Room):
    """Nobody is connected: the test says who is there and what they send."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: dict[str, Any] = {}

    @property
    def remote_participants(self) -> Mapping[str, rtc.RemoteParticipant]:
        return {name: participant(name) for name in ("ann", "bob")}

    def register_text_stream_handler(self, topic: str, handler: Any) -> None:
        self.handlers[topic] = handler

    def unregister_text_stream_handler(self, topic: str) -> None:
        self.handlers.pop(topic, None)
