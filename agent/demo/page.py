"""The page, served from this process; with a phone in mind over HTTPS together with signalling."""

from dataclasses import replace

from aiohttp import web

from agent.token_check import http_address
from agent.web.server import WebError, WebOptions, build_app, serve

from .options import DemoError
from .wss_proxy import add_signalling_proxy

__all__ = ["start_page"]

_SHUTDOWN_S = 1.0


async def start_page(options: WebOptions, *, proxied_server: str | None) -> web.AppRunner:
    """Serves the page; end it with `cleanup()`.

    With `proxied_server` (its ws:// address) browsers reach that server through the page's own
    address. Raises DemoError when the port is taken.
    """
    try:
        if proxied_server is None:
            return await serve(options)
        return await _serve_with_signalling(options, proxied_server)
    except WebError as e:
        raise DemoError(str(e)) from e


async def _serve_with_signalling(options: WebOptions, server: str) -> web.AppRunner:
    scheme = "wss" if options.tls else "ws"
    options = replace(options, livekit_url=f"{scheme}://{options.host}:{options.port}")
    app = build_app(options)
    add_signalling_proxy(app, http_address(server))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port, ssl_context=options.tls).start()
    except OSError as e:
        await runner.cleanup()
        raise DemoError(
            f"The page cannot listen on {options.host}:{options.port} ({e.strerror}): "
            "set AGENT_WEB_PORT to a free port."
        ) from e
    return runner
