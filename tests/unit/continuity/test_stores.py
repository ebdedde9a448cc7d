"""What is true of every store, in a folder and in a real Redis."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.config import Settings
from agent.continuity import ConversationStore, FileStore, StoreError, open_store
from agent.continuity.conversation import KEPT_S
from agent.continuity.redis_store import RedisStore
from tests.stack.redis import redis_server
from tests.unit.continuity.conversations import conversation


def overwrite_all(folder: Path, text: str) -> None:
    for path in folder.iterdir():
        path.write_text(text)


def make_old(folder: Path, room: str) -> Path:
    old = next(path for path in folder.iterdir() if room in path.read_text())
    long_ago_s = time.time() - KEPT_S - 1
    os.utime(old, (long_ago_s, long_ago_s))
    return old


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(params=["folder", "redis"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, redis_url: str
) -> AsyncIterator[ConversationStore]:
    made: ConversationStore
    made = FileStore(tmp_path) if request.param == "folder" else RedisStore(redis_url)
    yield made
    await made.delete("blue/room")
    await made.aclose()


async def test_what_was_saved_is_found_by_its_room(store: ConversationStore) -> None:
    await store.save(conversation())
    assert await store.load("blue/room") == conversation()
    assert await store.load("blue") is None


async def test_the_newest_counts(store: ConversationStore) -> None:
    await store.save(conversation())
    await store.save(conversation(job="AJ_2"))
    kept = await store.load("blue/room")
    assert kept is not None
    assert kept.job == "AJ_2"


async def test_what_was_deleted_is_gone_and_may_be_deleted_again(store: ConversationStore) -> None:
    await store.save(conversation())
    await store.delete("blue/room")
    await store.delete("blue/room")
    assert await store.load("blue/room") is None


async def test_files_are_for_the_user_alone_and_whole(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "calls")
    await asyncio.gather(*(store.save(conversation(job=f"AJ_{n}")) for n in range(20)))
    (path,) = (tmp_path / "calls").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "calls").stat().st_mode) == 0o700
    assert await store.load("blue/room") is not None


async def test_a_file_of_another_version_is_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    await store.save(conversation())
    overwrite_all(tmp_path, '{"version": 2}')
    assert await store.load("blue/room") is None


async def test_old_files_count_as_gone_and_are_swept(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    await store.save(conversation())
    await store.save(conversation(room="new"))
    old = make_old(tmp_path, "blue/room")
    assert await store.load("blue/room") is None
    await store.sweep()
    assert not old.exists()
    assert await store.load("new") is not None


async def test_redis_forgets_by_itself(redis_url: str) -> None:
    from redis import asyncio as redis

    store, client = RedisStore(redis_url), redis.Redis.from_url(redis_url)
    await store.save(conversation())
    assert 0 < await client.ttl("parley:call:blue/room") <= KEPT_S
    await client.aclose()
    await store.aclose()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        await FileStore(tmp_path / "file" / "calls").save(conversation())


async def test_a_redis_that_is_away_is_told_without_its_password() -> None:
    store = RedisStore("redis://:secret@127.0.0.1:1")
    with pytest.raises(StoreError) as told:
        await store.save(conversation())
    await store.aclose()
    assert "secret" not in str(told.value)


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    here = Settings(_env_file=None, agent_cache_dir=tmp_path)
    assert isinstance(open_store(here), FileStore)
    shared = Settings(_env_file=None, agent_redis=SecretStr("redis://127.0.0.1:1"))
    assert isinstance(open_store(shared), RedisStore)


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(StoreError, match="AGENT_REDIS"):
        RedisStore("redis://127.0.0.1:port")
