"""What other processes and earlier ones have left: in Redis, in files, in the environment."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from livekit.plugins.chains import Breakers
from livekit.plugins.chains import FileStore as BreakerFile
from livekit.plugins.chains.faults import Fault, FaultKind
from livekit.plugins.modelserver import ConfigError as ServerConfigError
from livekit.plugins.modelserver import EngineConfig, ServerConfig
from livekit.plugins.modelserver.address import parse_address
from livekit.plugins.modelserver.config import config_from_json

from agent.config import ConfigError, Settings, load_settings
from agent.continuity import FileStore
from agent.continuity.chat import chat_context, kept_items
from agent.continuity.conversation import Conversation
from agent.continuity.store import parsed
from agent.local.tuning import FILE, Tuning, load, save
from tests.fuzz.anything import any_text, anything
from tests.fuzz.toolbox import new_toolbox
from tests.unit.continuity.conversations import conversation

KEY = Fault(FaultKind.KEY, "does not take the key (status 401)")
KEPT = conversation().model_dump_json().encode()
BREAKER = json.dumps(
    {
        "one": {
            "until_s": None,
            "failures": [[1.0, 2]],
            "open_s": 5.0,
            "closed_at_s": 0.0,
            "skip_until_s": 0.0,
            "probe_until_s": 0.0,
            "limited_until_s": 0.0,
        }
    }
).encode()


async def goes_on_with(kept: Conversation) -> None:
    """All that a call does with a conversation of somebody else's."""
    kept.continues(["ann"], 1_000.0)
    assert kept.awaits_answer in (True, False)
    assert len(kept_items(chat_context(kept.items))) <= len(kept.items)
    toolbox = new_toolbox()
    toolbox.restore(kept.tools)
    await toolbox.list_timers()
    await toolbox.recall("")
    toolbox.state().model_dump_json()
    toolbox.close()


@given(anything(Conversation.model_fields, KEPT))
@example(KEPT.replace(b"1060.0", b"Infinity"))
@example(b"[" * 3_000)
def test_any_record_in_redis_is_a_conversation_or_nothing(record: bytes) -> None:
    kept = parsed(record)
    if kept is not None:
        assert parsed(kept.model_dump_json()) == kept
        asyncio.run(goes_on_with(kept))


@given(anything(Conversation.model_fields, KEPT))
@example(b"\xff\xfe{}")
def test_any_file_of_a_conversation_is_one_or_nothing(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = FileStore(Path(folder))
        asyncio.run(store.save(conversation()))
        (path,) = Path(folder).iterdir()
        path.write_bytes(content)
        assert asyncio.run(store.load(conversation().room)) == parsed(content)


@given(anything(["one", "until_s", "failures"], BREAKER))
@example(BREAKER.replace(b"[1.0, 2]", b"[1.0, Infinity]"))
@example(b"[" * 3_000)
def test_any_file_of_breakers_lets_calls_go_on_and_is_mended(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "breakers.json"
        path.write_bytes(content)
        breakers = Breakers(BreakerFile(path), clock=lambda: 1_000.0, chance=lambda: 0.5)
        for name in ("one", "two"):
            breakers.of(name).may_try()
            breakers.of(name).succeeded()
            breakers.of(name).failed(KEY)
            assert not breakers.of(name).may_try()
        assert {"one", "two"} <= json.loads(path.read_bytes()).keys()


def tuning_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return save(Path(folder), Tuning(whisper_threads=2), []).read_bytes()


TUNING = tuning_file()


@given(anything(["machine", "tuning"], TUNING))
@example(TUNING.replace(b'"whisper_threads": 2', b'"whisper_threads": Infinity'))
@example(b"[" * 3_000)
@example(b"\xff")
def test_any_tuning_file_is_one_or_none(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE).write_bytes(content)
        assert isinstance(load(Path(folder)), Tuning)


SERVER = ServerConfig(
    address="unix:/run/models.sock",
    engines=(EngineConfig(name="ear", kind="stt", factory="package.module:ear"),),
).to_json()


@given(
    anything(ServerConfig.__dataclass_fields__, SERVER.encode()).map(
        lambda it: it.decode(errors="replace")
    )
)
@example(SERVER.replace('"unix:/run/models.sock"', "7"))
@example(SERVER.replace('"ear"', "[]"))
@example("[" * 3_000)
def test_any_settings_of_a_model_server_are_checked(text: str) -> None:
    try:
        config = config_from_json(text)
    except ServerConfigError as e:
        assert str(e)
        return
    config.check()


names = st.sampled_from([name.upper() for name in Settings.model_fields])
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
sane = st.sampled_from(
    ["", "0", "1", "-1", "nan", "inf", "1e999", "99999999999", "embedded", "a | b", "voice", "5%"]
    + ["ws://127.0.0.1:1", "Europe/Paris", "..", "/", "redis://x", "a-password-of-some-length"]
)


@pytest.fixture(scope="module", autouse=True)
def own_environment() -> Iterator[None]:
    """Only what the test sets."""
    before = dict(os.environ)
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    yield
    os.environ.clear()
    os.environ.update(before)


@given(st.dictionaries(names, values | sane, max_size=6))
def test_any_environment_makes_settings_or_a_sentence_for_each_problem(
    environment: dict[str, str],
) -> None:
    os.environ.update(environment)
    try:
        load_settings(None)
    except ConfigError as e:
        assert e.problems
        assert {problem.partition(":")[0] for problem in e.problems} <= set(environment)
    finally:
        for name in environment:
            del os.environ[name]


@given(st.binary(max_size=200) | values.map(str.encode))
def test_any_env_file_is_read_or_named(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "env"
        path.write_bytes(content)
        try:
            load_settings(path)
        except ConfigError as e:
            assert e.problems


@given(any_text)
def test_any_address_of_a_model_server_is_one_or_a_sentence(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError as e:
        assert "\n" not in str(e)
        return
    assert parse_address(str(address)) == address
