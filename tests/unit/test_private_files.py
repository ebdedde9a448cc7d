import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from agent.private_files import load_keys, make_state_dir, read_env, write_env, write_private

AWKWARD = {"A": "plain", "B": "with space", "C": 'it\'s $HOME `x` "q"', "D": "=a=b="}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_private_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", "x")
    make_state_dir(tmp_path / "state")
    assert mode(tmp_path / "secret") == 0o600
    assert mode(tmp_path / "state") == 0o700


def test_a_file_with_wider_rights_is_replaced_by_a_private_one(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old")
    (tmp_path / "secret").chmod(0o644)
    write_private(tmp_path / "secret", b"new")
    assert (tmp_path / "secret").read_bytes() == b"new"
    assert mode(tmp_path / "secret") == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_private(tmp_path / "file", "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(tmp_path / "file", "\ud800")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_values_come_back_whole_in_python_dotenv_and_a_shell(tmp_path: Path) -> None:
    path = tmp_path / "demo.env"
    write_env(path, AWKWARD)
    assert read_env(path) == AWKWARD
    for name, value in AWKWARD.items():
        shell = ["sh", "-c", f'. "$0"; printf %s "${name}"', str(path)]
        assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == value


def test_what_livekit_needs_is_read_by_dotenv_as_well(tmp_path: Path) -> None:
    values = {"LIVEKIT_URL": "ws://127.0.0.1:7880", "LIVEKIT_API_SECRET": "a-B_9" * 8}
    write_env(tmp_path / "demo.env", values)
    assert dotenv_values(tmp_path / "demo.env") == values


def test_a_missing_or_broken_file_has_no_values(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "open").write_text("A='never closed\nB\nC=ok\n")
    assert read_env(tmp_path / "none") == {}
    assert read_env(tmp_path / "binary") == {}
    assert read_env(tmp_path / "open") == {"C": "ok"}


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    keys = load_keys(path)
    assert keys.api_key.startswith("parley-")
    assert len(keys.api_key) == len("parley-") + 8
    assert len(keys.api_secret) >= 32
    assert mode(path) == 0o600
    assert load_keys(path) == keys
    assert keys.api_secret not in repr(keys)


def test_two_checkouts_have_different_keys(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "a") != load_keys(tmp_path / "b")


def test_keys_with_a_secret_too_short_to_be_safe_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    write_env(path, {"LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "short"})
    assert len(load_keys(path).api_secret) >= 32
