"""Asks the auth hook about callers, and tells the operator when it gives no answer."""

import logging
import time
from collections.abc import AsyncIterator, Mapping

import aiohttp
from aiohttp import web
from yarl import URL

from agent.token_bucket import TokenBucket

from .hook import CANNOT_TELL, HookFault, NotPermitted, Permission, permission

__all__ = ["AuthHook"]

logger = logging.getLogger(__name__)

_LINES_PER_S = 1 / 60


class AuthHook:
    """One hook at `url`. It is asked within `lifetime`, which belongs to the application."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = URL(url)
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._lines = TokenBucket(per_s=_LINES_PER_S, burst=1)

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """Holds the connections. A cookie that the hook sets for one caller is sent for no other."""
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            headers={"User-Agent": "Parley"},
        ) as session:
            self._session = session
            yield

    async def ask(self, question: Mapping[str, str]) -> Permission:
        """Whether a caller may have a token. Raises NotPermitted, also for want of an answer."""
        try:
            return await self._ask(question)
        except HookFault as e:
            self._tell(e)
            raise NotPermitted(503, CANNOT_TELL) from e

    async def _ask(self, question: Mapping[str, str]) -> Permission:
        assert self._session is not None
        try:
            # Its body is never read: one that is still on its way ends the connection.
            async with self._session.get(
                self._url, headers=question, allow_redirects=False
            ) as answer:
                return permission(answer.status, answer.headers)
        except TimeoutError as e:
            raise HookFault(f"it does not answer within {self._timeout_s:g} s") from e
        except aiohttp.ClientConnectorError as e:
            raise HookFault(f"it cannot be reached: {e}") from e
        except (aiohttp.ClientError, OSError) as e:  # their messages may hold the whole address
            raise HookFault(f"it breaks off or speaks no HTTP ({type(e).__name__})") from e

    def _tell(self, fault: HookFault) -> None:
        if self._lines.take(time.monotonic()):
            where = self._url.with_query(None)  # the query may hold a key
            logger.warning("calls are refused: AGENT_WEB_AUTH_URL, %s: %s", where, fault)
