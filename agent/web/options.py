"""What the page is served with."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from .rules import CLOSED, Rules

__all__ = ["WebError", "WebOptions"]


class WebError(Exception):
    """The page cannot be served; the message says why and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class WebOptions:
    """What the page is served with."""

    livekit_url: str
    """Address of the LiveKit server as the browser reaches it."""
    api_key: str
    api_secret: str = field(repr=False)
    dist: Path
    """Folder of the built page; it may be missing, `/` then says how to build it."""
    agent_name: str | None = None
    """Agent that tokens bring into the room, None for automatic dispatch."""
    agent_metadata: str | None = None
    """Metadata of that dispatch (a JSON object) unless the request gives its own."""
    host: str = "127.0.0.1"
    port: int = 8080
    """0 lets the system choose one: see `AppRunner.addresses`."""
    token_ttl_s: int = 600
    tls: ssl.SSLContext | None = None
    allowed_hosts: tuple[str, ...] = ()
    """Further names under which browsers may reach the page, without port."""
    rules: Rules = CLOSED
    """Who gets a token, and what for."""
    auth_timeout_s: float = 3.0
    """How long the auth hook may take; shorter than the page waits for a token."""
