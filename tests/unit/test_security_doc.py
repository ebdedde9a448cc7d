"""docs/security.md: what it points to is there, and its settings and limits are the product's."""

from __future__ import annotations

import re
from pathlib import Path

from agent.config import Settings
from agent.room_inputs import LONGEST_TEXT, READ_S
from agent.turns.watchdog import Limits
from agent.web.rules import Rules
from agent.web.server import BODY_LIMIT_BYTES, WebOptions

CHECKOUT = Path(__file__).parents[2]
TEXT = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`\s]+)`", TEXT)


def test_every_test_that_is_named_is_there() -> None:
    have = {path.name for path in (CHECKOUT / "tests").rglob("test_*.py")}
    named = [word.rpartition("/")[2] for word in QUOTED if "test_" in word]
    assert len(named) > 40
    assert sorted(set(named) - have) == []


def test_every_path_that_is_named_is_there() -> None:
    paths = {word for word in QUOTED if word.startswith(("tests/", "agent/", "scripts/", "docs/"))}
    assert len(paths) > 15
    assert [path for path in sorted(paths) if not (CHECKOUT / path).exists()] == []


def test_every_setting_that_is_named_is_one() -> None:
    named = {word.partition("=")[0] for word in QUOTED if word.startswith("AGENT_")}
    assert named
    assert named <= {name.upper() for name in Settings.model_fields}


def test_the_limits_are_those_of_the_product() -> None:
    assert f"`AGENT_WEB_CALLS_PER_MINUTE`, {Rules().calls_per_minute}" in TEXT
    assert f"{LONGEST_TEXT} characters, {READ_S:g} s" in TEXT
    assert f"{BODY_LIMIT_BYTES // 1024} KiB at most" in TEXT
    assert f"ended after {Limits().tool_s:g} s" in TEXT
    ttl = next(f for f in WebOptions.__dataclass_fields__.values() if f.name == "token_ttl_s")
    assert ttl.default == 600 and "good for ten minutes" in TEXT
