"""What sipp has sent and received, read from the file that its -trace_msg writes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_SEPARATOR = re.compile(
    r"^-{20,}[ \t]+(\d{4}-\d\d-\d\d)[ \t]+(\d\d:\d\d:\d\d\.\d+)[^\n]*\n([^\n]+)\n", re.MULTILINE
)
_STATUS = re.compile(r"SIP/2\.0 (\d{3})")


@dataclass(frozen=True, kw_only=True)
class Message:
    """One SIP message."""

    at_s: float
    """On the wall clock."""
    is_sent: bool
    start: str
    """Its first line."""
    headers: dict[str, str]
    """By their names in small letters; of several with one name, the first."""
    body: str

    @property
    def method(self) -> str:
        """Of the request, or of the one that this answers."""
        return self.headers.get("cseq", "").rpartition(" ")[2]

    @property
    def status(self) -> int | None:
        """None of a request."""
        found = _STATUS.match(self.start)
        return int(found[1]) if found else None


def parse_messages(text: str) -> list[Message]:
    """All that are complete enough to have a first line, in order."""
    parts = _SEPARATOR.split(text)[1:]
    messages = []
    for day, time, direction, content in zip(*[iter(parts)] * 4, strict=True):
        lines = content.strip("\r\n").replace("\r\n", "\n")
        head, _, body = lines.partition("\n\n")
        start, *headers = head.split("\n")
        if not start:
            continue
        named = [line.partition(":") for line in headers]
        messages.append(
            Message(
                at_s=datetime.fromisoformat(f"{day} {time}").timestamp(),
                is_sent=" sent" in direction,
                start=start,
                headers={name.strip().lower(): value.strip() for name, _, value in reversed(named)},
                body=body,
            )
        )
    return messages


def sound_address(sdp: str) -> tuple[str, int]:
    """Where the other side wants sound. Raises ValueError when that is not told."""
    host = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
    port = re.search(r"^m=audio (\d+) ", sdp, re.MULTILINE)
    if not host or not port:
        raise ValueError("the answer names no place for sound")
    return host[1], int(port[1])
