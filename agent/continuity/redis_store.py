"""Conversations in a Redis, for the workers of several machines. Needs the extra `redis`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from agent.continuity.conversation import KEPT_S, Conversation
from agent.continuity.store import StoreError, parsed

try:
    from redis import asyncio as redis
    from redis.exceptions import RedisError
except ImportError as e:
    raise StoreError("AGENT_REDIS needs the client of Redis: install the 'redis' extra") from e

_TIMEOUT_S = 2.0
_KEY = "parley:call:"
T = TypeVar("T")


class RedisStore:
    """One key a room, which Redis itself forgets after `KEPT_S`."""

    def __init__(self, url: str) -> None:
        """`url` like redis://:password@host:6379/0; nothing is connected before it is used."""
        try:
            self._redis = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
            )
        except ValueError as e:
            raise StoreError(f"AGENT_REDIS: {e}") from e

    async def save(self, conversation: Conversation) -> None:
        text = conversation.model_dump_json()
        await _tried(self._redis.set(_KEY + conversation.room, text, ex=int(KEPT_S)))

    async def load(self, room: str) -> Conversation | None:
        text = await _tried(self._redis.get(_KEY + room))
        return parsed(text) if isinstance(text, str | bytes) else None

    async def delete(self, room: str) -> None:
        await _tried(self._redis.delete(_KEY + room))

    async def aclose(self) -> None:
        await _tried(self._redis.aclose())


async def _tried(work: Awaitable[T]) -> T:
    try:
        return await work
    except (RedisError, OSError) as e:
        raise StoreError(f"Redis: {type(e).__name__}") from e
