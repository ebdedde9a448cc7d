"""Where a model server listens."""

from __future__ import annotations

from pathlib import Path

import pytest
from livekit.plugins.modelserver.address import (
    TcpAddress,
    UnixAddress,
    make_private_folder,
    parse_address,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:/run/parley/models.sock", UnixAddress(Path("/run/parley/models.sock"))),
        ("/run/parley/models.sock", UnixAddress(Path("/run/parley/models.sock"))),
        ("tcp://127.0.0.1:7900", TcpAddress("127.0.0.1", 7900)),
        ("tcp://gpu-box:0", TcpAddress("gpu-box", 0)),
        ("tcp://[::1]:7900", TcpAddress("::1", 7900)),
    ],
)
def test_addresses_are_read_and_written(text: str, address: UnixAddress | TcpAddress) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no address"),
        ("tcp://nowhere", "no address"),
        ("tcp://host:seventy", "no address"),
        ("tcp://host:70000", "no address"),
        ("http://host:80", "no address"),
        ("host:80", "no address"),
        ("unix:here.sock", "whole path"),
        ("unix:/" + "x" * 200, "at most 100 bytes"),
    ],
)
def test_what_is_no_address_is_named_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_address(text)


def test_the_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    make_private_folder(folder)
    make_private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(PermissionError, match="chmod 700"):
        make_private_folder(folder)
