import shlex
import subprocess
from pathlib import Path

import jwt

from agent.demo.join_line import lk_join_lines
from agent.private_files import Keys, write_env

KEYS = Keys(api_key="ours", api_secret="o" * 40)


def lines_for(env_file: Path, agent_name: str | None = None) -> tuple[str, str]:
    return lk_join_lines(env_file=env_file, room="parley-1", keys=KEYS, agent_name=agent_name)


def test_the_line_gives_lk_everything_without_showing_the_secret(tmp_path: Path) -> None:
    env_file = tmp_path / "a folder" / "demo.env"
    env_file.parent.mkdir()
    values = {"LIVEKIT_URL": "ws://127.0.0.1:7880", "LIVEKIT_API_SECRET": KEYS.api_secret}
    write_env(env_file, values)
    lk = tmp_path / "lk"
    lk.write_text('#!/bin/sh\necho "$LIVEKIT_URL $LIVEKIT_API_SECRET $*"\n')
    lk.chmod(0o755)
    line, _ = lines_for(env_file)
    ran = subprocess.run(
        ["sh", "-c", line],
        env={"PATH": f"{tmp_path}:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = f"ws://127.0.0.1:7880 {KEYS.api_secret} room join --identity you parley-1\n"
    assert ran.stdout == expected
    assert KEYS.api_secret not in line


def test_a_named_agent_is_sent_for_first(tmp_path: Path) -> None:
    line, _ = lines_for(tmp_path / "demo.env", agent_name="my agent")
    words = shlex.split(line.strip("()").replace(";", " ; "))
    dispatch, join = words.index("dispatch"), words.index("join")
    assert words[dispatch : dispatch + 6] == [
        *("dispatch", "create", "--agent-name", "my agent", "--room", "parley-1")
    ]
    assert dispatch < join


def test_the_token_is_for_one_room_and_one_hour(tmp_path: Path) -> None:
    _, token = lines_for(tmp_path / "demo.env", agent_name="helper")
    claims = jwt.decode(token, KEYS.api_secret, algorithms=["HS256"])
    assert claims["video"]["room"] == "parley-1"
    assert claims["exp"] - claims["nbf"] == 3600
    assert claims["roomConfig"]["agents"][0]["agentName"] == "helper"
