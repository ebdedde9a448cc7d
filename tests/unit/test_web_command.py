from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from pydantic import SecretStr

from agent.config import Settings
from agent.web.command import web_options
from agent.web.rules import Rules

LIVEKIT = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-that-is-long-enough-for-tests",
}


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "agent", "web"],
        cwd=folder,
        env={**clean, **LIVEKIT, "AGENT_WEB_PORT": str(port), "AGENT_NAME": "support"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_page_is_served_until_ctrl_c(tmp_path: Path) -> None:
    with start(tmp_path, 0) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        with urlopen(f"{found[0]}/api/config", timeout=5) as answer:
            assert json.load(answer)["agent_name"] == "support"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with start(tmp_path, port) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert str(port) in errors and "AGENT_WEB_PORT" in errors
    assert "Traceback" not in errors


def test_names_of_the_page_are_separated_by_commas() -> None:
    settings = Settings(agent_web_hosts=" talk.example, b.example ,")
    assert web_options(settings).allowed_hosts == ("talk.example", "b.example")
    assert web_options(Settings()).allowed_hosts == ()


def test_the_rules_of_the_page_are_those_of_the_settings() -> None:
    settings = Settings(
        agent_web_password=SecretStr("a-password-of-some-length"),
        agent_web_calls_per_minute=3,
        agent_web_proxies=1,
        agent_web_rooms="lobby, team-*",
        agent_web_choices="voice,greeting",
    )
    rules = web_options(settings).rules
    assert rules.password == "a-password-of-some-length"
    assert (rules.calls_per_minute, rules.proxies) == (3, 1)
    assert rules.rooms == ("lobby", "team-*")
    assert rules.choices == {"voice", "greeting"}


def test_the_hook_and_the_sites_of_the_settings_are_those_of_the_page() -> None:
    settings = Settings(
        agent_web_auth_url="http://127.0.0.1:9091/check",
        agent_web_origins="https://shop.example, http://localhost:3000",
    )
    rules = web_options(settings).rules
    assert rules.auth_url == "http://127.0.0.1:9091/check"
    assert rules.origins == ("https://shop.example", "http://localhost:3000")


def test_without_settings_nothing_may_be_chosen_and_twenty_calls_begun_in_a_minute() -> None:
    assert web_options(Settings()).rules == Rules(calls_per_minute=20)
