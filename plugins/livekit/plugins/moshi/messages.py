"""The messages of a Moshi server's WebSocket: a byte that says what it is, then the rest. Pure.

After rust/protocol.md of kyutai-labs/moshi.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

_MOST_TEXT = 2_000
"""Characters of one message; a token has ten."""

_RAW_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")
"""How a token of the vocabulary reads that is one byte of a character; nobody says it."""


class Kind(IntEnum):
    HANDSHAKE = 0
    """The server listens; what follows (versions) may be missing."""
    AUDIO = 1
    """A piece of an Ogg Opus stream."""
    TEXT = 2
    """A piece of a word that the model is saying."""
    CONTROL = 3
    """Unused in a conversation that goes both ways at once."""
    METADATA = 4
    """JSON about the model."""
    ERROR = 5
    """What went wrong."""
    PING = 6


@dataclass(frozen=True)
class Message:
    """One message of the server."""

    kind: Kind
    payload: bytes

    @property
    def text(self) -> str:
        """Of a TEXT or an ERROR; what is no UTF-8 is replaced."""
        text = self.payload[: 4 * _MOST_TEXT].decode(errors="replace")[:_MOST_TEXT]
        return _RAW_BYTE.sub("", text)


def parse(data: bytes) -> Message | None:
    """None for a kind that nobody knows: the protocol asks to pass over it."""
    if not data or data[0] > max(Kind):
        return None
    return Message(Kind(data[0]), data[1:])


def audio_message(pages: bytes) -> bytes:
    """Takes pieces of the caller's Ogg Opus to the server."""
    return bytes([Kind.AUDIO]) + pages
