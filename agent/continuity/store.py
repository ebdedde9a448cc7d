"""Where conversations are kept while their calls last. What is in them is never logged."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import ValidationError

from agent.config import Settings
from agent.continuity.conversation import KEPT_S, Conversation

A = TypeVar("A")
R = TypeVar("R")
_UNFINISHED = ".unfinished-"


class StoreError(Exception):
    """The store cannot be used just now; the call goes on without it."""


class ConversationStore(Protocol):
    """Conversations by room. All calls raise StoreError."""

    async def save(self, conversation: Conversation) -> None: ...

    async def load(self, room: str) -> Conversation | None:
        """None also for one that cannot be read, say of another version."""

    async def delete(self, room: str) -> None: ...

    async def aclose(self) -> None: ...


def open_store(settings: Settings) -> ConversationStore:
    """Redis when the settings name one, else a folder of this machine; nothing is connected yet.

    Raises StoreError when the client library of Redis is missing.
    """
    if not settings.agent_redis:
        return FileStore(settings.cache_dir / "run" / "calls")
    from agent.continuity.redis_store import RedisStore

    return RedisStore(settings.agent_redis.get_secret_value())


def parsed(text: str | bytes) -> Conversation | None:
    try:
        return Conversation.model_validate_json(text)
    except ValidationError:
        return None


class FileStore:
    """One file a room, for the user alone; one that is older than `KEPT_S` counts as gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, conversation: Conversation) -> None:
        await self._run(self._write, conversation)

    async def load(self, room: str) -> Conversation | None:
        return await self._run(self._read, self._path(room))

    async def delete(self, room: str) -> None:
        await self._run(lambda path: path.unlink(missing_ok=True), self._path(room))

    async def sweep(self) -> None:
        """Removes what is too old, of processes that are gone."""
        await self._run(self._sweep, None)

    async def aclose(self) -> None:
        pass

    async def _run(self, work: Callable[[A], R], argument: A) -> R:
        try:
            return await asyncio.to_thread(work, argument)
        except OSError as e:
            raise StoreError(f"{self._folder}: {e.strerror}") from e

    def _write(self, conversation: Conversation) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made readable for the user alone, and put in place whole.
        handle, path = tempfile.mkstemp(dir=self._folder, prefix=_UNFINISHED)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(conversation.model_dump_json())
            os.replace(path, self._path(conversation.room))
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise

    def _read(self, path: Path) -> Conversation | None:
        try:
            text = path.read_bytes()
            age_s = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return None
        return parsed(text) if age_s <= KEPT_S else None

    def _sweep(self, _: None) -> None:
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > KEPT_S:
                        path.unlink()

    def _path(self, room: str) -> Path:
        return self._folder / f"{hashlib.sha256(room.encode()).hexdigest()[:32]}.json"
