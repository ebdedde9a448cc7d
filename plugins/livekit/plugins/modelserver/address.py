"""Where a model server listens: a Unix socket in a private folder, or TCP with a token."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

_LONGEST_UNIX_PATH_BYTES = 100
"""The kernel takes 107 on Linux, 103 on macOS."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """Only this user reaches it: the folder is closed to others."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """Not encrypted: for a private network, with a token."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


Address = UnixAddress | TcpAddress


def parse_address(text: str) -> Address:
    """Reads "unix:/path", "/path" or "tcp://host:port". Raises ValueError with one sentence."""
    if text.startswith(("unix:", "/")):
        return _unix_address(text.removeprefix("unix:"))
    host, colon, port = text.removeprefix("tcp://").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if text.startswith("tcp://") and host and colon and port.isdecimal() and int(port) < 65_536:
        return TcpAddress(host, int(port))
    raise ValueError(f"{text!r} is no address of a model server: unix:/path or tcp://host:port")


def _unix_address(path: str) -> UnixAddress:
    if not path.startswith("/"):
        raise ValueError(f"{path!r} must be a whole path, from / on")
    if len(os.fsencode(path)) > _LONGEST_UNIX_PATH_BYTES:
        raise ValueError(
            f"the path of a Unix socket has at most {_LONGEST_UNIX_PATH_BYTES} bytes, not {path!r}"
        )
    return UnixAddress(Path(path))


def make_private_folder(folder: Path) -> None:
    """Makes the folder for this user alone, or checks that it is so. Raises OSError otherwise."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(
            f"{folder} is open to other users: `chmod 700 {folder}`, or choose another folder"
        )
