"""What a demo is started with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.web.rules import CLOSED, Rules

if TYPE_CHECKING:
    from agent.config import Settings

__all__ = ["RELEASE_URL", "SERVER_VERSION", "DemoError", "DemoOptions"]

SERVER_VERSION = "1.11.0"
"""The livekit-server that is installed where none is found."""

RELEASE_URL = f"https://github.com/livekit/livekit/releases/download/v{SERVER_VERSION}"


class DemoError(Exception):
    """The demo cannot go on; the message is for the person who started it, with the remedy."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """Where the demo lives and what it must use instead of choosing for itself."""

    root: Path
    """The checkout: `.parley/` with logs, keys and `demo.env` is made here."""
    cache_dir: Path
    """Tool cache; the LiveKit server is looked for and installed in its `bin/`."""
    dist: Path
    """Folder of the built page; it may be missing."""
    environ: Mapping[str, str] = field(repr=False)
    """Environment of everything that is started; its PATH is searched."""
    livekit_url: str | None = None
    """Server to use; None looks for one. A given one needs key and secret."""
    api_key: str | None = None
    api_secret: str | None = field(default=None, repr=False)
    """Key and secret of that server, or for the one started here; None makes a pair."""
    agent_name: str | None = None
    """Agent that the page's tokens dispatch; None with automatic dispatch."""
    web_host: str = "127.0.0.1"
    web_port: int | None = None
    """Port of the page; None takes 8080 (8443 with `lan`) or a free one near it."""
    web_rules: Rules = CLOSED
    """Who gets a token of the page, and what for."""
    health_port: int | None = None
    """Port of the worker's health check; None takes 8081 or a free one near it."""
    metrics_port: int | None = None
    """Port of the worker's metrics; None takes 9090 or a free one near it, 0 switches them off."""
    lan: bool = False
    """Serve phones on the same network too: HTTPS, WSS, QR code."""
    lan_address: str | None = None
    """This machine's IPv4 address for `lan`; None asks the routing table."""
    offline: bool = False
    """Never download anything; what is here must do."""
    release_url: str = RELEASE_URL
    """Folder of the server's release archive and its `checksums.txt`."""
    worker_command: tuple[str, ...] = (sys.executable, "-m", "agent", "dev", "--no-reload")
    """`dev`: takes calls however busy the machine is, and stops without waiting for them."""

    @classmethod
    def from_settings(
        cls, settings: Settings, *, lan: bool = False, lan_address: str | None = None
    ) -> DemoOptions:
        """Options of `parley demo`. A port that is not set may move to a free one; a set one not."""
        chosen = settings.model_fields_set

        def port(name: str) -> int | None:
            return int(getattr(settings, name)) if name in chosen else None

        package = Path(__file__).parents[1]
        is_checkout = (package.parent / "pyproject.toml").is_file()
        return cls(
            root=package.parent if is_checkout else Path.cwd(),
            cache_dir=settings.cache_dir,
            dist=package / "web" / "page" / "dist",
            environ=dict(os.environ),
            livekit_url=settings.livekit_url,
            api_key=settings.livekit_api_key,
            api_secret=settings.api_secret or None,
            agent_name=settings.agent_name,
            web_host=settings.agent_web_host,
            web_port=port("agent_web_port"),
            web_rules=Rules.of(settings),
            health_port=port("agent_health_port"),
            metrics_port=port("agent_metrics_port"),
            lan=lan,
            lan_address=lan_address,
            offline=os.environ.get("PARLEY_OFFLINE", "").lower() not in {"", "0", "false", "no"},
        )

    @property
    def state_dir(self) -> Path:
        """Folder of everything the demo writes into the checkout."""
        return self.root / ".parley"

    @property
    def page_is_built(self) -> bool:
        """Whether there is a page to serve."""
        return (self.dist / "index.html").is_file()
