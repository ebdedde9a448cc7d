"""The HTTP server of the page: `POST /api/token`, `GET /api/config` and the built files."""

import errno
import html
from collections.abc import Awaitable, Callable

from aiohttp import web

from .cors import ENDPOINT, cors_headers, is_listed
from .endpoint import Endpoint, error
from .guard import content_security_policy, host_name, is_known_host, is_own_origin
from .options import WebError, WebOptions

__all__ = ["WebError", "WebOptions", "build_app", "serve"]

BODY_LIMIT_BYTES = 16 * 1024
_SHUTDOWN_S = 1.0
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve(options: WebOptions) -> web.AppRunner:
    """Starts serving; the caller ends it with `await runner.cleanup()`.

    Raises `WebError` when the options are wrong or the address cannot be had.
    """
    runner = web.AppRunner(
        build_app(options), access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, ssl_context=options.tls)
    try:
        await site.start()
    except OSError as e:
        await runner.cleanup()
        raise WebError(_why_not_listening(e, options)) from e
    return runner


def build_app(options: WebOptions) -> web.Application:
    """The application, not yet listening. Raises `WebError` when the options are wrong."""
    try:
        policy = content_security_policy(options.livekit_url)
    except ValueError as e:
        raise WebError(f"{e}: set LIVEKIT_URL, for example ws://127.0.0.1:7880.") from e
    if not options.api_key or not options.api_secret:
        raise WebError(
            "Tokens need a key and a secret: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET."
        )
    guard = _Guard(options, policy)
    app = web.Application(middlewares=[guard.check], client_max_size=BODY_LIMIT_BYTES)
    app.on_response_prepare.append(guard.add_headers)
    endpoint, page = Endpoint(options), _Page(options)
    if endpoint.hook is not None:
        app.cleanup_ctx.append(endpoint.hook.lifetime)
    app.router.add_post(ENDPOINT, endpoint.token)
    app.router.add_get("/api/config", endpoint.config)
    app.router.add_get("/healthz", _healthy)
    app.router.add_get("/", page.index)
    app.router.add_get(r"/assets/{name:[A-Za-z0-9_.-]+}", page.asset)
    return app


class _Guard:
    """Checks host and origin of every request and adds the security headers to every answer."""

    def __init__(self, options: WebOptions, policy: str) -> None:
        self._options = options
        self._headers = {
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }

    @web.middleware
    async def check(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if refusal := self._refusal(request):
            return error(403, refusal)
        if request.method == "OPTIONS" and self._is_from_listed(request):
            return web.Response(status=204)
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return error(413, f"The request body may have {BODY_LIMIT_BYTES} bytes at most.")
        except web.HTTPMethodNotAllowed as e:
            answer = error(405, f"{request.method} is not possible here.")
            answer.headers["Allow"] = ", ".join(sorted(e.allowed_methods))
            return answer
        except web.HTTPNotFound:
            return error(404, "There is nothing at this address; the page is at /.")

    def _refusal(self, request: web.Request) -> str | None:
        allowed = self._options.allowed_hosts
        name = host_name(request.headers.get("Host", ""))
        if not is_known_host(name, host=self._options.host, allowed_hosts=allowed):
            return "This host name is not served here: open the page at the address it was started with."
        origin = request.headers.get("Origin")
        if origin is None or self._is_from_listed(request):
            return None
        if not is_own_origin(
            origin,
            scheme=request.scheme,
            host_header=request.headers["Host"],
            allowed_hosts=allowed,
        ):
            return "Requests from other sites are refused."
        return None

    def _is_from_listed(self, request: web.Request) -> bool:
        """Whether a page of another site asks for what it may ask for."""
        origins = self._options.rules.origins
        return is_listed(request.headers.get("Origin"), request.path, origins)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        rules = self._options.rules
        cors = cors_headers(
            request.headers.get("Origin"),
            request.path,
            origins=rules.origins,
            with_cookies=bool(rules.auth_url),  # nothing else reads them
            is_preflight=request.method == "OPTIONS",
        )
        response.headers.update(self._headers | cors)
        response.headers.setdefault("Cache-Control", "no-store")


class _Page:
    """Serves the files of the built page."""

    def __init__(self, options: WebOptions) -> None:
        self._dist = options.dist
        self._livekit_url = options.livekit_url

    async def index(self, request: web.Request) -> web.StreamResponse:
        index = self._dist / "index.html"
        if not index.is_file():
            return self._not_built()
        return web.FileResponse(index, headers={"Cache-Control": "no-cache"})

    async def asset(self, request: web.Request) -> web.StreamResponse:
        asset = self._dist / "assets" / request.match_info["name"]
        if not asset.is_file():
            raise web.HTTPNotFound
        # Names carry a hash of the content: what is cached can never be out of date.
        immutable = "public, max-age=31536000, immutable"
        return web.FileResponse(asset, headers={"Cache-Control": immutable})

    def _not_built(self) -> web.Response:
        text = (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Parley</title>"
            "<p>The page is not built yet: install Node 20 or newer, run <code>make setup</code> "
            "and reload, or join without it by <code>lk room join --url "
            f"{html.escape(self._livekit_url)} --identity you ROOM</code>.</p></html>"
        )
        return web.Response(text=text, content_type="text/html", charset="utf-8", status=503)


async def _healthy(request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok")


def _why_not_listening(error: OSError, options: WebOptions) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {options.port} on {options.host} is taken: stop the program that uses it, "
            "or choose another port with AGENT_WEB_PORT."
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {options.port} is reserved for the system: choose one above 1023 "
            "with AGENT_WEB_PORT."
        )
    return (
        f"Cannot listen on {options.host}:{options.port} ({error.strerror or error}): "
        "choose an address of this machine with AGENT_WEB_HOST."
    )
