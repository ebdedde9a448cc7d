"""Where a moshi-server is, and what must be known of its model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from livekit.plugins.speechcore import EngineError

DEFAULT_KEY = "public_token"
"""What Kyutai's own configurations accept."""

DEFAULT_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Raises EngineError for an address that is none, and for a delay that no model has."""

    url: str
    """ws://host:port or wss://host, with a path only where a proxy adds one."""
    api_key: str = field(default=DEFAULT_KEY, repr=False)
    delay_s: float = DEFAULT_DELAY_S
    """By which the recogniser's words follow the sound: 0.5 for stt-1b-en_fr, 2.5 for stt-2.6b-en.
    The server does not tell it. One that is too short makes a flush wait for the caller's silence."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.query:
            raise EngineError(
                f"the address of Kyutai's server must be ws://host:port: {self.url!r}"
            )
        if not (math.isfinite(self.delay_s) and 0 < self.delay_s <= _LONGEST_DELAY_S):
            raise EngineError(
                f"the delay of Kyutai's recogniser must be 0 to {_LONGEST_DELAY_S:g} s, "
                f"not {self.delay_s:g}: 0.5 for stt-1b-en_fr, 2.5 for stt-2.6b-en"
            )

    @property
    def name(self) -> str:
        """For messages and metrics: host and port."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def parse_address(address: str, *, api_key: str = "") -> ServerOptions:
    """Of `ws://host:port`, or `ws://host:port?delay=2.5`. Raises EngineError with a sentence."""
    url, _, query = address.partition("?")
    delay_s = DEFAULT_DELAY_S
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "delay":
            raise EngineError(f"Kyutai's address knows ?delay=SECONDS and no {name!r}")
        try:
            delay_s = float(value)
        except ValueError:
            raise EngineError(
                f"?delay={value} of Kyutai's address is no number of seconds"
            ) from None
    return ServerOptions(url=url, api_key=api_key or DEFAULT_KEY, delay_s=delay_s)
