"""`POST /api/token` and `GET /api/config`: what the page gets from its own server."""

import importlib.metadata
import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from agent.token_bucket import RateLimiter

from .address import caller_address, rate_key
from .guard import host_name
from .hook import NotPermitted, Permission, question
from .hook_client import AuthHook
from .options import WebOptions
from .tokens import (
    JoinRequest,
    NotAllowed,
    TokenRequestError,
    build_token,
    fill_in,
    parse_request,
)

__all__ = ["Endpoint", "error"]

logger = logging.getLogger(__name__)


class Endpoint:
    """Gives the page its configuration and its tokens."""

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        url, minutely = options.rules.auth_url, options.rules.calls_per_minute
        self.hook = AuthHook(url, timeout_s=options.auth_timeout_s) if url else None
        """Its `lifetime` has to be the application's."""
        self._limiter = RateLimiter(per_s=minutely / 60, burst=minutely) if minutely else None
        self._is_warned = False

    async def config(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "livekit_url": self._options.livekit_url,
                "agent_name": self._options.agent_name,
                "version": _version(),
            }
        )

    async def token(self, request: web.Request) -> web.StreamResponse:
        options = self._options
        if refusal := self._refusal(request):
            return refusal
        try:
            permission = await self._permission(request)
            join = fill_in(await self._asked(request, permission))
        except NotPermitted as e:
            return _unauthorized(str(e)) if e.status == 401 else error(e.status, str(e))
        except TokenRequestError as e:
            return error(403 if isinstance(e, NotAllowed) else 400, str(e))
        token = build_token(
            join,
            api_key=options.api_key,
            api_secret=options.api_secret,
            ttl_s=options.token_ttl_s,
            agent_name=options.agent_name,
            agent_metadata=options.agent_metadata,
        )
        logger.debug("join token given", extra={"ttl_s": options.token_ttl_s})
        answer = {
            "server_url": options.livekit_url,
            "participant_token": token,
            "room_name": join.room_name,
            "participant_identity": join.identity,
        }
        return web.json_response(answer, status=201)

    async def _asked(self, request: web.Request, permission: Permission) -> JoinRequest:
        """What the body asks for, by whom the hook names. Raises TokenRequestError."""
        # Also what keeps other sites out: they cannot send JSON without asking first (CORS).
        if request.content_type != "application/json":
            raise TokenRequestError(
                "Send the request as JSON, with Content-Type: application/json."
            )
        try:
            body = json.loads(await request.read() or b"{}")
        except (ValueError, RecursionError):
            raise TokenRequestError("The request body is not valid JSON.") from None
        options = self._options
        asked = parse_request(body, agent_name=options.agent_name, rules=options.rules)
        return replace(
            asked,
            identity=permission.identity or asked.identity,
            name=permission.name or asked.name,
        )

    async def _permission(self, request: web.Request) -> Permission:
        """The hook's, where there is one. Raises NotPermitted, TokenRequestError."""
        if self.hook is None:
            return Permission()
        headers, options = request.headers, self._options
        host = headers.get("Host", "")
        behind_proxy = host_name(host) in {name.lower() for name in options.allowed_hosts}
        return await self.hook.ask(
            question(
                authorizations=headers.getall("Authorization", []),
                cookies=headers.getall("Cookie", []),
                address=caller_address(
                    request.remote,
                    headers.getall("X-Forwarded-For", []),
                    proxies=options.rules.proxies,
                ),
                scheme="https" if behind_proxy else request.scheme,
                host=host,
                query=request.rel_url.raw_query_string,
            )
        )

    def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to who asks too often, or without the password; that counts as asking, too."""
        rules = self._options.rules
        if self._limiter is not None:
            forwarded_for = request.headers.getall("X-Forwarded-For", [])
            if forwarded_for and not rules.proxies:
                self._warn_of_proxy()
            key = rate_key(request.remote, forwarded_for, proxies=rules.proxies)
            if wait_s := math.ceil(self._limiter.take(key, time.monotonic())):
                sentence = f"Too many calls from your address: try again in {wait_s} s."
                return error(429, sentence, {"Retry-After": str(wait_s)})
        if not rules.admits(request.headers.get("Authorization", "")):
            return _unauthorized("A password is needed: open the whole link that you were given.")
        return None

    def _warn_of_proxy(self) -> None:
        if not self._is_warned:
            self._is_warned = True
            logger.warning(
                "requests come through a proxy: set AGENT_WEB_PROXIES to how many there are, "
                "or all callers share one limit"
            )


def error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer that says in one sentence why there is no other."""
    return web.json_response({"error": sentence}, status=status, headers=headers)


def _unauthorized(sentence: str) -> web.Response:
    return error(401, sentence, {"WWW-Authenticate": "Bearer"})


def _version() -> str:
    try:
        return importlib.metadata.version("parley-agent")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
