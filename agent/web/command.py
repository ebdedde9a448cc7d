"""`parley web`: the page on its own, beside a LiveKit server and workers that run elsewhere."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from rich.console import Console

from agent.config import Settings
from agent.web.rules import Rules
from agent.web.server import WebError, WebOptions, serve

DIST = Path(__file__).parent / "page" / "dist"

_console = Console()


def web_options(settings: Settings) -> WebOptions:
    """The page's options from settings that name a LiveKit server."""
    return WebOptions(
        livekit_url=settings.livekit_url or "",
        api_key=settings.livekit_api_key or "",
        api_secret=settings.api_secret,
        dist=DIST,
        agent_name=settings.agent_name,
        host=settings.agent_web_host,
        port=settings.agent_web_port,
        allowed_hosts=settings.web_hosts,
        rules=Rules.of(settings),
    )


async def serve_forever(settings: Settings) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stopped.set)
    try:
        runner = await serve(web_options(settings))
    except WebError as e:
        Console(stderr=True).print(str(e), style="red", markup=False, highlight=False)
        return 1
    try:
        host, port = runner.addresses[0][:2]
        _console.print(f"The page is on http://{host}:{port} (Ctrl-C stops it)")
        await stopped.wait()
    finally:
        await runner.cleanup()
    return 0
